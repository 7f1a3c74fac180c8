"""From an object's faults to their units of work: which are sent, and why the others are not."""

import base64
import io
import json
import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from cncbops.aws import Aws, AwsAccess
from cncbops.delivery.outcome import Outcome, Settled, waybill_of
from cncbops.errors import CannotRun
from cncbops.faults.resolving import Resolver, part_of
from cncbops.faults.selection import FaultSelection
from cncbops.faults.unit import Unit
from cncbops.finding import Finder
from cncbops.function_name import parse_function
from cncbops.kinesis.batching import SYNC_PAYLOAD_BYTES
from cncbops.kinesis.record import Record
from cncbops.lake.lines import Block, blocks
from cncbops.lake.objects import ObjectUnreadable
from cncbops.lake.sources import S3Source
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import Run
from cncbops.recipients import Recipient, Recipients
from cncbops.request import ResubmitRequest
from cncbops.session import units, usual_units
from cncbops.session.agenda import Item
from cncbops.session.claims import count_groups
from cncbops.session.entry import Entry, ordinal
from cncbops.session.findings import Findings
from cncbops.session.journal import Journal
from cncbops.session.keeper import NoKeeper
from cncbops.session.means import Means
from cncbops.session.memory import Memory, NoMemory, Seen
from cncbops.session.queued import Queues
from cncbops.session.unit_readers import UnitReaders
from cncbops.tally import Faults
from cncbops.target import NoSuchFunction, Target
from cncbops.terms import settle
from tests.delivery.batches import OBJECT, batch_of
from tests.e2e.far_side import FarSide, service_error
from tests.e2e.lakes import eventbridge
from tests.e2e.servers import client
from tests.faults import fault_texts
from tests.ledger.runs import begin

NOWHERE = "http://127.0.0.1:1"
NOW_MS = 2_000_000
RAISED_MS = 1_000_000
STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/s1"
LONG_AGO = "1970-01-01T00:00:00.500+0000"
REQUEST = ResubmitRequest(sources=(S3Source("lake", ""),), until_ms=NOW_MS)
AWS = Aws(AwsAccess(region="us-east-1", endpoint_url=NOWHERE))


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture(scope="module")
def resolver() -> Iterator[Resolver]:
    found = Resolver(AWS, lambda: client("s3", NOWHERE))
    yield found
    found.close()


@pytest.fixture
def far_side() -> Iterator[FarSide]:
    with FarSide() as server:
        yield server


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path) as opened:
        yield opened


def record(number: int, **more: object) -> dict[str, object]:
    data = base64.b64encode(b'{"type":"thing-created"}').decode()
    part = {"partitionKey": f"k{number}", "sequenceNumber": str(number), "data": data, **more}
    return {"eventSource": "aws:kinesis", "eventID": f"shardId-1:{number}", "eventSourceARN": STREAM, "kinesis": part}


def document(number: int = 1, record_number: int | None = None, **changed: Any) -> bytes:
    """A fault as the library raises it, of one record; a field that is `...` is left out."""
    told: dict[str, Any] = {
        "id": f"f-{number}",
        "type": "fault",
        "timestamp": RAISED_MS,
        "tags": {"functionname": "fn", "pipeline": "m1"},
        "err": {"name": "Error", "message": "no"},
        "uow": {"record": record(record_number or number), "event": {"type": "thing-created"}},
        **changed,
    }
    return json.dumps({name: value for name, value in told.items() if value is not ...}, separators=(",", ":")).encode()


def of_records(number: int, *record_numbers: int, **changed: Any) -> bytes:
    """A fault of a batch of records."""
    parts = [{"record": record(each), "event": {"type": "thing-created"}} for each in record_numbers]
    return document(number, uow={"batch": parts}, **changed)


