"""`cncbops faults`: what the stream processors set aside, and why. Read-only.

This file declares the options and no more; `_faults` does the rest.
"""

from typing import Annotated

import typer

from . import _options as shared
from ._examples import examples
from ._groups import Group
from ._options import option

app = typer.Typer(
    add_completion=False,
    cls=Group,
    help="List faults, show one, and group them by cause.",
    epilog=examples(
        ("What fails, and how often", "cncbops faults stats --stage john --from -1d"),
        ("One of them, with its event", "cncbops faults show s3://my-faults/ --error 'TypeError*'"),
    ),
)

Sources = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE...",
        help="s3://bucket/prefix, sqs://QUEUE, a local file or folder, or - for a list of them on standard input.",
        show_default=False,
    ),
]
Places = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE...",
        help="As for `ls`; or one PLACE as `ls` and `stats` write it, such as s3://bucket/key:12.",
        show_default=False,
    ),
]


@app.command(
    epilog=examples(
        ("The first twenty of today", "cncbops faults ls s3://my-faults/ --from -1d --limit 20"),
        (
            "Those of some functions in a queue, for a script",
            "cncbops faults ls sqs://my-dlq --only-function 'my-*' -o json",
        ),
    )
)
def ls(
    sources: Sources = None,
    stage: shared.Stage = None,
    bucket: shared.Bucket = None,
    prefix: shared.Prefix = "",
    inventory: shared.Inventory = None,
    only_function: shared.OnlyFunction = None,
    error: shared.Error = None,
    types: shared.FaultType = None,
    pipeline: shared.Pipeline = None,
    from_time: shared.FaultFrom = None,
    to_time: shared.FaultTo = None,
    group: shared.Group = None,
    limit: Annotated[int | None, option("--limit", help="At most so many.", panel=shared.FAULTS, min=1)] = None,
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
    """List faults, a line each: time, function, error, and where it lies. With -o json, JSON lines."""
    from ._faults import carry_out_ls
    from ._faults_asked import Choice
    from ._staged import staged

    choice = Choice(
        sources, bucket, prefix, only_function, error, types, pipeline, group, from_time, to_time, inventory
    )
    general = shared.General(
        output is shared.Output.json, quiet, verbose, state_dir, False, region, profile, role_arn, endpoint_url
    )
    return carry_out_ls(choice, staged(stage, config), limit, general)


@app.command(
    epilog=examples(
        ("What failed since yesterday, the largest group first", "cncbops faults stats s3://my-faults/ --from -1d"),
        (
            "One function, faults kept in the lake",
            "cncbops faults stats s3://my-lake/my-stream/ --only-function my-listener",
        ),
    )
)
def stats(
    sources: Sources = None,
    stage: shared.Stage = None,
    bucket: shared.Bucket = None,
    prefix: shared.Prefix = "",
    inventory: shared.Inventory = None,
    only_function: shared.OnlyFunction = None,
    error: shared.Error = None,
    types: shared.FaultType = None,
    pipeline: shared.Pipeline = None,
    from_time: shared.FaultFrom = None,
    to_time: shared.FaultTo = None,
    group: shared.Group = None,
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
    """Group faults by function, pipeline, error and shape of the message, the largest group first."""
    from ._faults import carry_out_stats
    from ._faults_asked import Choice
    from ._staged import staged

    choice = Choice(
        sources, bucket, prefix, only_function, error, types, pipeline, group, from_time, to_time, inventory
    )
    general = shared.General(
        output is shared.Output.json, quiet, verbose, state_dir, False, region, profile, role_arn, endpoint_url
    )
    return carry_out_stats(choice, staged(stage, config), general)


@app.command(
    epilog=examples(
        (
            "A fault by its place, as `ls` and `stats` write it",
            "cncbops faults show s3://my-faults/2023/11/22/09/part-1.gz:12",
        ),
        ("The first of a group", "cncbops faults show s3://my-faults/ --group 3f9c2ab41d07"),
        ("By its id, with what looks like a secret", "cncbops faults show s3://my-faults/ --id 3a5b1c --show-payload"),
    )
)
def show(
    sources: Places = None,
    stage: shared.Stage = None,
    bucket: shared.Bucket = None,
    prefix: shared.Prefix = "",
    fault_id: Annotated[str | None, option("--id", help="The fault with this id.", panel=shared.FAULTS)] = None,
    line: Annotated[int | None, option("--line", help="The fault on this line.", panel=shared.FAULTS, min=1)] = None,
    only_function: shared.OnlyFunction = None,
    error: shared.Error = None,
    types: shared.FaultType = None,
    pipeline: shared.Pipeline = None,
    from_time: shared.FaultFrom = None,
    to_time: shared.FaultTo = None,
    group: shared.Group = None,
    show_payload: Annotated[
        bool, option("--show-payload", help="Show fields that look like secrets, too.", panel=shared.GENERAL)
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
    """Show the first fault that fits: its error, its stack and its event."""
    from ._faults import carry_out_show
    from ._faults_asked import Choice
    from ._staged import staged

    choice = Choice(sources, bucket, prefix, only_function, error, types, pipeline, group, from_time, to_time)
    general = shared.General(
        output is shared.Output.json, quiet, verbose, state_dir, False, region, profile, role_arn, endpoint_url
    )
    return carry_out_show(choice, staged(stage, config), fault_id, line, general, show_payload=show_payload)
