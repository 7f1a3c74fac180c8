"""A run's report for auditors: one file with the run, its sessions, each object and each failure.

JSON lines as `cncbops runs show -o json` has them, each with its `kind`; or one table of the same with
fixed columns. The JSON lines are a source of faults as well, see `cncbops.faults.failures_file`. What an
event says is never evaluated, by a spreadsheet neither: see `_cell`.
"""

import csv
import errno
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

import orjson

from cncbops.errors import BadInput, CannotRun
from cncbops.frozen import from_plain
from cncbops.lake.sources import printable
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import Run
from cncbops.reports.run_facts import details, failure_facts, object_facts

COLUMNS = (
    *(
        "kind",
        "run_id",
        "command",
        "function",
        "subject",
        "who",
        "host",
        "version",
        "started",
        "ended",
        "status",
        "reason",
    ),
    *("session", "session_kind", "object", "etag", "size", "state"),
    *("objects", "objects_done", "objects_unreadable", "objects_left_out"),
    *("read", "matched", "delivered", "failed", "unknown", "not_sent", "malformed"),
    *("fate", "error", "message", "line", "part", "event_id", "sequence_number", "time", "mended_in"),
)
_EVALUATED = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


def write_report(ledger: Ledger, run: Run, path: Path) -> None:
    """Write a run's report, whole and with mode 0600, in memory that does not grow with it.

    Raises BadInput for a name that ends with neither .csv nor .jsonl, CannotRun where it cannot be written.
    """
    suffix = _suffix(path)
    with _put_in_place(path) as file:
        if suffix == ".csv":
            _write_table(file, _lines(ledger, run))
        else:
            file.writelines(orjson.dumps(line).decode() + "\n" for line in _lines(ledger, run))


def require_writable(path: Path) -> None:
    """Raise BadInput or CannotRun if no report could be written there, before there is anything to report."""
    _suffix(path)
    with _written_beside(path):
        pass


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".jsonl"):
        raise BadInput(f"{printable(str(path))} says no form of a report", "Let it end with .csv or .jsonl")
    return suffix


def _lines(ledger: Ledger, run: Run) -> Iterator[dict[str, Any]]:
    facts = details(ledger, run)
    sessions = facts.pop("sessions")
    of_run = {"run_id": run.run_id}  # on each line: those of several runs may come to lie in one table
    # A failure tells all that is needed to send it again; one of a resubmit is a fault, which names its function.
    known = {
        **of_run,
        "command": run.command,
        "function": None if run.command == "resubmit" else from_plain(run.arguments.get("function", run.function)),
    }
    return chain(
        [{"kind": "run", **facts}],
        ({**of_run, **each, "kind": "session", "session_kind": each["kind"]} for each in sessions),
        ({"kind": "object", **of_run, **object_facts(entry)} for entry in ledger.known(run).entries()),
        ({"kind": "failure", **known, **failure_facts(kept)} for kept in ledger.known(run).failures()),
    )


def _write_table(file: TextIO, lines: Iterator[dict[str, Any]]) -> None:
    table = csv.writer(file, lineterminator="\n")
    table.writerow(COLUMNS)
    for line in lines:
        told = {"object": line.get("uri"), **line, **line.get("counts", {})}
        table.writerow([_cell(told.get(name)) for name in COLUMNS])


def _cell(value: Any) -> Any:
    """A value that no spreadsheet takes for a formula; a number stays one."""
    if isinstance(value, str) and value.startswith(_EVALUATED) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


@contextmanager
def _put_in_place(path: Path) -> Iterator[TextIO]:
    """A file that appears under its name when it is whole, or not at all. Raises CannotRun."""
    with _written_beside(path) as (file, name):
        yield file
        file.flush()
        os.fsync(file.fileno())
        name.replace(path)


@contextmanager
def _written_beside(path: Path) -> Iterator[tuple[TextIO, Path]]:
    """A temporary file of mode 0600 in the folder of another. Raises CannotRun where there can be none."""
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        descriptor, name = tempfile.mkstemp(prefix=".cncbops-report-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                yield file, Path(name)
        finally:
            with suppress(FileNotFoundError):  # it is in its place
                Path(name).unlink()
    except OSError as error:
        what = f"cannot write the report {printable(str(path))}: {error.strerror}"
        raise CannotRun(what, "Choose another file for --report, or make room") from error