@dataclass
class Session:
    """One session that reads objects: what it works with, and what came of it."""

    resolver: Resolver
    request: ResubmitRequest = REQUEST
    memory: Memory = field(default_factory=NoMemory)
    run: int | None = None
    chosen: int = 0
    deployed: str | None = None
    endpoint: str = NOWHERE
    is_alone: ClassVar[bool] = True

    def __post_init__(self) -> None:
        target = Target(parse_function("fn"), last_modified=self.deployed)
        recipients = Recipients(
            *(
                (name, Recipient(parse_function(name), target, settle(self.request, target, "us-east-1")))
                for name in ("fn", "fn:live", "gn")
            )
        )
        aws = Aws(AwsAccess(region="us-east-1", endpoint_url=self.endpoint))
        finder = Finder(self.request, aws, recipients, None)
        finder.missing["gone"] = NoSuchFunction("there is no function gone in us-east-1", "Check the name")
        self.journal, self.findings = Journal(NoKeeper()), Findings()
        queues = Queues(self.request.sources, AWS, executes=False)
        self.means = Means(self.request, AWS, client("s3", NOWHERE), self.resolver, queues, recipients, finder, None)
        self.seen, self.readers = Seen(), UnitReaders(self.means, self.memory, self.run)
        is_alone = self.is_alone or self.request.limit is not None  # with a limit there is but one way
        self.reader = self.readers.only(self.chosen)(0) if is_alone else self.readers.claiming(self.chosen)

    @property
    def faults(self) -> Faults:
        return self.journal.tally.faults

    def read(self, *lines: bytes, left: Entry | None = None, **of_item: Any) -> tuple[list[Unit], Entry]:
        """The units of an object of these lines, and what is known of it then."""
        item = Item(0, OBJECT, left, **of_item)
        entry = self.journal.entry_of(item)
        self.journal.open(entry)
        found = self.reader.read(item, entry.copy(), blocks(io.BytesIO(b"\n".join(lines))), self.findings)
        units: Sequence[Record] = [unit for chunk in found for unit in chunk]
        claims = self.reader.claims()
        repeated = self.seen.repeated(claims.digests, claims.shared) if claims else ()
        units = self.reader.judged(units, repeated, self.findings)
        findings = self.findings.take()
        self.mended = findings.mended
        self.journal.take_in(findings)
        count_groups(findings, self.means)
        return cast("list[Unit]", units), entry

    def read_some(self, lines: Iterator[Block], entry: Entry) -> Iterator[Sequence[Unit]]:
        """The units of an object as they are read; nothing of it is taken down yet."""
        return self.reader.read(Item(0, OBJECT), entry, lines, self.findings)


