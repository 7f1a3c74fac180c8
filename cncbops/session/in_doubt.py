"""Records that may have been sent without being written down: those under way when a session was killed."""

from collections.abc import Sequence

from cncbops.ledger.rows import Run, Session


def most_in_flight(run: Run) -> int:
    """How many records a session of a run may have under way; none of an act."""
    return int(run.terms.get("concurrency", 0)) * int(run.terms.get("limits", {}).get("records", 0))


def is_in_doubt(sessions: Sequence[Session]) -> bool:
    """Whether what sends next may send such records: a session was killed, and none that ended since has sent any."""
    for session in reversed(sessions):
        if session.ended_ms is None:
            return True
        if (session.summary or {}).get("invocations", {}).get("total"):
            return False
    return False
