"""What faults stand for is found: the fault of a line that an earlier resubmit could not deliver."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cncbops.aws import Aws, AwsAccess
from cncbops.faults.fault import Fault, LakeLine, Nothing, Records, StreamRange
from cncbops.faults.resolving import Resolver, part_of
from cncbops.lake.objects import LakeObject
from tests.e2e.far_side import FarSide
from tests.e2e.lakes import eventbridge
from tests.e2e.servers import client
from tests.faults import fault_texts as texts
from tests.faults.units import fault

NOWHERE = "http://127.0.0.1:1"
HERE = LakeObject("/reports/failures", "", "/reports/failures", 1, "", datetime(2018, 4, 8, tzinfo=UTC))


@pytest.fixture
def resolver() -> Iterator[Resolver]:
    found = Resolver(Aws(AwsAccess(region="us-east-1", endpoint_url=NOWHERE)), lambda: client("s3", NOWHERE))
    yield found
    found.close()


def failed_at(path: Path, line: int, part: int, *names: str | None) -> Fault:
    return fault(id=None, function=None, unit=LakeLine(str(path), line, part, *names))


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


@pytest.mark.parametrize(
    ("names", "is_meant"),
    [
        (("f-1", "49"), True),
        (("f-1", None), True),
        (("f-2", "49"), False),
        ((None, "1"), True),
        ((None, "50"), False),
        ((None, None), True),
    ],
)
def test_where_another_fault_lies_now_it_is_not_taken_for_the_one_that_failed(
    resolver: Resolver, tmp_path: Path, names: tuple[str | None, str | None], is_meant: bool
) -> None:
    path = tmp_path / "faults"
    path.write_bytes(of_events("f-1"))
    (found,) = resolver.opened(failed_at(path, 1, 0, *names), HERE)
    assert isinstance(found.unit, Records if is_meant else Nothing)
    assert is_meant or found.unit == Nothing(f"line 1 of {path} no longer holds what failed")


def test_a_fault_without_an_id_is_told_by_its_first_record(resolver: Resolver, tmp_path: Path) -> None:
    path = tmp_path / "faults"
    path.write_bytes(texts.cookbook(texts.record()))
    event_id = json.loads(texts.record())["eventID"]
    whole, other = (resolver.opened(failed_at(path, 1, 0, name), HERE)[0] for name in (event_id, "another"))
    assert (type(whole.unit), type(other.unit)) == (Records, Nothing)


def test_a_fault_whose_records_are_to_be_fetched_is_told_by_its_id_where_it_has_one(
    resolver: Resolver, tmp_path: Path
) -> None:
    document = json.loads(texts.stream_destination())
    names = ("r-1/shardId-000000000000/18", "shardId-0:1")

    def found(at: str) -> list[type]:
        path = tmp_path / at
        path.write_text(json.dumps(document))
        return [type(resolver.opened(failed_at(path, 1, 0, name), HERE)[0].unit) for name in names]

    assert found("named") == [StreamRange, Nothing]
    del document["requestContext"]["requestId"]
    assert found("unnamed") == [StreamRange, StreamRange]


def reported(path: Path, line: int) -> bytes:
    told = {"kind": "failure", "object": str(path), "line": line, "part": 0, "fate": "failed"}
    return json.dumps(told).encode()


def test_a_report_may_name_what_another_report_names(resolver: Resolver, tmp_path: Path) -> None:
    (tmp_path / "faults").write_bytes(of_events("f-1"))
    for name, named in (("first", "faults"), ("second", "first")):
        (tmp_path / name).write_bytes(reported(tmp_path / named, 1))
    (found,) = resolver.opened(failed_at(tmp_path / "second", 1, 0, "f-1"), HERE)
    assert found.id == "f-1"


def test_a_report_that_names_itself_comes_to_an_end(resolver: Resolver, tmp_path: Path) -> None:
    (tmp_path / "report").write_bytes(reported(tmp_path / "report", 1))
    (found,) = resolver.opened(failed_at(tmp_path / "report", 1, 0), HERE)
    assert found.unit == Nothing("it is named by 8 reports, one after another")


def test_a_report_in_s3_that_a_file_names_may_name_no_file(tmp_path: Path) -> None:
    (tmp_path / "faults").write_bytes(of_events("f-1"))
    with FarSide() as far_side:
        far_side.add_bucket("reports", {"report": reported(tmp_path / "faults", 1)})
        resolver = Resolver(Aws(AwsAccess(region="us-east-1")), lambda: client("s3", far_side.url))
        (found,) = resolver.opened(fault(id=None, function=None, unit=LakeLine("s3://reports/report", 1, 0)), HERE)
        resolver.close()
    assert found.unit == Nothing("it names a file of this machine, and lies elsewhere")


def test_a_fault_is_found_behind_as_many_others_on_its_line_as_there_are(resolver: Resolver, tmp_path: Path) -> None:
    """Firehose joins documents without newlines, so a whole object may be one line."""
    path, before = tmp_path / "faults", 2**16 + 1
    path.write_bytes(b"{}" * before + of_events("f-1"))
    (found,) = resolver.opened(failed_at(path, 1, part_of(before, 0)), HERE)
    assert found.id == "f-1"
