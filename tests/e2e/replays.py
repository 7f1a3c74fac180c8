"""Runs `cncbops replay` and holds every run to what must hold of all runs.

With `-o json`: standard output is exactly one JSON document of the contract, its counts add up, the exit code says
what its status says, and nothing else is said but one line of an error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.servers import Cncbops, Result

EXIT_CODES = {
    "planned": {0, 3},
    "nothing": {0},
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
        assert summary["failures_file"] is None or summary["status"] == "partial"
    assert objects["read"] + objects["skipped"] + objects["failed"] <= objects["listed"]
