"""Runs, and resubmits of their reports: both send what failed, and what one has under way the other cannot know.

Of which run a report is, is known beforehand of local files alone, by their first lines; of others once they are read.
"""

from collections.abc import Iterable, Set
from pathlib import Path

from cncbops.faults.failures_file import run_told
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import Run, Session
from cncbops.request import ResubmitRequest
from cncbops.session.in_doubt import is_in_doubt

_LONGEST = 64 * 1024
"""Of a report's first line, which holds the run as it was asked for."""


def redriven_now(ledger: Ledger, request: ResubmitRequest) -> list[Run]:
    """The runs whose reports a resubmit reads, and that are being redriven right now."""
    reported = [run for run in _reported(ledger, request) if ledger.is_active(run)]
    return [run for run in reported if ledger.sessions(run)[-1].kind == "redrive"]


def redriven_in_doubt(ledger: Ledger, request: ResubmitRequest) -> list[Run]:
    """The runs whose reports a resubmit reads, and of which a redrive was killed that none has gone over since."""
    reported = [run for run in _reported(ledger, request) if not ledger.is_active(run)]
    return [run for run in reported if is_in_doubt(_redrives(ledger.sessions(run)))]


def resubmits_of(ledger: Ledger, run: Run) -> list[Run]:
    """The resubmits that have read a report of a run, as far as it is there still."""
    resubmits = [each for each in ledger.runs() if each.command == "resubmit"]
    return [each for each in resubmits if run.run_id in _told(each.sources)]


def _redrives(sessions: list[Session]) -> list[Session]:
    return [session for session in sessions if session.kind == "redrive"]


def _reported(ledger: Ledger, request: ResubmitRequest) -> list[Run]:
    told = _told(source.uri for source in request.sources)
    return [run for run in ledger.runs() if run.run_id in told] if told else []


def _told(uris: Iterable[str]) -> Set[str]:
    """The runs that some sources say to be reports of."""
    files = (Path(uri) for uri in uris if "://" not in uri)
    return {run_id for path in files if (run_id := _run_of(path))}


def _run_of(path: Path) -> str | None:
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            return run_told(file.readline(_LONGEST))
    except OSError:  # whoever reads it tells of that
        return None