@pytest.fixture(autouse=True, params=["alone", "beside others", "without C"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session has one reader, or one for each chunk that claims what it finds: all comes to the same."""
    monkeypatch.setattr(Session, "is_alone", request.param == "alone")
    if request.param == "without C":
        monkeypatch.setattr(usual_units, "hot", None)


def ids(found: Sequence[Unit]) -> list[str | None]:
    return [unit.event_id for unit in found]


def fates(session: Session) -> list[tuple[str, str, int, int]]:
    return [(each.fate, each.error, each.line, each.part) for each in session.journal.first_failures]


def test_a_fault_becomes_the_unit_of_work_that_its_function_could_not_do(resolver: Resolver) -> None:
    session = Session(resolver)
    (unit,), entry = session.read(document())
    assert json.loads(unit.body) == record(1)
    assert (unit.function, unit.event_id, unit.line, unit.part, unit.weight) == ("fn", "f-1", 1, 0, 1)
    assert (entry.read, entry.matched, entry.pulled, entry.failed, entry.remains) == (1, 1, 1, 0, False)


def test_no_client_is_made_to_fetch_with_where_faults_hold_their_work() -> None:
    asked: list[None] = []
    session = Session(Resolver(AWS, lambda: asked.append(None)))
    units, _ = session.read(document(1), of_records(2, 2, 3))
    assert len(units) == 2
    assert not asked


def test_faults_are_counted_by_function_type_and_group(resolver: Resolver) -> None:
    session = Session(resolver)
    batch = {"batch": [{"record": record(number), "event": {"type": "thing-deleted"}} for number in (7, 8)]}
    session.read(
        document(1),
        document(2, timestamp=RAISED_MS + 5),
        document(3, uow=batch, timestamp=RAISED_MS - 5),
        document(4, tags={"functionname": "gn", "pipeline": "m1"}),
    )
    tally = session.journal.tally
    assert (tally.events.read, tally.events.matched) == (4, 4)
    of_fn, of_gn = tally.functions["fn"], tally.functions["gn"]
    assert (of_fn.matched, of_fn.records, of_fn.newest_ms) == (3, 4, RAISED_MS + 5)
    assert (of_gn.matched, of_gn.records, of_gn.newest_ms) == (1, 1, RAISED_MS)
    assert tally.by_type == {"thing-created": 3, "thing-deleted": 1}
    assert (tally.first_ms, tally.last_ms) == (RAISED_MS - 5, RAISED_MS + 5)
    assert [(group.function, group.count) for group in session.means.groups.ranked()] == [("fn", 3), ("gn", 1)]


REDACTED = {"record": record(1, data="[REDACTED]"), "event": {"type": "thing-created"}}


@pytest.mark.parametrize(
    ("line", "asked", "counted", "remains", "noted"),
    [
        (b'{"id":"e-1","type":"thing-created"}', {}, {"others": 1}, True, []),
        (b'{"kind":"run","run_id":"run-1","command":"replay","counts":{}}', {}, {}, True, []),
        (document(), {"choice": FaultSelection(functions=("other",))}, {"not_chosen": 1}, True, []),
        (document(timestamp=NOW_MS), {}, {"raised_since": 1}, True, []),
        (document(timestamp=NOW_MS + 1), {}, {"raised_since": 1}, True, []),
        (document()[:-9], {}, {"broken": 1}, True, [("malformed", "NotJson", 1, 0)]),
        (b"\xff", {}, {"broken": 1}, True, [("malformed", "NotUtf8", 1, 0)]),
        (b"[1]", {}, {"broken": 1}, True, [("malformed", "NotAFault", 1, 0)]),
        (document(uow=...), {}, {"without_record": 1}, True, [("malformed", "NoRecord", 1, 0)]),
        (document(uow=REDACTED), {}, {"not_whole": 1}, True, [("malformed", "NotWhole", 1, 0)]),
    ],
    ids=[
        "event",
        "of a report",
        "not chosen",
        "now",
        "since",
        "broken",
        "no text",
        "no fault",
        "no record",
        "redacted",
    ],
)
def test_what_is_no_fault_or_not_to_be_sent_is_counted_by_its_reason(
    line: bytes,
    asked: Mapping[str, Any],
    counted: Mapping[str, int],
    remains: bool,
    noted: list[tuple[str, str, int, int]],
    resolver: Resolver,
) -> None:
    session = Session(resolver, replace(REQUEST, **asked))
    found, entry = session.read(line)
    assert found == []
    assert session.faults == Faults(**counted)
    assert (entry.matched, entry.remains, fates(session)) == (0, remains, noted)
    assert entry.malformed == session.journal.tally.events.malformed == len(noted)
    assert session.journal.tally.events.failed == 0


@pytest.mark.parametrize(
    ("line", "error", "function"),
    [
        (document(tags={}), "NotDeliverable", ""),
        (document(tags={"functionname": "gone"}), "NotDeliverable", "gone"),
        (document(uow={"record": record(1, x="y" * SYNC_PAYLOAD_BYTES)}), "RecordTooLarge", "fn"),
    ],
)
def test_what_cannot_be_sent_as_things_are_failed_and_may_be_redriven(
    line: bytes, error: str, function: str, resolver: Resolver
) -> None:
    session = Session(resolver)
    found, entry = session.read(line)
    assert found == []
    assert fates(session) == [("failed", error, 1, 0)]
    assert (entry.matched, entry.failed, session.journal.tally.events.failed) == (1, 1, 1)
    share = session.journal.tally.functions[function]
    assert (share.matched, share.failed, share.records) == (1, 1, 0)
    assert session.faults == Faults()


def test_a_fault_that_is_met_twice_is_sent_once(resolver: Resolver) -> None:
    session = Session(resolver)
    found, _ = session.read(document(1), document(2), document(1))
    again, entry = session.read(document(1))
    assert (ids(found), ids(again), session.faults) == (["f-1", "f-2"], [], Faults(repeated=2))
    assert not entry.remains


def of_pipeline(pipeline: object, number: int, *record_numbers: int, **changed: Any) -> bytes:
    """A fault of a pipeline, of one or more records; `...` leaves the pipeline out."""
    tags = {"functionname": "fn", "pipeline": pipeline}
    told = {name: value for name, value in tags.items() if value is not ...}
    return of_records(number, *record_numbers, tags=told, **changed)


def test_a_record_goes_once_for_the_faults_of_all_pipelines_it_failed_in(resolver: Resolver) -> None:
    session = Session(resolver)
    found, entry = session.read(document(1), of_pipeline("m2", 2, 1))
    in_another_object, _ = session.read(of_pipeline("m3", 3, 1))
    assert (ids(found), ids(in_another_object), session.faults) == (["f-1"], [], Faults(repeated=2))
    assert (entry.matched, entry.remains) == (1, False)


def test_a_fault_that_holds_a_record_which_no_other_pipeline_sends_is_sent_whole(resolver: Resolver) -> None:
    session = Session(resolver)
    found, _ = session.read(of_pipeline("m1", 1, 1), of_pipeline("m2", 2, 1, 2), of_pipeline("m3", 3, 2, 1))
    assert ids(found) == ["f-1", "f-2"]
    assert (found[1].weight, session.faults) == (2, Faults(repeated=1))


@pytest.mark.parametrize("pipeline", ["m1", ...])
def test_faults_of_one_record_are_all_sent_unless_another_pipeline_raised_them(
    pipeline: object, resolver: Resolver
) -> None:
    session = Session(resolver)
    found, _ = session.read(of_pipeline(pipeline, 1, 1), of_pipeline(pipeline, 2, 1))
    assert (ids(found), session.faults) == (["f-1", "f-2"], Faults())


def test_a_record_that_two_functions_failed_at_is_sent_to_both(resolver: Resolver) -> None:
    session = Session(resolver)
    found, _ = session.read(document(1), document(2, record_number=1, tags={"functionname": "gn", "pipeline": "m2"}))
    assert ([unit.function for unit in found], session.faults) == (["fn", "gn"], Faults())


def test_the_limit_is_of_faults_that_are_sent_and_what_is_behind_it_remains(resolver: Resolver) -> None:
    session = Session(resolver, replace(REQUEST, limit=2))
    lines = [b'{"type":"other"}', document(1), document(1), document(2), document(3), document(4)]
    found, entry = session.read(*lines)
    assert ids(found) == ["f-1", "f-2"]
    assert (session.reader.is_at_limit, entry.remains, entry.read) == (True, True, 3)
    assert session.read(document(5))[0] == []


@pytest.mark.parametrize("limit", [1, 3, 4, 7])
@pytest.mark.parametrize("at_once", [1, 2, 256])
def test_no_more_is_read_than_the_limit_needs_however_many_are_assessed_together(
    at_once: int, limit: int, resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "_AT_ONCE", at_once)
    numbers = [1, 1, 2, 1, 3, 3, 3, 4, 2, 5, 6]
    session = Session(resolver, replace(REQUEST, limit=limit))
    found, entry = session.read(*map(document, numbers))
    assert ids(found) == [f"f-{number}" for number in range(1, 7)[:limit]]
    assert entry.read == (numbers.index(limit) + 1 if limit <= 6 else len(numbers))
    assert (session.reader.is_at_limit, session.faults.repeated) == (limit <= 6, entry.read - len(found))


def test_faults_that_earlier_sessions_chose_count_to_the_limit(resolver: Resolver) -> None:
    session = Session(resolver, replace(REQUEST, limit=3), chosen=2)
    assert not session.reader.is_at_limit
    assert ids(session.read(document(1), document(2))[0]) == ["f-1"]
    assert session.reader.is_at_limit


def test_all_faults_of_a_large_object_come_a_block_at_a_time(resolver: Resolver) -> None:
    lines = [*map(document, range(600))]
    size = len(b"\n".join(lines[:290]))
    chunks = [*Session(resolver).read_some(blocks(io.BytesIO(b"\n".join(lines)), size), Entry(0, 0, OBJECT))]
    assert sum(map(len, chunks)) == 600
    assert len(chunks) == 3
    assert ids([unit for chunk in chunks for unit in chunk]) == [f"f-{number}" for number in range(600)]


def test_faults_that_are_not_sent_keep_nobody_waiting_for_those_before_them(resolver: Resolver) -> None:
    session = Session(resolver)
    lines = [document(1), *(document(number, timestamp=NOW_MS) for number in range(600))]
    found = session.read_some(blocks(io.BytesIO(b"\n".join(lines)), len(lines[0]) * 250), Entry(0, 0, OBJECT))
    assert ids(next(found)) == ["f-1"]
    assert session.findings.tally.faults.raised_since < 256
    assert list(map(len, found)) == [0, 0]
    assert session.findings.tally.faults.raised_since == 600


@pytest.mark.parametrize("how", ["y", "["], ids=["usual", "odd"])
def test_large_faults_come_fewer_at_a_time(how: str, resolver: Resolver) -> None:
    large = [document(number, uow={"record": record(number, x=how * 1_500_000)}) for number in range(7)]
    found = Session(resolver).read_some(blocks(io.BytesIO(b"\n".join(large)), 1 << 24), Entry(0, 0, OBJECT))
    assert [len(chunk) for chunk in found] == [3, 3, 1]


@pytest.mark.parametrize(
    "error",
    [
        ObjectUnreadable("CorruptObject", "it ends in the midst"),
        CannotRun("the token expired", "Log in again"),
        ClientError({"Error": {"Code": "SlowDown"}}, "GetObject"),
        EndpointConnectionError(endpoint_url=NOWHERE),
    ],
    ids=lambda error: type(error).__name__,
)
def test_faults_before_an_error_of_reading_are_given_out_and_then_the_error(
    error: Exception, resolver: Resolver
) -> None:
    def broken() -> Iterator[Block]:
        yield from blocks(io.BytesIO(b"\n".join([document(1), document(2), b""])))
        raise error

    session, entry = Session(resolver), Entry(0, 0, OBJECT)
    found = session.read_some(broken(), entry)
    assert ids(next(found)) == ["f-1", "f-2"]
    session.reader.judged((), (), session.findings)
    assert (entry.matched, session.findings.tally.events.matched) == (2, 2)
    with pytest.raises(type(error)) as raised:
        next(found)
    assert raised.value is error


def test_faults_found_are_given_out_before_an_error_of_looking_a_function_up(
    far_side: FarSide, resolver: Resolver
) -> None:
    far_side.refuse("GET /", service_error("ExpiredTokenException", 403))
    session, entry = Session(resolver, endpoint=far_side.url), Entry(0, 0, OBJECT)
    lines = [document(1), document(2, tags={"functionname": "unheard-of"})]
    found = session.read_some(blocks(io.BytesIO(b"\n".join(lines))), entry)
    assert ids(next(found)) == ["f-1"]
    with pytest.raises(CannotRun, match="expired"):
        next(found)
    session.reader.judged((), (), session.findings)
    assert entry.matched == 1


def of_several(number: int, count: int, **changed: Any) -> bytes:
    """A fault of so many events, its own, each of which the function was invoked with alone."""
    events = [json.loads(eventbridge(b'{"type":"t"}', "t", f"e-{number}-{each}")) for each in range(count)]
    parts = [{"record": event, "event": {"type": "t"}} for event in events]
    return document(number, uow={"batch": parts}, **changed)


def test_several_faults_of_one_document_have_parts_of_their_own(resolver: Resolver) -> None:
    found, _ = Session(resolver).read(document(7) + of_several(1, 3), of_several(2, 3))
    assert [(unit.line, unit.part) for unit in found] == [
        (1, 0),
        *((1, part_of(1, index)) for index in range(3)),
        *((2, part_of(0, index)) for index in range(3)),
    ]
    assert len({unit.fault for unit in found}) == 7


@pytest.mark.parametrize("way", ["alone"], indirect=True)  # what else reads documents finds them all in one way
def test_faults_without_ids_on_one_line_of_a_large_object_are_told_apart(resolver: Resolver) -> None:
    """Firehose joins documents without newlines: a line may hold more of them than 16 bits can count."""
    found, _ = Session(resolver).read(of_several(1, 2, id=...) + b"{}" * (2**16 - 1) + document(7, id=...))
    assert len({(unit.line, unit.part) for unit in found}) == len({unit.fault for unit in found}) == 3


def test_a_unit_is_sent_alone_where_that_is_asked_for(resolver: Resolver) -> None:
    assert [unit.is_alone for unit in Session(resolver).read(document())[0]] == [False]
    assert [unit.is_alone for unit in Session(resolver, replace(REQUEST, one_by_one=True)).read(document())[0]] == [
        True
    ]


def test_a_qualifier_of_the_fault_is_a_recipient_of_its_own(resolver: Resolver) -> None:
    session = Session(resolver)
    found, _ = session.read(document(1, tags={"functionname": "fn:live"}), document(2))
    assert [unit.function for unit in found] == ["fn:live", "fn"]


def test_a_dead_letter_is_known_by_the_attributes_of_its_message(resolver: Resolver) -> None:
    session = Session(resolver, replace(REQUEST, function=parse_function("fn"), until_ms=2**62))
    body, attributes = b'{"n" : 1}', {"RequestID": "r-1", "ErrorCode": "200", "ErrorMessage": "no"}
    (unit,), entry = session.read(body, content=body, attributes=attributes)
    assert (unit.body, unit.is_event, unit.is_alone, entry.remains) == (body, True, True, False)
    found, entry = session.read(b"{", content=b"{", attributes=attributes)
    assert (found, entry.remains, session.faults) == ([], True, Faults(broken=1))


# What earlier sessions and runs did


def deliver(ledger: Ledger, run: Run, *sent: Unit) -> None:
    batch = batch_of(*sent)
    batch.upto = [0]
    ledger.run_writer(run, 1).write([], [], [Settled(waybill_of(batch), Outcome(delivered=list(sent)))])


def test_what_another_run_sent_is_not_sent_again_unless_that_is_asked_for(resolver: Resolver, ledger: Ledger) -> None:
    first, second = begin(ledger, "run-1"), begin(ledger, "run-2")
    found, _ = Session(resolver).read(document(1), document(2))
    deliver(ledger, first, found[0])
    session = Session(resolver, memory=ledger.memory(), run=second.id)
    found, entry = session.read(document(1), document(2))
    assert (ids(found), session.faults, entry.remains) == (["f-2"], Faults(sent_before=1), False)
    again = Session(resolver, replace(REQUEST, again=True), ledger.memory(), second.id)
    assert ids(again.read(document(1), document(2))[0]) == ["f-1", "f-2"]
    assert again.faults == Faults(sent_again=1)


@pytest.mark.parametrize(("lines", "mended"), [(None, []), ({(1, 0), (2, 0), (3, 0)}, [(0, 1, 0), (0, 3, 0)])])
def test_what_a_redrive_is_for_came_right_where_it_was_delivered_before(
    lines: set[tuple[int, int]] | None, mended: list[tuple[int, int, int]], resolver: Resolver, ledger: Ledger
) -> None:
    first, second = begin(ledger, "run-1"), begin(ledger, "run-2")
    found, _ = Session(resolver).read(document(1), document(2), of_pipeline("m1", 3, 9))
    deliver(ledger, first, found[0], found[2])
    session = Session(resolver, memory=ledger.memory(), run=second.id)
    found, _ = session.read(document(1), document(2), of_pipeline("m2", 4, 9), lines=lines)
    assert (ids(found), session.faults, session.mended) == (["f-2"], Faults(sent_before=2), mended)


@pytest.mark.parametrize("again", [False, True])
def test_what_this_run_sent_is_passed_over_when_it_is_resumed_and_the_rest_keeps_its_places(
    again: bool, resolver: Resolver, ledger: Ledger
) -> None:
    run = begin(ledger, "run-1")
    lines = [document(1), document(2), document(3), document(4)]
    found, entry = Session(resolver).read(*lines)
    deliver(ledger, run, found[0], found[2])
    entry.delivered = 2
    request = replace(REQUEST, again=again, limit=4)
    session = Session(resolver, request, ledger.memory(), run.id, chosen=4)
    rest, entry = session.read(*lines, left=entry)
    assert ids(rest) == ["f-2", "f-4"]
    assert [ordinal(unit.place) for unit in rest] == [1, 3]
    assert session.faults == Faults()
    assert (entry.matched, entry.settled, session.reader.is_at_limit) == (4, 2, True)
    assert session.journal.tally.events.matched == 2


def test_what_failed_in_an_earlier_session_is_left_for_a_redrive(resolver: Resolver) -> None:
    left = Entry(0, 0, OBJECT, matched=3, delivered=0, failed=1)
    session = Session(resolver, replace(REQUEST, limit=3), chosen=3)
    found, entry = session.read(document(1), document(2), document(3), left=left, settled={(2, 0)})
    assert (ids(found), entry.matched, entry.failed) == (["f-1", "f-3"], 3, 1)
    assert session.faults == Faults()


def test_a_redrive_reads_the_lines_that_failed_and_counts_nothing_else(resolver: Resolver) -> None:
    session = Session(resolver)
    lines = [document(1), b"broken", document(2), document(3) + document(4)]
    found, _ = session.read(*lines, lines={(3, 0), (4, 1)})
    assert [(unit.event_id, unit.line, unit.part) for unit in found] == [("f-2", 3, 0), ("f-4", 4, 1)]
    assert (session.journal.tally.events.read, session.journal.tally.events.malformed) == (2, 0)
    assert session.faults == Faults()


def raised_anew(run: Run) -> bytes:
    """A fault of the record that fault 1 was of, raised after a run began."""
    return document(9, record_number=1, timestamp=run.started_ms + 1)


def sent_once(resolver: Resolver, ledger: Ledger) -> Run:
    run = begin(ledger, "run-1")
    found, _ = Session(resolver).read(document(1))
    deliver(ledger, run, *found)
    return run


def after(run: Run) -> ResubmitRequest:
    return replace(REQUEST, until_ms=run.started_ms + 10)


@pytest.mark.parametrize("deployed", [None, LONG_AGO])
def test_a_record_that_came_back_is_not_sent_to_the_function_as_it_was(
    deployed: str | None, resolver: Resolver, ledger: Ledger
) -> None:
    run = sent_once(resolver, ledger)
    session = Session(resolver, after(run), ledger.memory(), None, deployed=deployed)
    found, entry = session.read(raised_anew(run))
    assert (found, session.faults, entry.remains) == ([], Faults(came_back=1), True)
    assert [(group.function, group.count) for group in session.means.came_back.ranked()] == [("fn", 1)]
    assert (session.means.groups.ranked(), entry.matched, fates(session)) == ([], 0, [])


def test_a_record_that_came_back_is_sent_where_the_function_was_deployed_since(
    resolver: Resolver, ledger: Ledger
) -> None:
    run = sent_once(resolver, ledger)
    session = Session(resolver, after(run), ledger.memory(), deployed="2999-01-01T00:00:00.000+0000")
    assert ids(session.read(raised_anew(run))[0]) == ["f-9"]
    assert session.faults == Faults()


def test_a_record_that_came_back_is_sent_where_that_is_asked_for(resolver: Resolver, ledger: Ledger) -> None:
    run = sent_once(resolver, ledger)
    session = Session(resolver, replace(after(run), again=True), ledger.memory())
    assert ids(session.read(raised_anew(run))[0]) == ["f-9"]


def test_a_record_that_was_sent_for_another_pipeline_since_was_sent_before(resolver: Resolver, ledger: Ledger) -> None:
    run = sent_once(resolver, ledger)
    session = Session(resolver, after(run), ledger.memory())
    found, entry = session.read(of_pipeline("m2", 9, 1, timestamp=run.started_ms - 1))
    assert (found, session.faults, entry.remains) == ([], Faults(sent_before=1), False)
    assert session.means.came_back.ranked() == []


def test_another_fault_of_the_same_pipeline_from_before_a_record_was_sent_did_not_come_back(
    resolver: Resolver, ledger: Ledger
) -> None:
    run = sent_once(resolver, ledger)
    session = Session(resolver, after(run), ledger.memory())
    assert ids(session.read(of_pipeline("m1", 9, 1, timestamp=run.started_ms - 1))[0]) == ["f-9"]


@pytest.mark.parametrize("deployed", [None, "2999-01-01T00:00:00.000+0000"])
def test_a_fault_one_record_of_which_was_never_sent_was_not_sent_before(
    deployed: str | None, resolver: Resolver, ledger: Ledger
) -> None:
    run = sent_once(resolver, ledger)
    session = Session(resolver, after(run), ledger.memory(), deployed=deployed)
    assert ids(session.read(of_pipeline("m2", 9, 1, 2, timestamp=run.started_ms - 1))[0]) == ["f-9"]
    assert session.faults == Faults()


def test_a_fault_one_record_of_which_was_sent_in_vain_came_back(resolver: Resolver, ledger: Ledger) -> None:
    run = sent_once(resolver, ledger)
    session = Session(resolver, after(run), ledger.memory())
    found, _ = session.read(of_pipeline("m2", 9, 1, 2, timestamp=run.started_ms + 1))
    assert (found, session.faults) == ([], Faults(came_back=1))


def test_another_pipelines_fault_of_what_this_run_sent_is_not_sent_when_it_is_resumed(
    resolver: Resolver, ledger: Ledger
) -> None:
    run = sent_once(resolver, ledger)
    session = Session(resolver, after(run), ledger.memory(), run.id)
    found, _ = session.read(document(1), of_pipeline("m2", 9, 1, timestamp=run.started_ms - 1))
    assert (found, session.faults) == ([], Faults(sent_before=1))


def test_a_record_sent_for_another_pipeline_is_sent_again_once_where_that_is_asked_for(
    resolver: Resolver, ledger: Ledger
) -> None:
    run = sent_once(resolver, ledger)
    session = Session(resolver, replace(after(run), again=True), ledger.memory())
    lines = [of_pipeline("m2", 9, 1, timestamp=run.started_ms - 1), of_pipeline("m3", 8, 1)]
    assert ids(session.read(*lines)[0]) == ["f-9"]
    assert session.faults == Faults(repeated=1)


# What stands for other faults


CLAIMED = "us-east-1/claimchecks/2023/11/22/00/f-1"
CHECK = fault_texts.claim_check("lake", CLAIMED).replace(b'"s3"', b'"tags":{"functionname":"fn"},"s3"')
FOREVER = replace(REQUEST, until_ms=2**62)


@contextmanager
def resolving(far_side: FarSide) -> Iterator[Resolver]:
    found = Resolver(AWS, lambda: client("s3", far_side.url))
    try:
        yield found
    finally:
        found.close()


def test_what_a_claim_check_names_is_sent(far_side: FarSide) -> None:
    far_side.add_bucket("lake", {CLAIMED: document(1)})
    with resolving(far_side) as resolver:
        session = Session(resolver, replace(FOREVER, choice=FaultSelection(errors=("Error",))))
        (unit,), _ = session.read(CHECK)
    assert (json.loads(unit.body), unit.event_id, session.faults) == (record(1), "f-1", Faults())


def test_a_claim_check_that_cannot_be_read_may_have_been_chosen_and_is_told_of(far_side: FarSide) -> None:
    far_side.add_bucket("lake", {})
    with resolving(far_side) as resolver:
        session = Session(resolver, replace(FOREVER, choice=FaultSelection(errors=("TypeError",))))
        found, entry = session.read(CHECK)
    assert (found, session.faults, entry.remains) == ([], Faults(without_record=1), True)
    assert [each.message for each in session.journal.first_failures] == [f"its claim check s3://lake/{CLAIMED} is gone"]


def test_a_claim_check_of_what_is_not_chosen_is_not_fetched(far_side: FarSide) -> None:
    far_side.add_bucket("lake", {CLAIMED: document(1)})
    with resolving(far_side) as resolver:
        session = Session(resolver, replace(FOREVER, choice=FaultSelection(functions=("other",))))
        found, _ = session.read(CHECK)
    assert (found, session.faults, far_side.requests) == ([], Faults(not_chosen=1), [])


def test_a_line_of_a_resubmits_report_stands_for_the_fault_on_it(far_side: FarSide) -> None:
    far_side.add_bucket("lake", {"faults": document(1) + b"\n" + document(2)})
    line = {"kind": "failure", "object": "s3://lake/faults", "line": 2, "part": 0, "fate": "failed", "error": "E"}
    with resolving(far_side) as resolver:
        session = Session(resolver, replace(FOREVER, choice=FaultSelection(types=("thing-created",))))
        (unit,), _ = session.read(json.dumps(line).encode())
    assert (json.loads(unit.body), unit.event_id, unit.function) == (record(2), "f-2", "fn")


def test_the_same_fault_for_another_function_was_not_sent_before(resolver: Resolver, ledger: Ledger) -> None:
    sent_once(resolver, ledger)
    session = Session(resolver, replace(REQUEST, function=parse_function("gn")), ledger.memory())
    assert [unit.function for unit in session.read(document(1))[0]] == ["gn"]
    whole = Session(resolver, replace(REQUEST, qualifier="live"), ledger.memory())
    assert (whole.read(document(1))[0], whole.faults.sent_before) == ([], 1)


def test_a_fault_that_tells_no_time_is_of_when_its_object_was_stored(resolver: Resolver) -> None:
    stored_ms = int(OBJECT.last_modified.timestamp() * 1000)
    for until_ms, expected in ((stored_ms + 1, ["f-1"]), (stored_ms, [])):
        session = Session(resolver, replace(REQUEST, until_ms=until_ms))
        assert ids(session.read(document(timestamp=...))[0]) == expected


def test_what_makes_readers_goes_to_another_process_whole(resolver: Resolver, tmp_path: Path) -> None:
    with Ledger.open(tmp_path) as ledger:
        session = Session(resolver, memory=ledger.memory())
        there: UnitReaders = pickle.loads(pickle.dumps(session.readers))
    there._process = 0  # as in a process that has another number
    reader, findings = there.claiming(0), Findings()
    found = reader.read(Item(0, OBJECT), Entry(0, 0, OBJECT), blocks(io.BytesIO(document())), findings)
    assert ids([unit for chunk in found for unit in chunk]) == ["f-1"]
