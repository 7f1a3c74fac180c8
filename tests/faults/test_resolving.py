"""What faults stand for is found: the fault of a line that an earlier resubmit could not deliver."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cncbops.aws import Aws, AwsAccess
from cncbops.faults.fault import Fault, LakeLine, Nothing, Records
from cncbops.faults.resolving import Resolver, part_of
from cncbops.lake.objects import LakeObject
from tests.e2e.lakes import eventbridge
from tests.e2e.servers import client
from tests.faults import fault_texts as texts
from tests.faults.units import fault

NOWHERE = "http://127.0.0.1:1"
HERE = LakeObject("/reports/failures", "", "/reports/failures", 1, "", datetime(2018, 4, 8, tzinfo=UTC))


@pytest.fixture
def resolver() -> Iterator[Resolver]:
    found = Resolver(Aws(AwsAccess(region="us-east-1", endpoint_url=NOWHERE)), client("s3", NOWHERE))
    yield found
    found.close()


def failed_at(path: Path, line: int, part: int) -> Fault:
    return fault(id=None, function=None, unit=LakeLine(str(path), line, part))


def of_events(*fault_ids: str) -> bytes:
    return b"".join(texts.library(b'{"record":%b}' % texts.record(), each) for each in fault_ids)


def test_a_fault_that_holds_its_work_is_itself(resolver: Resolver) -> None:
    assert resolver.opened(fault(), HERE) == [fault()]


def test_a_line_stands_for_the_fault_on_it_by_its_own_id(resolver: Resolver, tmp_path: Path) -> None:
    path = tmp_path / "faults"
    path.write_bytes(b"\n" + of_events("f-1", "f-2"))
    (found,) = resolver.opened(failed_at(path, 2, 1), HERE)
    assert (found.id, found.function, isinstance(found.unit, Records)) == ("f-2", texts.FUNCTION, True)


def test_of_several_faults_in_one_document_the_one_that_failed_is_meant(resolver: Resolver, tmp_path: Path) -> None:
    path = tmp_path / "faults"
    events = [eventbridge(b'{"type":"t"}', "t", f"e-{number}") for number in range(3)]
    path.write_bytes(texts.of_batch(events))
    (found,) = resolver.opened(failed_at(path, 1, part_of(0, 2)), HERE)
    assert found.id is not None
    assert "e-2" in repr(found.unit)


@pytest.mark.parametrize(("line", "part"), [(1, 1), (2, 0), (1, part_of(0, 1))])
def test_a_line_that_holds_the_fault_no_longer_says_so(
    resolver: Resolver, tmp_path: Path, line: int, part: int
) -> None:
    path = tmp_path / "faults"
    path.write_bytes(of_events("f-1"))
    (found,) = resolver.opened(failed_at(path, line, part), HERE)
    assert isinstance(found.unit, Nothing)
    assert "no longer" in found.unit.reason


def test_a_fault_is_found_behind_as_many_others_on_its_line_as_there_are(resolver: Resolver, tmp_path: Path) -> None:
    """Firehose joins documents without newlines, so a whole object may be one line."""
    path, before = tmp_path / "faults", 2**16 + 1
    path.write_bytes(b"{}" * before + of_events("f-1"))
    (found,) = resolver.opened(failed_at(path, 1, part_of(before, 0)), HERE)
    assert found.id == "f-1"
