"""`cncbops failover`: a region is taken out of service by its check function, or put back.

This file declares the options and no more; `_failover` and `_failover_status` do the rest.
"""

from typing import Annotated

import typer

from . import _options as shared
from . import _watched as watched
from ._examples import examples
from ._forms import duration
from ._groups import Group
from ._options import option

app = typer.Typer(
    add_completion=False,
    cls=Group,
    help="Take a region out of service, put it back, or see how all stand.",
    epilog=examples(
        ("How the regions stand", "cncbops failover status --stage john"),
        ("What taking one out would change", "cncbops failover out us-east-1 --other us-west-2 --stage john"),
    ),
)

HOW = "How it is done"

Region = Annotated[str, typer.Argument(metavar="REGION", help="The region.")]
Others = Annotated[
    list[str] | None,
    option(
        "--other",
        metavar="REGION",
        help="A region that shall carry the traffic; else all others that are named. Repeatable.",
        panel=watched.WATCHED,
    ),
]
Why = Annotated[str | None, option("--reason", metavar="TEXT", help="Why; it is kept in the ledger.", panel=HOW)]
FollowFor = Annotated[
    str, option("--timeout", help="How long to wait for alarm and health check to turn.", panel=HOW, callback=duration)
]


@app.command(
    epilog=examples(
        ("Of all regions that the nearest cncbops.toml names", "cncbops failover status"),
        (
            "Of two, by the stacks of a stage, for a script",
            "cncbops failover status us-east-1 us-west-2 --stage john -o json",
        ),
    )
)
def status(
    regions: watched.Regions = None,
    check_functions: watched.CheckFunctions = None,
    checks: watched.Checks = None,
    alarms: watched.Alarms = None,
    health_checks: watched.HealthChecks = None,
    stage: shared.Stage = None,
    config: shared.Config = None,
    timeout: Annotated[
        str, option("--timeout", help="What does not answer by then is unknown.", panel=HOW, callback=duration)
    ] = "5s",
    output: shared.OutputOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
    state_dir: shared.StateDir = None,
    region: shared.Region = None,
    profile: shared.Profile = None,
    role_arn: shared.RoleArn = None,
    endpoint_url: shared.EndpointUrl = None,
) -> int:
    """Tell which regions are in service: their switches, checks, alarms and health checks, and who switched last.

    Exit code 0 if all are in service and healthy, else 4.
    """
    from ._failover_status import carry_out_status

    texts = watched.texts_of(check_functions=check_functions, checks=checks, alarms=alarms, health_checks=health_checks)
    general = shared.General(
        output is shared.Output.json, quiet, verbose, state_dir, False, region, profile, role_arn, endpoint_url
    )
    return carry_out_status(regions or [], config, stage, texts, timeout, general)


@app.command(
    epilog=examples(
        ("What it would change, and whether it may", "cncbops failover out us-east-1 --other us-west-2 --stage john"),
        (
            "Do it, and say why",
            "cncbops failover out us-east-1 --other us-west-2 --stage john --reason 'bad deploy' --execute",
        ),
        ("Wait longer for the health check to turn", "cncbops failover out us-east-1 --timeout 30m --execute"),
    )
)
def out(
    name: Region,
    why: Why = None,
    force: Annotated[
        bool, option("--force", help="Also where no other region is known to be healthy; the rule is named.", panel=HOW)
    ] = False,
    timeout: FollowFor = "15m",
    others: Others = None,
    check_functions: watched.CheckFunctions = None,
    checks: watched.Checks = None,
    alarms: watched.Alarms = None,
    health_checks: watched.HealthChecks = None,
    tables: watched.Tables = None,
    streams: watched.Streams = None,
    functions: watched.Functions = None,
    queues: watched.Queues = None,
    faults: watched.Faults = None,
    stage: shared.Stage = None,
    config: shared.Config = None,
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
    """Take a region out of service: its check answers 503 until it is put back, and Route 53 turns away from it.

    A dry-run unless --execute is given. Refused where no other region is known to be healthy. Follows check, alarm
    and health check until they have turned. If it is interrupted, the same command goes on.
    """
    from cncbops.failover.change import TAKE_OUT

    from ._failover import carry_out
    from ._failover_asked import Switching

    texts = watched.texts_of(
        check_functions=check_functions,
        checks=checks,
        alarms=alarms,
        health_checks=health_checks,
        tables=tables,
        streams=streams,
        functions=functions,
        queues=queues,
        faults=faults,
    )
    general = shared.General(
        output is shared.Output.json, quiet, verbose, state_dir, execute, region, profile, role_arn, endpoint_url
    )
    return carry_out(Switching(TAKE_OUT, name, others or [], config, stage, texts, why, force, timeout), general)


@app.command(
    epilog=examples(
        ("What it would change", "cncbops failover back us-east-1 --stage john"),
        ("Do it, and say why", "cncbops failover back us-east-1 --stage john --reason 'deploy undone' --execute"),
    )
)
def back(
    name: Region,
    why: Why = None,
    timeout: FollowFor = "15m",
    check_functions: watched.CheckFunctions = None,
    checks: watched.Checks = None,
    alarms: watched.Alarms = None,
    health_checks: watched.HealthChecks = None,
    stage: shared.Stage = None,
    config: shared.Config = None,
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
    """Put a region back into service: its check function gets back what it had before it was taken out.

    A dry-run unless --execute is given. Follows check, alarm and health check until they are healthy again.
    """
    from cncbops.failover.change import PUT_BACK

    from ._failover import carry_out
    from ._failover_asked import Switching

    texts = watched.texts_of(check_functions=check_functions, checks=checks, alarms=alarms, health_checks=health_checks)
    general = shared.General(
        output is shared.Output.json, quiet, verbose, state_dir, execute, region, profile, role_arn, endpoint_url
    )
    return carry_out(Switching(PUT_BACK, name, [], config, stage, texts, why, False, timeout), general)
