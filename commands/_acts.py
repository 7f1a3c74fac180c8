"""What `cncbops runs` does with acts, the runs that send no events."""

from collections.abc import Sequence
from pathlib import Path

from cncbops.errors import BadInput
from cncbops.ledger.rows import Run
from cncbops.reports.next_step import go_on_with

from ._options import General
from ._screen import Screen


def take_up_act(run: Run, kind: str, folder: Path, general: General, screen: Screen) -> int:
    """Go on with an act; the exit code. Raises BadInput for one that cannot be taken up like this."""
    if run.command != "invalidate":
        what = f"run {run.run_id} is a {run.command.partition(' ')[0]}, which is not taken up"
        if run.status == "succeeded":
            raise BadInput(what, "It has ended well: see how the regions stand with `cncbops failover status`")
        raise BadInput(what, f"Say it again: {go_on_with(run)}")
    if kind == "redrive":
        what = f"run {run.run_id} is an invalidation: it has no records that failed"
        raise BadInput(what, f"Go on with what is not done of it: {go_on_with(run)}")
    from ._invalidating import carry_out_resume

    return carry_out_resume(run, folder, general, screen)


def require_bare(run: Run, given: Sequence[str]) -> None:
    """Raises BadInput if options are given that mean nothing to an act, which has no objects and no records."""
    if given:
        what = f"run {run.run_id} sends no events, to which alone belong {', '.join(given)}"
        raise BadInput(what, "Leave out what is typed of these, and what CNCBOPS_… in the environment says of them")


def require_takes(run: Run, order: str) -> None:
    """Raises BadInput for an order that a run cannot follow: an act can be stopped, and nothing else."""
    if run.is_act and order != "stop":
        what = f"run {run.run_id} is an act of `{run.command}`, which has neither pause nor rate"
        raise BadInput(what, f"It can be ended with `{run.to_type('stop')}`")
