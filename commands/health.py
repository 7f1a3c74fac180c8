"""`cncbops health`: is each region fit to serve? Read-only, but for the write probe with --execute.

This file declares the options and no more; `_health` does the rest.
"""

from typing import Annotated

import typer

from . import _options as shared
from . import _watched as watched
from ._examples import examples
from ._forms import duration
from ._options import option

app = typer.Typer(add_completion=False)

LOOK = "How to look"


@app.command(
    epilog=examples(
        ("What the nearest cncbops.toml names", "cncbops health"),
        (
            "Two regions by the stacks of a stage; one has to be well",
            "cncbops health us-east-1 us-west-2 --stage john --require any",
        ),
        (
            "Every half minute, with a check that is named here",
            "cncbops health us-east-1 --check https://api.example.com/check --watch 30",
        ),
    )
)
def health(
    regions: watched.Regions = None,
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
    require: Annotated[
        str,
        option("--require", metavar="all|any|N", help="How many regions must be healthy for exit code 0.", panel=LOOK),
    ] = "all",
    timeout: Annotated[
        str, option("--timeout", help="What does not answer by then is unknown.", panel=LOOK, callback=duration)
    ] = "5s",
    watch: Annotated[
        float | None,
        option("--watch", metavar="SECONDS", help="Look again and again, until interrupted.", panel=LOOK, min=1),
    ] = None,
    execute: Annotated[
        bool, option("--execute/--dry-run", help="Probe check tables with a write, too.", panel=shared.GENERAL)
    ] = False,
    output: shared.OutputOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
    state_dir: shared.StateDir = None,
    region: shared.Region = None,
    profile: shared.Profile = None,
    role_arn: shared.RoleArn = None,
    endpoint_url: shared.EndpointUrl = None,
) -> int:
    """Look at what each region needs to serve, all at once, and tell which regions are fit.

    What is watched stands in cncbops.toml; options add to it.
    Exit code 0 if as many regions as required are healthy, else 4. Without --execute nothing is written anywhere.
    """
    from ._health import Asked, carry_out

    texts = watched.texts_of(
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
    return carry_out(Asked(regions or [], config, stage, texts, require, timeout, watch), general)
