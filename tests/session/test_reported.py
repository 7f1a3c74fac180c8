"""Of events that failed in a replay, which are taken to have been delivered from its report, or by a redrive."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from cncbops.delivery.outcome import Outcome, Settled
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import Run
from cncbops.ledger.worker import this_worker
from cncbops.session.entry import Entry
from cncbops.session.reported import Reported
from cncbops.tally import Failure
from tests.delivery.batches import batch_of, record
from tests.ledger.runs import Sent, begin, lake_object

WHERE = lake_object(0)
FAILED = Failure(WHERE.uri, 3, 0, "e-3", "3", "failed", "Unhandled", "no")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path) as opened:
        yield opened


def redrive(ledger: Ledger, run: Run, event_id: str | None) -> None:
    """A redrive of that run which delivers the event on line 3."""
    ledger.run_writer(run, 1).write([Entry(0, 0, WHERE, 1, 1, failed=1, ended=True)], [(0, FAILED)], [])
    session = ledger.take_up(run, "redrive", this_worker(None))
    delivered = msgspec.structs.replace(record(3), object=WHERE, line=3, part=0, place=0, event_id=event_id)
    writer = ledger.redrive_writer(run, session, reported(ledger, run).traces)
    writer.write([], [], [Settled(Sent.of(batch_of(delivered)).bill, Outcome(delivered=[delivered]))])
    writer.finish("succeeded", None, {}, listed=True)


def reported(ledger: Ledger, run: Run, function: str = "fn") -> Reported:
    return Reported(run.run_id, function, ledger.memory())


def test_what_was_delivered_is_known_by_run_function_place_and_id(ledger: Ledger) -> None:
    run = begin(ledger)
    redrive(ledger, run, "e-3")
    others = [
        msgspec.structs.replace(FAILED, event_id="e-4"),  # what lies there since the object was replaced
        msgspec.structs.replace(FAILED, event_id=None),
        msgspec.structs.replace(FAILED, line=4),
        msgspec.structs.replace(FAILED, part=1),
        msgspec.structs.replace(FAILED, object=lake_object(1).uri),
    ]
    assert reported(ledger, run).resubmitted([FAILED, *others]) == {(3, 0)}
    assert reported(ledger, run).resubmitted(others) == set()
    assert reported(ledger, run, "another").resubmitted([FAILED]) == set()
    assert reported(ledger, begin(ledger, "20260202T000000Z-bbbbbb")).resubmitted([FAILED]) == set()


def test_an_event_without_an_id_is_not_known(ledger: Ledger) -> None:
    run = begin(ledger)
    redrive(ledger, run, None)
    assert reported(ledger, run).resubmitted([msgspec.structs.replace(FAILED, event_id=None)]) == set()
    assert ledger.memory().is_empty()
