"""From sources to faults: what is found, in which order, and what is counted."""

import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.aws import Aws, AwsAccess
from cncbops.errors import CannotRun
from cncbops.faults.fault import LakeLine, Nothing, Payload, Records
from cncbops.faults.reading import FaultReader, Found
from cncbops.faults.resolving import Resolver
from cncbops.faults.selection import FaultSelection
from cncbops.lake.layout import TimeWindow
from cncbops.lake.objects import LakeObject
from cncbops.lake.sources import LocalSource, S3Source
from tests.e2e import lakes
from tests.e2e.far_side import FarSide, StoredObject
from tests.e2e.far_side_s3 import error
from tests.e2e.servers import client
from tests.faults import fault_texts

RECORD = fault_texts.record(b"1.50")
ALL = FaultSelection()
DOCUMENTS = {name: wrap(RECORD) for name, wrap in fault_texts.DOCUMENTS.items()}
DEAD_LETTER = {"RequestID": "r-1", "ErrorCode": "200", "ErrorMessage": "no"}
EVENT = b'{"id":"e-1","type":"thing-created"}'


@pytest.fixture
def far_side() -> Iterator[FarSide]:
    with FarSide() as server:
        yield server


@contextmanager
def resolving(s3: Any) -> Iterator[Resolver]:
    found = Resolver(Aws(AwsAccess(region="us-east-1")), lambda: s3)
    try:
        yield found
    finally:
        found.close()


def read(path: Path, selection: FaultSelection = ALL) -> tuple[list[Found], FaultReader]:
    with resolving(None) as resolver:
        reader = FaultReader([LocalSource(path)], selection, None, resolver)
        return list(reader.found()), reader


def read_s3(
    far_side: FarSide, prefix: str = "", selection: FaultSelection = ALL, bucket: str = "lake"
) -> tuple[list[Found], FaultReader]:
    s3 = client("s3", far_side.url)
    with resolving(s3) as resolver:
        reader = FaultReader([S3Source(bucket, prefix)], selection, s3, resolver)
        return list(reader.found()), reader


def record_bodies(found: Sequence[Found]) -> list[bytes]:
    units = [each.fault.unit for each in found]
    return [unit.records[0].body if isinstance(unit, Records) else getattr(unit, "body", b"") for unit in units]


def test_every_format_may_lie_under_one_prefix(tmp_path: Path) -> None:
    for number, text in enumerate(DOCUMENTS.values()):
        (tmp_path / f"{number}").write_bytes(gzip.compress(text) if number % 2 else text)
    found, reader = read(tmp_path)
    assert [each.object.key for each in found] == [str(tmp_path / str(number)) for number in range(len(DOCUMENTS))]
    assert all(RECORD in body for body in record_bodies(found))
    assert isinstance(found[-1].fault.unit, Payload)
    counts = reader.counts
    assert (counts.faults, counts.chosen, counts.objects.read, counts.flaws) == (5, 5, 5, 0)


@given(st.lists(st.sampled_from([*DOCUMENTS, "event", "broken"]), max_size=8), st.sampled_from([b"\n", b""]))
def test_every_document_is_a_fault_another_event_or_broken(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], delimiter: bytes
) -> None:
    texts = {**DOCUMENTS, "event": EVENT, "broken": b'{"type":"fault",}'}
    path = tmp_path_factory.mktemp("lake") / "x.json"
    path.write_bytes(b"".join(texts[name] + delimiter for name in names))
    found, reader = read(path)
    counts = reader.counts
    assert counts.others == names.count("event")
    assert counts.broken == counts.flaws == len(counts.failures) == names.count("broken")
    assert counts.faults == counts.chosen == len(found) == len(names) - counts.others - counts.broken
    places = [number for number, name in enumerate(names) if name in DOCUMENTS]
    if delimiter:
        assert [each.place for each in found] == [f"{path}:{number + 1}" for number in places]
    else:
        assert [each.document.part for each in found] == places
        assert [each.place for each in found] == [f"{path}:1{f'.{number}' if number else ''}" for number in places]


def test_what_is_not_chosen_is_read_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(lakes.join([DOCUMENTS["cookbook"], DOCUMENTS["async"]]))
    found, reader = read(tmp_path, FaultSelection(errors=("TypeError",)))
    assert [each.fault.error for each in found] == ["TypeError"]
    assert (reader.counts.faults, reader.counts.chosen) == (2, 1)


