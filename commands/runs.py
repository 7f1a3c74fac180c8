"""`cncbops runs`: the ledger, and control of a run under way.

This file declares the options and no more; `_runs` and `_resuming` do the rest.
"""

from enum import StrEnum
from typing import Annotated

import typer

from . import _options as shared
from ._examples import examples
from ._groups import Group
from ._options import option

app = typer.Typer(
    add_completion=False,
    cls=Group,
    help="List runs, show one, go on with it, redrive what failed; pause or stop it.",
    epilog=examples(
        ("What was run", "cncbops runs ls"),
        ("What became of one, by the end of its id", "cncbops runs show b6fd6c"),
        ("What is left of it", "cncbops runs resume b6fd6c --execute"),
    ),
)

Run = Annotated[str, typer.Argument(metavar="RUN", help="The run's id, or as much of its begin or end as is unique.")]
ShowPayload = Annotated[
    bool, option("--show-payload", help="Show the first record's data in the plan.", panel=shared.GENERAL)
]


class OnChanged(StrEnum):
    """What to do with an object that is not what it was when the run read it."""

    fail = "fail"
    skip = "skip"
    restart = "restart"


class OnChangedSince(StrEnum):
    """The same where records of it failed: what else is in it now is none of them."""

    fail = "fail"
    skip = "skip"


@app.command(
    epilog=examples(
        ("All, the newest first", "cncbops runs ls"),
        ("The id of the newest", "cncbops runs ls -o json | jq -r '.runs[0].run_id'"),
    )
)
def ls(
    output: shared.OutputOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
    state_dir: shared.StateDir = None,
) -> int:
    """List the runs, the newest first, with what became of their events."""
    from ._runs import carry_out_ls

    return carry_out_ls(shared.Local(output is shared.Output.json, quiet, verbose, state_dir))


@app.command(
    epilog=examples(
        ("What became of a run, by the end of its id", "cncbops runs show b6fd6c"),
        ("Each object and failure of it, in a file for auditors", "cncbops runs show b6fd6c --report run.csv"),
    )
)
def show(
    run: Run,
    report: shared.Report = None,
    output: shared.OutputOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
    state_dir: shared.StateDir = None,
) -> int:
    """Show a run: what was asked, by whom, what was done, what failed, and what to do next.

    With -o json also each of its objects and failures.
    """
    from ._runs import carry_out_show

    return carry_out_show(run, report, shared.Local(output is shared.Output.json, quiet, verbose, state_dir))


@app.command(
    epilog=examples(
        ("What is left to be done", "cncbops runs resume b6fd6c"),
        ("Do it, for half an hour at most", "cncbops runs resume b6fd6c --max-duration 30m --execute"),
        ("Without what changed in the lake meanwhile", "cncbops runs resume b6fd6c --on-changed skip --execute"),
        ("On a Dask cluster", "cncbops runs resume b6fd6c --cluster tcp://scheduler:8786 --execute"),
    )
)
def resume(
    run: Run,
    on_changed: Annotated[
        OnChanged,
        option("--on-changed", help="An object that changed meanwhile: give up, leave it out, or send it anew."),
    ] = OnChanged.fail,
    max_failures: shared.MaxFailures = None,
    max_duration: shared.MaxDuration = None,
    stop_on_alarm: shared.StopOnAlarm = None,
    canary: shared.Canary = None,
    cluster: shared.ClusterAddress = None,
    workers: shared.Workers = None,
    report: shared.Report = None,
    show_payload: ShowPayload = False,
    execute: shared.Execute = False,
    output: shared.OutputOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
    state_dir: shared.StateDir = None,
    region: shared.Region = None,
    profile: shared.Profile = None,
    role_arn: shared.RoleArn = None,
    endpoint_url: shared.EndpointUrl = None,
) -> int:
    """Go on with exactly what a run has not done, as it was asked then.

    A dry-run unless --execute is given. Works with a copy of the ledger on another machine, too.
    """
    from ._resuming import carry_out_resume
    from ._take_up import TakeUp
    from ._workplace import Workplace

    general = shared.General(
        output is shared.Output.json, quiet, verbose, state_dir, execute, region, profile, role_arn, endpoint_url
    )
    alarms = tuple(stop_on_alarm or ())
    stops = (max_failures, max_duration, alarms, canary)
    at = Workplace(workers, cluster)
    take_up = TakeUp(run, on_changed.value, *stops, False, report, show_payload, at)
    return carry_out_resume(take_up, general)


