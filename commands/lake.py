"""`cncbops lake`: what a data lake holds. Read-only.

This file declares the options and no more; `_lake` and its neighbours do the rest.
"""

from typing import Annotated

import typer

from . import _options as shared
from ._examples import examples
from ._forms import duration, moment
from ._groups import Group
from ._of_objects import OfObjects
from ._options import option

FORM = "In which form"

app = typer.Typer(
    add_completion=False,
    cls=Group,
    help="Look into a data lake, which is only ever read.",
    epilog=examples(
        ("What came in the last three hours", "cncbops lake ls s3://my-lake/my-stream/ --from -3h --summary"),
        ("Its first event", "cncbops lake cat s3://my-lake/my-stream/ --from -3h | head -1"),
    ),
)


@app.command(
    cls=OfObjects,
    epilog=examples(
        ("Objects of the last three hours", "cncbops lake ls s3://my-lake/my-stream/ --from -3h"),
        ("How many there are, and how large, by hour", "cncbops lake ls s3://my-lake/my-stream/ --summary"),
        (
            "The same of a vast lake, from its S3 Inventory",
            "cncbops lake ls s3://my-lake/my-stream/ --summary "
            "--inventory s3://inventories/lake/2023-11-22T01-00Z/manifest.json",
        ),
    ),
)
def ls(
    sources: shared.Sources = None,
    stage: shared.Stage = None,
    bucket: shared.Bucket = None,
    prefix: shared.Prefix = "",
    inventory: shared.Inventory = None,
    from_time: Annotated[
        str | None,
        option("--from", help="Objects that may hold events from this time on.", panel=shared.CHOICE, callback=moment),
    ] = None,
    to_time: Annotated[
        str | None,
        option("--to", help="Objects that may hold events before this time.", panel=shared.CHOICE, callback=moment),
    ] = None,
    limit: Annotated[int | None, option("--limit", help="At most so many objects.", panel=shared.CHOICE, min=1)] = None,
    summary: Annotated[
        bool,
        option(
            "--summary",
            help="Add up objects and bytes by day and hour; with -o json in one document.",
            panel=shared.GENERAL,
        ),
    ] = False,
    output: shared.LinesOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
    state_dir: shared.StateDir = None,
    region: shared.Region = None,
    profile: shared.Profile = None,
    role_arn: shared.RoleArn = None,
    endpoint_url: shared.EndpointUrl = None,
    config: shared.Config = None,
) -> int:
    """List the objects that a replay would read: times, size, storage class.

    The times say when an object's events arrived, as far as a listing tells: from the time that its key names (by
    Firehose, the arrival of the oldest event) until it was written.
    """
    from ._lake import Asked
    from ._lake_ls import carry_out
    from ._requests import Choice
    from ._staged import staged

    choice = Choice.typed(None, None, None, from_time, to_time, None, limit, None)
    general = shared.General(
        output is shared.Output.json, quiet, verbose, state_dir, False, region, profile, role_arn, endpoint_url
    )
    return carry_out(
        Asked(tuple(sources or ()), bucket, prefix, choice, staged(stage, config), inventory), general, summary=summary
    )


