"""Runs `cncbops replay` and holds every run to what must hold of all runs.

With `-o json`: standard output is exactly one JSON document of the contract, its counts add up and are those of the
ledger, the exit code says what its status says, and nothing else is said but one line of an error.
"""

import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import structs

from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import Run as KeptRun
from tests.e2e.servers import Cncbops, Result

EXIT_CODES = {
    "planned": {0, 3},
    "nothing": {0, 3},
    "succeeded": {0},
    "failed": {1, 2},
    "partial": {3},
    "stopped": {5},
    "interrupted": {130},
}


@dataclass(frozen=True)
class Run:
    """One run: its exit code, its JSON summary, and what it wrote to standard error."""

    code: int
    summary: Mapping[str, Any]
    err: str

    @property
    def events(self) -> Mapping[str, Any]:
        """The counts of events."""
        return {name: count for name, count in self.summary["events"].items() if name != "by_type"}

    @property
    def status(self) -> str:
        return str(self.summary["status"])

    @property
    def failures(self) -> Sequence[Mapping[str, Any]]:
        return list(self.summary["failures"])

    @property
    def kept(self) -> Sequence[Mapping[str, Any]]:
        """All its failures, as the ledger has them."""
        return in_ledger(self.summary)[1]


@dataclass(frozen=True)
class Replays:
    """Plans and executes replays of `s3://lake/` to the function `fn`, unless told of other sources."""

    command: Cncbops
    endpoint: str

    def plan(self, *arguments: str | Path, **more: Any) -> Run:
        return self._run([], arguments, **more)

    def execute(self, *arguments: str | Path, **more: Any) -> Run:
        return self._run(["--execute"], arguments, **more)

    def text(self, *arguments: str | Path, sources: Sequence[str | Path] = ("s3://lake/",), **more: Any) -> Result:
        """A run that speaks to people."""
        return self.command("replay", *sources, "-f", "fn", *arguments, endpoint=self.endpoint, **more)

    def _run(self, mode: list[str], arguments: Sequence[str | Path], **more: Any) -> Run:
        return checked(self.text(*mode, "-o", "json", *arguments, **more))


def checked(result: Result) -> Run:
    """The run that a command's result tells of, if it keeps the contract."""
    summary = result.json
    assert result.code in EXIT_CODES[summary["status"]], result
    _assert_counts_add_up(summary)
    _assert_is_in_its_ledger(summary)
    assert_quiet(result, error="error" in summary)
    return Run(result.code, summary, result.err)


def assert_quiet(result: Result, *, error: bool) -> None:
    """Standard error holds the one line of an error, or nothing."""
    assert "\x1b" not in result.out + result.err
    assert "Traceback" not in result.err
    lines = result.err.splitlines()
    assert [line[:7] for line in lines] == (["error: "] if error else []), result.err


def _assert_counts_add_up(summary: Mapping[str, Any]) -> None:
    events, calls, objects = summary["events"], summary["invocations"], summary["objects"]
    assert sum(events["by_type"].values()) == events["matched"]
    assert events["matched"] == events["delivered"] + events["failed"] + events["unknown"] + events["not_sent"]
    if not summary["dry_run"]:
        assert calls["total"] == calls["succeeded"] + calls["failed"] + calls["throttled"] + calls["unknown"]
    if summary["status"] in ("succeeded", "partial"):
        assert events["not_sent"] == 0
    assert objects["read"] + objects["skipped"] + objects["failed"] <= objects["listed"]


def _assert_is_in_its_ledger(summary: Mapping[str, Any]) -> None:
    """An executed run is in the ledger as it is told; one that could not begin, or a plan, is not."""
    run, planned = summary["run"], summary["dry_run"]
    if run:
        assert run["matched"] == run["delivered"] + run["failed"] + run["unknown"] + run["not_sent"]
    if planned or summary["ledger"] is None:
        assert summary["ledger"] is None
        assert planned or (summary["events"]["matched"], run) == (0, None)
        assert planned or summary["status"] in ("failed", "interrupted")
        assert summary["command"] != "replay" or run is None
        return
    assert stat.S_IMODE(Path(summary["ledger"]).stat().st_mode) == 0o600
    assert run or summary["status"] == "failed"
    if run and summary["command"] == "replay":
        _assert_is_all_of_its_run(summary)


def _assert_is_all_of_its_run(summary: Mapping[str, Any]) -> None:
    """What a run's only session tells is what the ledger has of the run, each failure included."""
    events, run = summary["events"], summary["run"]
    counts = ("read", "matched", "malformed", "delivered", "failed", "unknown", "not_sent")
    assert {name: run[name] for name in counts} == {name: events[name] for name in counts}
    assert run["objects_unreadable"] == summary["objects"]["failed"]
    found, kept = in_ledger(summary)
    assert (found.status, found.reason) == (summary["status"], summary["reason"])
    assert len(kept) == run["failed"] + run["unknown"] + run["malformed"] + run["objects_unreadable"]
    assert all(failure in kept for failure in summary["failures"])
    assert len(summary["failures"]) == min(len(kept), 20)


def in_ledger(summary: Mapping[str, Any]) -> tuple[KeptRun, Sequence[Mapping[str, Any]]]:
    """The run that a summary tells of as the ledger has it, and all its failures in lake order."""
    found = Ledger.look(Path(summary["ledger"]).parent)
    assert found
    with found as ledger:
        run = ledger.find(summary["run_id"])
        return run, [structs.asdict(kept.failure) for kept in ledger.known(run).failures()]