def test_faults_among_the_events_of_a_data_lake_are_found_and_the_events_are_no_failures(tmp_path: Path) -> None:
    events = [lakes.envelope(event, key, number) for number, (key, event) in enumerate(lakes.make_events(20, 3))]
    fault = lakes.envelope(DOCUMENTS["cookbook"], "k", 99)
    (tmp_path / "x").write_bytes(lakes.join([*events[:10], fault, *events[10:]]))
    (found,), reader = read(tmp_path)
    assert (found.document.line, found.fault.id) == (11, None)
    assert (reader.counts.others, reader.counts.flaws) == (20, 0)


def test_what_is_damaged_is_counted_and_named_and_keeps_nothing_else_from_being_read(tmp_path: Path) -> None:
    redacted = fault_texts.cookbook(b'{"kinesis":{"data":"[REDACTED]"},"eventID":"a:1"}')
    lines = [b"{", DOCUMENTS["cookbook"], fault_texts.library(b"{}"), redacted]
    (tmp_path / "a").write_bytes(lakes.join(lines))
    (tmp_path / "b").write_bytes(gzip.compress(DOCUMENTS["library"] * 9)[:-20])
    (tmp_path / "c").write_bytes(DOCUMENTS["library"])
    found, reader = read(tmp_path)
    counts = reader.counts
    assert (counts.broken, counts.without_record, counts.not_whole, counts.objects.failed) == (1, 1, 1, 1)
    assert [(each.object[-1], each.line, each.error) for each in counts.failures] == [
        ("a", 1, "NotJson"),
        ("a", 3, "NoRecord"),
        ("a", 4, "NotWhole"),
        ("b", 0, "CorruptObject"),
    ]
    assert [each.is_whole for each in found if each.object.key[-1] == "a"] == [True, False, False]
    assert found[-1].object.key == str(tmp_path / "c")


def test_only_the_first_failures_are_kept_by_name_and_all_are_counted(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"{,}\n" * 100)
    _, reader = read(tmp_path)
    assert (reader.counts.broken, reader.counts.flaws, len(reader.counts.failures)) == (100, 100, 20)


def test_a_window_leaves_out_hours_unlisted_and_faults_by_their_own_time(far_side: FarSide) -> None:
    other_hour = "2023/11/21/00/1-t.json"
    far_side.add_bucket("lake", {"2023/11/22/00/1-t.json": DOCUMENTS["cookbook"], other_hour: DOCUMENTS["cookbook"]})
    of_second = FaultSelection(window=TimeWindow(1700611203000, 1700611203001))
    found, reader = read_s3(far_side, selection=of_second)
    assert (len(found), reader.counts.objects.listed) == (1, 1)
    assert not any(other_hour in request for request in far_side.requests)
    found, reader = read_s3(far_side, selection=FaultSelection(window=TimeWindow(1700611203001, 1700611203002)))
    assert (found, reader.counts.faults) == ([], 1)


CLAIMED = "us-east-1/claimchecks/2023/11/22/00/f-1"
CHECK = fault_texts.claim_check("lake", CLAIMED).replace(b'"s3"', b'"tags":{"functionname":"fn"},"s3"')


def test_a_claim_check_is_one_fault_with_what_its_object_holds(far_side: FarSide) -> None:
    far_side.add_bucket("lake", {"faults.json": CHECK, CLAIMED: DOCUMENTS["library"]})
    found, reader = read_s3(far_side, selection=FaultSelection(types=("thing-created",)))
    assert record_bodies(found) == [RECORD]
    assert found[0].place == "s3://lake/faults.json:1"
    assert reader.counts.objects.skipped_as == {"claim check": 1}
    assert reader.counts.flaws == 0


def test_a_claim_check_that_cannot_be_chosen_is_not_fetched(far_side: FarSide) -> None:
    far_side.add_bucket("lake", {"faults.json": CHECK, CLAIMED: DOCUMENTS["library"]})
    found, reader = read_s3(far_side, "faults", FaultSelection(functions=("other",)))
    assert (found, reader.counts.faults, reader.counts.flaws) == ([], 1, 0)
    assert not any(CLAIMED in request for request in far_side.requests)


def test_a_claim_check_that_is_gone_counts_wherever_it_might_have_been_chosen(far_side: FarSide) -> None:
    far_side.add_bucket("lake", {"faults.json": CHECK, CLAIMED: StoredObject(b"x", vanished=True)})
    (found,), reader = read_s3(far_side, "faults")
    assert isinstance(found.fault.unit, Nothing)
    assert (reader.counts.chosen, reader.counts.without_record) == (1, 1)
    none, reader = read_s3(far_side, "faults", FaultSelection(errors=("TypeError",)))
    assert (none, reader.counts.chosen, reader.counts.without_record) == ([], 0, 1)
    assert reader.counts.failures[0].message == f"its claim check s3://lake/{CLAIMED} is gone"
    _, reader = read_s3(far_side, "faults", FaultSelection(functions=("other",)))
    assert reader.counts.flaws == 0