@app.command(
    epilog=examples(
        ("The first event of a day", "cncbops lake cat s3://my-lake/my-stream/2023/11/22/ | head -1"),
        ("Some types, for jq", "cncbops lake cat s3://my-lake/my-stream/ --type 'thing-*' --from -3h | jq .thing.id"),
        ("Lines as they lie there", "cncbops lake cat s3://my-lake/my-stream/ --envelope --limit 10"),
    )
)
def cat(
    sources: shared.Sources = None,
    stage: shared.Stage = None,
    bucket: shared.Bucket = None,
    prefix: shared.Prefix = "",
    inventory: shared.Inventory = None,
    types: shared.Types = None,
    partition_keys: shared.PartitionKeys = None,
    shards: shared.Shards = None,
    from_time: shared.FromTime = None,
    to_time: shared.ToTime = None,
    filters: shared.Filters = None,
    limit: shared.Limit = None,
    line_format: shared.LineFormat = None,
    envelope: Annotated[
        bool, option("--envelope", help="The whole line of the lake, with what is around the event.", panel=FORM)
    ] = False,
    record: Annotated[
        bool, option("--record", help="The Kinesis record that a replay makes of the event.", panel=FORM)
    ] = False,
    output: shared.LinesOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
    state_dir: shared.StateDir = None,
    region: shared.Region = None,
    profile: shared.Profile = None,
    role_arn: shared.RoleArn = None,
    endpoint_url: shared.EndpointUrl = None,
    config: shared.Config = None,
) -> int:
    """Print events as JSON lines, byte for byte as the lake holds them. Made for pipes.

    Fault events are left out unless a --type matches them, as in a replay.
    """
    from ._lake import Asked
    from ._lake_cat import carry_out
    from ._requests import Choice
    from ._staged import staged

    choice = Choice.typed(types, partition_keys, shards, from_time, to_time, filters, limit, line_format)
    general = shared.General(
        output is shared.Output.json, quiet, verbose, state_dir, False, region, profile, role_arn, endpoint_url
    )
    return carry_out(
        Asked(tuple(sources or ()), bucket, prefix, choice, staged(stage, config), inventory),
        general,
        envelope=envelope,
        record=record,
    )


@app.command(
    epilog=examples(
        (
            "An event by its id, on a day that is known",
            "cncbops lake find s3://my-lake/my-stream/ --id 4ee7f9f0-2c7a-11ee --from 2023-11-22 --to 2023-11-23",
        ),
        (
            "Ten events of what a thing went through",
            "cncbops lake find s3://my-lake/my-stream/ --partition-key thing-42 --limit 10",
        ),
    )
)
def find(
    sources: shared.Sources = None,
    stage: shared.Stage = None,
    bucket: shared.Bucket = None,
    prefix: shared.Prefix = "",
    inventory: shared.Inventory = None,
    event_id: Annotated[
        str | None, option("--id", help="The event with this id, also if it is a fault.", panel=shared.CHOICE)
    ] = None,
    types: shared.Types = None,
    partition_keys: shared.PartitionKeys = None,
    shards: shared.Shards = None,
    from_time: shared.FromTime = None,
    to_time: shared.ToTime = None,
    filters: shared.Filters = None,
    limit: Annotated[
        int | None,
        option("--limit", help="Stop after so many; else after 1 with --id, 10 without.", panel=shared.CHOICE, min=1),
    ] = None,
    line_format: shared.LineFormat = None,
    output: shared.LinesOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
    state_dir: shared.StateDir = None,
    region: shared.Region = None,
    profile: shared.Profile = None,
    role_arn: shared.RoleArn = None,
    endpoint_url: shared.EndpointUrl = None,
    config: shared.Config = None,
) -> int:
    """Find events: print each with its object, line, sequence number, key and shard.

    It stops as soon as it has them. If there are none the exit code is 1, or 3 where not all could be read.
    """
    from ._lake import Asked
    from ._lake_find import carry_out
    from ._requests import Choice
    from ._staged import staged

    choice = Choice.typed(types, partition_keys, shards, from_time, to_time, filters, limit, line_format)
    general = shared.General(
        output is shared.Output.json, quiet, verbose, state_dir, False, region, profile, role_arn, endpoint_url
    )
    asked = Asked(tuple(sources or ()), bucket, prefix, choice, staged(stage, config), inventory)
    return carry_out(asked, event_id, general)


