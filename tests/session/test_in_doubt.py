"""What a session that was killed may have sent is counted by the one that sends next, from its first invocation on."""

from typing import Any

import pytest

from cncbops.delivery.outcome import Calls, Outcome, Settled
from cncbops.kinesis.batching import BatchLimits
from cncbops.ledger.rows import Session
from cncbops.session.entry import Entry
from cncbops.session.in_doubt import is_in_doubt
from cncbops.session.journal import Journal
from cncbops.session.keeper import NoKeeper
from tests.ledger.runs import Cuts, lake_object, record_of


def test_it_counts_once_the_first_invocation_has_ended() -> None:
    journal, entry = Journal(NoKeeper()), Entry(0, 0, lake_object(0))
    journal.open(entry)
    cuts = Cuts({"": BatchLimits(1, 100_000)}, 0)
    batches = cuts.add([record_of(entry, ordinal) for ordinal in range(3)], flush=True)
    journal.doubt(70)
    told = []
    for batch, calls in zip(batches, (Calls(), Calls(total=1), Calls(total=1)), strict=True):
        journal.take([Settled(batch.bill, Outcome(is_whole=True, calls=calls))])
        told.append(journal.tally.events.possible_duplicates)
    assert told == [0, 70, 70]


def session(how: str) -> Session:
    calls = {"invocations": {"total": 5 if how == "sent" else 0}}
    ended: dict[str, Any] = (
        {"ended_ms": None, "summary": None} if how == "killed" else {"ended_ms": 9, "summary": calls}
    )
    told = {"who": None, "host": "h", "process": 1, "version": "1", "started_ms": 1, "seen_ms": 1}
    return Session(1, "resume", **told, status="", reason=None, **ended)


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [
        ([], False),
        (["sent", "nothing sent"], False),
        (["killed"], True),
        (["killed", "nothing sent", "nothing sent"], True),
        (["killed", "nothing sent", "sent"], False),
        (["killed", "sent", "killed", "nothing sent"], True),
    ],
)
def test_it_is_in_doubt_until_a_session_has_sent(sessions: list[str], *, expected: bool) -> None:
    assert is_in_doubt([session(how) for how in sessions]) is expected