@app.command(
    epilog=examples(
        ("What failed, and would be sent again", "cncbops runs redrive b6fd6c"),
        ("Send it; ten records first", "cncbops runs redrive b6fd6c --canary 10 --execute"),
        ("Those as well that may have arrived", "cncbops runs redrive b6fd6c --unknown --execute"),
    )
)
def redrive(
    run: Run,
    unknown: Annotated[
        bool, option("--unknown", help="Also those whose answer was lost: they may arrive twice.")
    ] = False,
    on_changed: Annotated[
        OnChangedSince, option("--on-changed", help="An object that changed meanwhile: give up, or leave it out.")
    ] = OnChangedSince.fail,
    max_failures: shared.MaxFailures = None,
    max_duration: shared.MaxDuration = None,
    stop_on_alarm: shared.StopOnAlarm = None,
    canary: shared.Canary = None,
    cluster: shared.ClusterAddress = None,
    report: shared.Report = None,
    show_payload: ShowPayload = False,
    execute: shared.Execute = False,
    output: shared.OutputOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
    state_dir: shared.StateDir = None,
    region: shared.Region = None,
    profile: shared.Profile = None,
    role_arn: shared.RoleArn = None,
    endpoint_url: shared.EndpointUrl = None,
) -> int:
    """Send the failed records of a run once more, read again from the lake.

    A dry-run unless --execute is given. What then succeeds is marked in the ledger.
    """
    from ._resuming import carry_out_redrive
    from ._take_up import TakeUp
    from ._workplace import Workplace

    general = shared.General(
        output is shared.Output.json, quiet, verbose, state_dir, execute, region, profile, role_arn, endpoint_url
    )
    alarms = tuple(stop_on_alarm or ())
    stops = (max_failures, max_duration, alarms, canary)
    at = Workplace(cluster=cluster)
    take_up = TakeUp(run, on_changed.value, *stops, unknown, report, show_payload, at)
    return carry_out_redrive(take_up, general)


@app.command(
    epilog=examples(
        ("From another terminal, by the end of the run's id", "cncbops runs pause b6fd6c"),
        ("And go on", "cncbops runs continue b6fd6c"),
    )
)
def pause(
    run: Run,
    output: shared.OutputOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
    state_dir: shared.StateDir = None,
) -> int:
    """Let a run under way send nothing until it is told to continue.

    Acts at once, without --execute: it changes nothing in AWS.
    """
    from ._runs import carry_out_order

    return carry_out_order(run, "pause", None, shared.Local(output is shared.Output.json, quiet, verbose, state_dir))


@app.command(
    name="continue",
    epilog=examples(
        ("By the end of the run's id", "cncbops runs continue b6fd6c"),
        ("More slowly than before", "cncbops runs rate b6fd6c 20 && cncbops runs continue b6fd6c"),
    ),
)
def continue_(
    run: Run,
    output: shared.OutputOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
    state_dir: shared.StateDir = None,
) -> int:
    """Let a paused run go on.

    Acts at once, without --execute: it changes nothing in AWS.
    """
    from ._runs import carry_out_order

    return carry_out_order(run, "continue", None, shared.Local(output is shared.Output.json, quiet, verbose, state_dir))


@app.command(
    epilog=examples(
        ("At most 20 events a second from now on", "cncbops runs rate b6fd6c 20"),
        ("One every ten seconds", "cncbops runs rate b6fd6c 0.1"),
    )
)
def rate(
    run: Run,
    events_per_s: Annotated[float, typer.Argument(metavar="N", help="At most so many events per second.", min=0.01)],
    output: shared.OutputOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
    state_dir: shared.StateDir = None,
) -> int:
    """Change how fast a run under way sends.

    Acts at once, without --execute: it changes nothing in AWS.
    """
    from ._runs import carry_out_order

    options = shared.Local(output is shared.Output.json, quiet, verbose, state_dir)
    return carry_out_order(run, "rate", events_per_s, options)


@app.command(
    epilog=examples(
        ("By the end of the run's id", "cncbops runs stop b6fd6c"),
        ("And go on with it later", "cncbops runs resume b6fd6c --execute"),
    )
)
def stop(
    run: Run,
    output: shared.OutputOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
    state_dir: shared.StateDir = None,
) -> int:
    """End a run under way; what it is sending is finished first, and `runs resume` goes on.

    Acts at once, without --execute: it changes nothing in AWS.
    """
    from ._runs import carry_out_order

    return carry_out_order(run, "stop", None, shared.Local(output is shared.Output.json, quiet, verbose, state_dir))