@app.command(
    epilog=examples(
        ("What came in the last three hours", "cncbops lake stats --stage john --from -3h"),
        ("Of some types, for a script", "cncbops lake stats s3://my-lake/my-stream/ --type 'thing-*' -o json"),
        ("As the book's metric lines", "cncbops lake stats s3://my-lake/my-stream/2023/11/22/ --metrics"),
    )
)
def stats(
    sources: shared.Sources = None,
    stage: shared.Stage = None,
    bucket: shared.Bucket = None,
    prefix: shared.Prefix = "",
    inventory: shared.Inventory = None,
    types: shared.Types = None,
    partition_keys: shared.PartitionKeys = None,
    shards: shared.Shards = None,
    from_time: shared.FromTime = None,
    to_time: shared.ToTime = None,
    filters: shared.Filters = None,
    limit: shared.Limit = None,
    line_format: shared.LineFormat = None,
    metrics: Annotated[
        bool,
        option("--metrics", help="Print the book's domain-event metric lines instead (MONITORING|...).", panel=FORM),
    ] = False,
    output: shared.OutputOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
    state_dir: shared.StateDir = None,
    region: shared.Region = None,
    profile: shared.Profile = None,
    role_arn: shared.RoleArn = None,
    endpoint_url: shared.EndpointUrl = None,
    config: shared.Config = None,
) -> int:
    """Count events: by type, source, region, shard and hour; rates, sizes, partition keys, repeated ids, gaps.

    Fault events are left out unless a --type matches them, as in a replay. Ctrl-C shows what was counted so far.
    """
    from ._lake import Asked
    from ._lake_stats import carry_out
    from ._requests import Choice
    from ._staged import staged

    choice = Choice.typed(types, partition_keys, shards, from_time, to_time, filters, limit, line_format)
    general = shared.General(
        output is shared.Output.json, quiet, verbose, state_dir, False, region, profile, role_arn, endpoint_url
    )
    return carry_out(
        Asked(tuple(sources or ()), bucket, prefix, choice, staged(stage, config), inventory), general, metrics=metrics
    )


COMPARISON = "What is compared"

Lake = Annotated[
    str,
    typer.Argument(
        metavar="LAKE", help="s3://bucket/prefix, or a local folder; left out with --stage.", show_default=False
    ),
]
LakeInventory = Annotated[
    str | None,
    option(
        "--inventory", metavar="URI", help="List LAKE from this S3 Inventory (s3://…/manifest.json), in place of calls."
    ),
]
Recovery = Annotated[
    str | None,
    typer.Argument(
        metavar="RECOVERY", help="Its copy; prefixes may differ, what comes after them is compared.", show_default=False
    ),
]


@app.command(
    epilog=examples(
        ("The whole lake", "cncbops lake verify s3://my-lake/ s3://my-lake-copy/ --recovery-region us-west-2"),
        (
            "Since yesterday, in an account that a role reads",
            "cncbops lake verify s3://my-lake/ s3://my-lake-copy/ --from -1d --lag 15m "
            "--recovery-role-arn arn:aws:iam::123456789012:role/auditor",
        ),
        ("Every difference, for a script", "cncbops lake verify s3://my-lake/ s3://my-lake-copy/ --all -o json"),
    )
)
def verify(
    lake: Lake,
    recovery: Recovery = None,
    stage: shared.Stage = None,
    inventory: LakeInventory = None,
    from_time: Annotated[
        str | None,
        option(
            "--from",
            help="Objects that may hold events from this time on, as their keys tell.",
            panel=COMPARISON,
            callback=moment,
        ),
    ] = None,
    to_time: Annotated[
        str | None,
        option("--to", help="Objects that may hold events before this time.", panel=COMPARISON, callback=moment),
    ] = None,
    lag: Annotated[
        str | None,
        option("--lag", help="What is younger may still lack a copy: 15m, 1h.", panel=COMPARISON, callback=duration),
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
    config: shared.Config = None,
) -> int:
    """Compare a lake with its disaster-recovery copy: exit code 0 if that holds the same, 3 if not."""
    from ._lake_verify import Asked, Reached, carry_out
    from ._staged import staged

    general = shared.General(
        output is shared.Output.json, quiet, verbose, state_dir, False, region, profile, role_arn, endpoint_url
    )
    reached = Reached(recovery_region, recovery_profile, recovery_role_arn, recovery_endpoint_url)
    asked = Asked(lake, recovery, reached, from_time, to_time, lag, deep, show_all, staged(stage, config), inventory)
    return carry_out(asked, general)
