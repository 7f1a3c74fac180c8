"""Runs `cncbops invalidate` and holds every run to what must hold of all of them.

With `-o json`: standard output is exactly one JSON document of the contract, its counts add up, and the exit code says
what its status says. No path is created twice.
"""

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import Run as KeptRun
from tests.e2e.far_side_cloudfront import ID, FarSideCloudFront
from tests.e2e.replays import EXIT_CODES
from tests.e2e.servers import Cncbops, Process, Result

Summary = Mapping[str, Any]


@dataclass(frozen=True)
class Invalidates:
    """Plans and executes invalidations of the far side's distribution; does with the newest run what `runs` does."""

    command: Cncbops
    far_side: FarSideCloudFront

    def plan(self, *arguments: str | Path, **more: Any) -> Summary:
        return self._checked(self.text(*arguments, "-o", "json", **more))

    def execute(self, *arguments: str | Path, **more: Any) -> Summary:
        return self.plan("--execute", *arguments, **more)

    def text(self, *arguments: str | Path, **more: Any) -> Result:
        """A run that speaks to people."""
        return self.command("invalidate", ID, *arguments, endpoint=self.far_side.url, **more)

    def start(self, *arguments: str | Path) -> Process:
        """An execution under way; hand it to `finish`, `interrupt` or `kill`."""
        asked = ("invalidate", ID, "--execute", "-o", "json", *arguments)
        return self.command.start(*asked, endpoint=self.far_side.url)

    def finish(self, process: Process) -> Summary:
        return self._checked(self.command.finish(process))

    def interrupt(self, process: Process, number: signal.Signals = signal.SIGINT) -> Summary:
        process.send_signal(number)
        return self.finish(process)

    def kill(self, process: Process) -> None:
        """End it as a power failure of its process does."""
        process.kill()
        process.communicate()

    def resume(self, *arguments: str) -> Summary:
        return self._checked(self.runs("resume", self.newest.run_id, "-o", "json", *arguments))

    def runs(self, *arguments: str) -> Result:
        return self.command("runs", *arguments, endpoint=self.far_side.url)

    @property
    def newest(self) -> KeptRun:
        ledger = Ledger.look(self.command.state_dir)
        assert ledger
        with ledger:
            return ledger.runs()[0]

    def _checked(self, result: Result) -> Summary:
        summary: Summary = result.json
        assert result.code in EXIT_CODES[summary["status"]], result
        if "error" in summary:
            assert result.err == f"error: {summary['error']['what']}. {summary['error']['next_step']}\n"
        if "requests" in summary:
            _assert_counts_add_up(summary)
        made = self.far_side.items
        assert len(made) == len(set(made)), "a path was paid for twice"
        return summary


def paths_file(folder: Path, paths: Sequence[str]) -> Path:
    """A file with one path a line."""
    file = folder / "paths.txt"
    file.write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
    return file


def _assert_counts_add_up(summary: Summary) -> None:
    paths, requests = summary["paths"], summary["requests"]
    left_out = paths["duplicates"] + paths["covered"] + paths["collapsed"] - paths["collapsed_into"]
    assert paths["given"] == left_out + paths["to_send"], paths
    assert paths["to_send"] >= paths["sent"] >= paths["completed"], paths
    assert requests["total"] >= requests["created"] == requests["completed"] + requests["in_progress"], requests
    assert len(summary["invalidations"]) == requests["created"]


def make_distribution(cdn: Any, name: str) -> str:
    """A distribution of an embedded AWS, with an alias `www.NAME.example.com`; its id."""
    origin = {"Id": "o", "DomainName": f"{name}.s3.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}
    behaviour = {"TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all", "MinTTL": 0}
    made = cdn.create_distribution(
        DistributionConfig={
            "CallerReference": name,
            "Comment": "",
            "Enabled": True,
            "Aliases": {"Quantity": 1, "Items": [f"www.{name}.example.com"]},
            "Origins": {"Quantity": 1, "Items": [origin]},
            "DefaultCacheBehavior": {
                **behaviour,
                "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
            },
        }
    )
    return str(made["Distribution"]["Id"])
