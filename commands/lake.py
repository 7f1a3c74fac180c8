"""`cncbops lake`: what a data lake holds. Read-only.

This file declares the options and no more; `_lake` and its neighbours do the rest.
"""

from typing import Annotated

import typer

from . import _options as shared
from ._groups import Group
from ._options import option

app = typer.Typer(add_completion=False, cls=Group, help="Look into a data lake, which is only ever read.")


@app.command()
def cat(
    sources: shared.Sources = None,
    bucket: shared.Bucket = None,
    prefix: shared.Prefix = "",
    types: shared.Types = None,
    partition_keys: shared.PartitionKeys = None,
    shards: shared.Shards = None,
    from_time: shared.FromTime = None,
    to_time: shared.ToTime = None,
    filters: shared.Filters = None,
    limit: shared.Limit = None,
    line_format: shared.LineFormat = None,
    output: shared.OutputOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
    state_dir: shared.StateDir = None,
    region: shared.Region = None,
    profile: shared.Profile = None,
    role_arn: shared.RoleArn = None,
    endpoint_url: shared.EndpointUrl = None,
) -> int:
    """Print events as JSON lines, byte for byte as the lake holds them."""
    from ._lake import Asked
    from ._lake_cat import carry_out
    from ._requests import Choice

    choice = Choice.typed(types, partition_keys, shards, from_time, to_time, filters, limit, line_format)
    general = shared.General(
        output is shared.Output.json, quiet, verbose, state_dir, False, region, profile, role_arn, endpoint_url
    )
    return carry_out(Asked(tuple(sources or ()), bucket, prefix, choice), general)


COMPARISON = "What is compared"

Lake = Annotated[str, typer.Argument(metavar="LAKE", help="s3://bucket/prefix, or a local folder.", show_default=False)]
Recovery = Annotated[
    str,
    typer.Argument(
        metavar="RECOVERY", help="Its copy; prefixes may differ, what comes after them is compared.", show_default=False
    ),
]


@app.command()
def verify(
    lake: Lake,
    recovery: Recovery,
    from_time: Annotated[
        str | None,
        option("--from", help="Objects that may hold events from this time on, as their keys tell.", panel=COMPARISON),
    ] = None,
    to_time: Annotated[
        str | None, option("--to", help="Objects that may hold events before this time.", panel=COMPARISON)
    ] = None,
    lag: Annotated[
        str | None,
        option("--lag", help="What is younger may still lack a copy: 15m, 1h.", panel=COMPARISON),
    ] = None,
    deep: Annotated[
        bool,
        option("--deep", help="Read both where neither ETag nor checksum tells whether they differ.", panel=COMPARISON),
    ] = False,
    show_all: Annotated[
        bool, option("--all", help="List every difference; with -o json as JSON lines.", panel=COMPARISON)
    ] = False,
    output: shared.OutputOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
    state_dir: shared.StateDir = None,
    region: shared.Region = None,
    profile: shared.Profile = None,
    role_arn: shared.RoleArn = None,
    endpoint_url: shared.EndpointUrl = None,
    recovery_region: shared.RecoveryRegion = None,
    recovery_profile: shared.RecoveryProfile = None,
    recovery_role_arn: shared.RecoveryRoleArn = None,
    recovery_endpoint_url: shared.RecoveryEndpointUrl = None,
) -> int:
    """Compare a lake with its disaster-recovery copy: exit code 0 if that holds the same, 3 if not."""
    from ._lake_verify import Asked, Reached, carry_out

    general = shared.General(
        output is shared.Output.json, quiet, verbose, state_dir, False, region, profile, role_arn, endpoint_url
    )
    reached = Reached(recovery_region, recovery_profile, recovery_role_arn, recovery_endpoint_url)
    asked = Asked(lake, recovery, reached, from_time, to_time, lag, deep=deep, show_all=show_all)
    return carry_out(asked, general)
