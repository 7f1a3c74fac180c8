"""Of events that failed in a replay, which are taken to have been delivered from its report, or by a redrive."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from cncbops.delivery.outcome import Outcome, Settled
from cncbops.kinesis.record import Record
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import KeptFailure, Run
from cncbops.ledger.worker import now_ms, this_worker
from cncbops.session.entry import Entry
from cncbops.session.reported import Reported
from cncbops.tally import Failure
from tests.delivery.batches import batch_of, record
from tests.ledger.runs import Sent, begin, lake_object

WHERE = lake_object(0)
FAILED = Failure(WHERE.uri, 3, 0, "e-3", "3", "failed", "Unhandled", "no")
OF_REPORT = "20260202T000000Z-bbbbbb"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path) as opened:
        yield opened


def event(event_id: str | None = "e-3") -> Record:
    """The one on line 3."""
    return msgspec.structs.replace(record(3), object=WHERE, line=3, part=0, place=0, event_id=event_id)


def fail(ledger: Ledger, run: Run) -> None:
    ledger.run_writer(run, 1).write([Entry(0, 0, WHERE, 1, 1, failed=1, ended=True)], [(0, FAILED)], [])


def deliver(ledger: Ledger, run: Run, by: Run, session: int, delivered: Record) -> None:
    """One run delivers what failed in another, and remembers it."""
    writer = ledger.redrive_writer(by, session, reported(ledger, run).traces)
    writer.write([], [], [Settled(Sent.of(batch_of(delivered)).bill, Outcome(delivered=[delivered]))])
    writer.finish("succeeded", None, {}, listed=True)


def redrive(ledger: Ledger, run: Run, delivered: Record) -> None:
    deliver(ledger, run, run, ledger.take_up(run, "redrive", this_worker(None)), delivered)


def resubmit(ledger: Ledger, run: Run, delivered: Record) -> int:
    """A resubmit of the run's report, which began at the time that is given back."""
    other = begin(ledger, OF_REPORT)
    deliver(ledger, run, other, 1, delivered)
    return other.started_ms


def reported(ledger: Ledger, run: Run, function: str = "fn") -> Reported:
    return Reported(run.run_id, function, ledger.memory(run.id), ledger.began_ms)


def kept(told_ms: int | None, **changed: object) -> KeptFailure:
    return KeptFailure(0, msgspec.structs.replace(FAILED, **changed), 1, None, told_ms)


def test_what_was_delivered_is_known_by_run_function_place_and_id(ledger: Ledger) -> None:
    run = begin(ledger)
    told_ms = resubmit(ledger, run, event())
    others = [
        kept(told_ms, event_id="e-4"),  # what lies there since the object was replaced
        kept(told_ms, event_id=None),
        kept(told_ms, line=4),
        kept(told_ms, part=1),
        kept(told_ms, object=lake_object(1).uri),
    ]
    assert reported(ledger, run).resubmitted([kept(told_ms), *others]) == {(3, 0)}
    assert reported(ledger, run).resubmitted(others) == set()
    assert reported(ledger, run, "another").resubmitted([kept(told_ms)]) == set()
    assert reported(ledger, begin(ledger, "20260303T000000Z-cccccc")).resubmitted([kept(told_ms)]) == set()


def test_what_failed_once_more_since_is_not_delivered(ledger: Ledger) -> None:
    run = begin(ledger)
    began_ms = resubmit(ledger, run, event())
    for told_ms, known in ((began_ms - 1, True), (began_ms, True), (began_ms + 1, False), (None, False)):
        assert bool(reported(ledger, run).resubmitted([kept(told_ms)])) == known


def test_what_a_redrive_delivered_is_known_to_a_resubmit_alone(ledger: Ledger) -> None:
    run = begin(ledger)
    fail(ledger, run)
    redrive(ledger, run, event())
    assert reported(ledger, run).resubmitted([kept(now_ms())]) == set()
    assert not ledger.memory().is_empty()


def test_an_event_without_an_id_is_not_known(ledger: Ledger) -> None:
    run = begin(ledger)
    fail(ledger, run)
    redrive(ledger, run, event(None))
    assert ledger.memory().is_empty()
    assert reported(ledger, run).resubmitted([kept(run.started_ms, event_id=None)]) == set()
