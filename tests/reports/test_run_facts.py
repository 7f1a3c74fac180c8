"""What is told of a run, of whose sessions some were killed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cncbops.ledger.ledger import Ledger
from cncbops.ledger.pulse import Pulse
from cncbops.ledger.rows import Run
from cncbops.ledger.worker import this_worker
from cncbops.reports.run_facts import details
from tests.ledger.runs import NO_PROCESS, begin

UNDER_WAY = 40
DEAD = replace(this_worker(None), process=NO_PROCESS)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path) as opened:
        yield opened


@pytest.fixture
def run(ledger: Ledger) -> Run:
    """One whose first session was killed, with as much under way as may be."""
    return begin(ledger, terms={"concurrency": 4, "limits": {"records": 10}})


def beat(ledger: Ledger, run: Run, session: int, doubted: int) -> None:
    pulse = Pulse(ledger.folder, run.id, session)
    pulse.beat(lambda _: None, doubted)
    pulse.close()


def told(ledger: Ledger, run: Run) -> object:
    return details(ledger, ledger.find(run.run_id))["possible_duplicates"]


def test_what_a_killed_session_had_told_of_stays_told_beside_what_the_next_one_tells(ledger: Ledger, run: Run) -> None:
    beat(ledger, run, 1, 26)
    assert told(ledger, run) == 26
    session = ledger.take_up(run, "resume", DEAD)
    assert told(ledger, run) == 26 + UNDER_WAY
    beat(ledger, run, session, UNDER_WAY)
    assert told(ledger, run) == 26 + UNDER_WAY
    beat(ledger, run, session, UNDER_WAY + 7)
    assert told(ledger, run) == 26 + UNDER_WAY + 7
    summary = {"events": {"possible_duplicates": UNDER_WAY + 9}, "invocations": {"total": 3}}
    ledger.run_writer(run, session).finish("succeeded", None, summary, listed=True)
    assert told(ledger, run) == 26 + UNDER_WAY + 9