def failed_on(path: Path, line: int, **more: object) -> bytes:
    """What a report says of a fault that could not be resubmitted."""
    told = {"kind": "failure", "object": str(path), "line": line, "part": 0, "fate": "failed", "error": "Unhandled"}
    return json.dumps({**told, **more}).encode()


def test_a_line_of_a_resubmits_report_is_the_fault_that_failed(tmp_path: Path) -> None:
    faults, report = tmp_path / "faults", tmp_path / "report"
    faults.write_bytes(lakes.join([DOCUMENTS["async"], DOCUMENTS["library"]]))
    report.write_bytes(failed_on(faults, 2))
    (found,), _ = read(report, FaultSelection(types=("thing-created",)))
    assert (found.fault.id, found.fault.function, found.fault.error) == ("f-1", fault_texts.FUNCTION, "Error")
    assert (record_bodies([found]), found.place) == ([RECORD], f"{report}:1")
    assert read(report, FaultSelection(types=("thing-deleted",)))[0] == []


def test_a_line_of_a_resubmits_report_that_holds_the_fault_no_longer_is_without_record(tmp_path: Path) -> None:
    faults, report = tmp_path / "faults", tmp_path / "report"
    faults.write_bytes(DOCUMENTS["library"])
    report.write_bytes(failed_on(faults, 2))
    (found,), reader = read(report)
    assert isinstance(found.fault.unit, Nothing)
    assert reader.counts.without_record == 1


def test_a_line_of_a_replays_report_stays_an_event_to_be_read_when_it_is_sent(tmp_path: Path) -> None:
    report = tmp_path / "report"
    report.write_bytes(failed_on(tmp_path / "lake", 2, function="fn"))
    (found,), _ = read(report)
    assert found.fault.unit == LakeLine(str(tmp_path / "lake"), 2, 0)


def test_what_else_a_report_tells_is_no_other_event(tmp_path: Path) -> None:
    report = tmp_path / "report"
    run = b'{"kind":"run","run_id":"run-1","command":"replay","counts":{}}'
    mended = failed_on(tmp_path / "lake", 2, function="fn", mended_in=2)
    report.write_bytes(lakes.join([run, mended, b'{"type":"thing-created"}']))
    found, reader = read(report)
    assert (found, reader.counts.others, reader.counts.flaws) == ([], 1, 0)


def test_a_queues_message_is_one_document_whatever_it_holds() -> None:
    message = LakeObject("sqs://q/m", "", "sqs://q/m", 9, "m", datetime(2018, 4, 8, tzinfo=UTC))
    with resolving(None) as resolver:
        reader = FaultReader([], ALL, None, resolver)
        two = DOCUMENTS["library"] + b"\n" + DOCUMENTS["library"]
        found = [
            each
            for body, attributes in ((DOCUMENTS["library"], {}), (b"{}", DEAD_LETTER), (two, {}))
            for each in reader.in_message(message, body, attributes)
        ]
    assert [(each.fault.id, each.place) for each in found] == [("f-1", "sqs://q/m:1"), ("r-1", "sqs://q/m:1")]
    assert (reader.counts.objects.read, reader.counts.chosen, reader.counts.broken) == (3, 2, 1)


def test_the_object_of_a_claim_check_is_read_where_it_is_asked_for_by_name(far_side: FarSide) -> None:
    far_side.add_bucket("lake", {CLAIMED: DOCUMENTS["library"]})
    assert len(read_s3(far_side, CLAIMED)[0]) == 1
    assert read_s3(far_side, CLAIMED[:-1])[0] == []


def test_objects_that_may_not_be_read_at_all_end_the_run(far_side: FarSide) -> None:
    far_side.add_bucket("lake", {"a": DOCUMENTS["library"]})
    far_side.refuse("GET /lake/a", error(403, "AccessDenied", "no"))
    with pytest.raises(CannotRun, match="s3:GetObject"):
        read_s3(far_side)
    with pytest.raises(CannotRun, match="cannot list"):
        read_s3(far_side, bucket="none")


def test_a_reader_that_is_left_early_reads_no_further(far_side: FarSide) -> None:
    far_side.add_bucket("lake", {f"{number:03}": DOCUMENTS["library"] for number in range(200)})
    s3 = client("s3", far_side.url)
    reader = FaultReader([S3Source("lake", "")], ALL, s3, Resolver(Aws(AwsAccess(region="us-east-1")), lambda: s3))
    with closing(reader.found()) as found:
        assert len(list(islice(found, 3))) == 3
    assert sum(request.startswith("GET /lake/") for request in far_side.requests) < 40
    assert reader.counts.chosen == 3
