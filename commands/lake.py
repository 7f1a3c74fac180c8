"""`cncbops lake`: what a data lake holds. Read-only.

This file declares the options and no more; `_lake` and its neighbours do the rest.
"""

import typer

from . import _options as shared
from ._groups import Group

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
