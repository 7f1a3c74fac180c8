"""The command lines that go on with a run, or send again what failed of it."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cncbops.cluster.address import at_cluster
from cncbops.ledger.place import on_run
from cncbops.ledger.rows import Run


class Named(NamedTuple):
    """A run as a command line names it: the folder is its ledger's, the cluster where it works, if on one."""

    run_id: str
    folder: Path
    cluster: str | None


class NextStep(NamedTuple):
    """A command line, and when it is to be typed."""

    when: str
    command: str


def named(summary: Mapping[str, Any]) -> Named:
    """The run that a summary tells of, which is in a ledger."""
    workers = summary.get("workers") or {}
    return Named(summary["run_id"], Path(summary["ledger"]).parent, workers.get("cluster"))


def taken_up_again(
    run: Run | Named, fates: Collection[str] | None, on_changed: str | None, *, executes: bool = True
) -> str:
    """What goes on with a run, or with a redrive of what has these fates."""
    verb = "resume" if fates is None else "redrive"
    unknown = " --unknown" if fates and "unknown" in fates else ""
    changed = f" --on-changed {on_changed}" if on_changed not in (None, "fail") else ""
    execute = " --execute" if executes else ""
    return on_run(verb, run.run_id, run.folder, f"{unknown}{execute}{at_cluster(run.cluster)}{changed}")


def redrivable(totals: Mapping[str, int]) -> Sequence[str]:
    """The fates of a redrive that would send something: what failed first, only then what is unknown as well.

    What lies in objects that changed or are gone, and were left out for that, none sends unless they are put back.
    """
    in_reach = [fate for fate in ("failed", "unknown") if totals[fate] > totals.get(f"{fate}_left_out", 0)]
    return ["failed"] if "failed" in in_reach else ["failed", "unknown"] if in_reach else []


def redrive_of(run: Run | Named, fates: Sequence[str], totals: Mapping[str, int]) -> str:
    """The redrive of these fates, told to leave out again what was left out before."""
    leaves_out = any(totals.get(f"{fate}_left_out") for fate in fates)
    return taken_up_again(run, fates, "skip" if leaves_out else None)
