"""A run's report for auditors: written, and told of."""

from pathlib import Path

from cncbops.lake.sources import printable
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import Run
from cncbops.reports.run_report import write_report

from ._screen import Screen


def report_to(path: Path, ledger: Ledger, run: Run, screen: Screen) -> None:
    """Write a run's report, and tell people where it is. Raises BadInput, or CannotRun where it cannot be written."""
    write_report(ledger, run, path)
    screen.note(f"the report of run {run.run_id} is in {printable(str(path))}")
