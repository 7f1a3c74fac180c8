"""`cncbops replay`: events of a data lake to one function, as Kinesis records.

This file declares the options and no more, so that help and completion load no AWS library;
`_replaying` does the rest.
"""

from pathlib import Path
from typing import Annotated

import typer

from . import _options as shared
from ._examples import examples
from ._options import option

app = typer.Typer(add_completion=False)


@app.command(
    epilog=examples(
        (
            "What a replay of the last three hours would send",
            "cncbops replay s3://my-lake/my-stream/ -f my-listener --from -3h",
        ),
        (
            "Only some events, 50 a second, and ten of them first",
            "cncbops replay s3://my-lake/my-stream/ -f my-listener --type 'thing-*' "
            "--from 2023-11-22T09:00Z --to 2023-11-22T12:00Z --rate 50 --canary 10 --execute",
        ),
        (
            "A plan for others, by a stage, made on a Dask cluster",
            "cncbops replay --stage john --from -1d --cluster tcp://scheduler:8786 --save-plan night.plan",
        ),
        (
            "What has come since the last replay to a function",
            "cncbops replay --since-run last -f my-listener --execute",
        ),
    )
)
def replay(
    sources: shared.Sources = None,
    stage: shared.Stage = None,
    function: Annotated[str | None, option("--function", "-f", help="The function: a name, name:alias or ARN.")] = None,
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
    dedupe: Annotated[
        bool, option("--dedupe", help="Of events with the same id only the first in the lake.", panel=shared.CHOICE)
    ] = False,
    latest_per_key: Annotated[
        bool,
        option(
            "--latest-per-key",
            help="Only the newest event of each partition key; the lake is read once more beforehand.",
            panel=shared.CHOICE,
        ),
    ] = False,
    since_run: Annotated[
        str | None,
        option(
            "--since-run",
            help="Only what arrived after this replay, or the last; what is not given is as there.",
            metavar="RUN|last",
            panel=shared.CHOICE,
        ),
    ] = None,
    line_format: shared.LineFormat = None,
    batch_size: shared.BatchSize = None,
    concurrency: shared.Concurrency = None,
    rate: shared.Rate = None,
    cluster: shared.ClusterAddress = None,
    workers: shared.Workers = None,
    asynchronous: shared.Asynchronous = False,
    ordered: shared.Ordered = True,
    max_attempts: shared.MaxAttempts = None,
    bisect: shared.Bisect = True,
    on_unknown: shared.OnUnknownOption = shared.OnUnknown.retry,
    stream_arn: Annotated[
        str | None,
        option(
            "--stream-arn",
            help="The stream that records name; without it the mapping's, else rebuilt from the lake.",
            panel=shared.DELIVERY,
        ),
    ] = None,
    max_failures: shared.MaxFailures = None,
    max_duration: shared.MaxDuration = None,
    stop_on_alarm: shared.StopOnAlarm = None,
    canary: shared.Canary = None,
    save_plan: Annotated[
        Path | None,
        option(
            "--save-plan",
            help="Write the plan to this file, in place of what is there.",
            panel=shared.RUNS,
            dir_okay=False,
        ),
    ] = None,
    plan: Annotated[
        Path | None,
        option(
            "--plan",
            help="Do what this file plans, unless lake or function moved.",
            panel=shared.RUNS,
            dir_okay=False,
            is_eager=True,  # then files are not asked for what was said before
        ),
    ] = None,
    resume: Annotated[
        str | None,
        option(
            "--resume", help="Go on with this run, as `cncbops runs resume` does.", panel=shared.RUNS, is_eager=True
        ),
    ] = None,
    again: Annotated[
        bool, option("--again", help="Send also what an earlier run has sent.", panel=shared.RUNS)
    ] = False,
    report: shared.Report = None,
    show_payload: Annotated[
        bool, option("--show-payload", help="Show the first record's data in the plan.", panel=shared.GENERAL)
    ] = False,
    execute: shared.Execute = False,
    output: shared.OutputOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
    state_dir: shared.StateDir = None,
    region: shared.Region = None,
    profile: shared.Profile = None,
    role_arn: shared.RoleArn = None,
    endpoint_url: shared.EndpointUrl = None,
    source_role_arn: shared.SourceRoleArn = None,
    config: shared.Config = None,
) -> int:
    """Send chosen events of a data lake to one function, as the Kinesis records it expects.

    A dry-run unless --execute is given: it reads, selects and batches as the run would, and shows
    the plan.
    """
    from ._replaying import Replaying, carry_out
    from ._requests import Asked, Beyond, Choice, Delivery, SafetyStops
    from ._staged import staged
    from ._workplace import Workplace

    choice = Choice.typed(types, partition_keys, shards, from_time, to_time, filters, limit, line_format)
    delivery = Delivery(
        batch_size=batch_size,
        concurrency=concurrency,
        rate=rate,
        asynchronous=asynchronous,
        ordered=ordered,
        max_attempts=max_attempts,
        bisect=bisect,
        on_unknown=on_unknown.value,
    )
    general = shared.General(
        json=output is shared.Output.json,
        quiet=quiet,
        verbose=verbose,
        state_dir=state_dir,
        execute=execute,
        region=region,
        profile=profile,
        role_arn=role_arn,
        endpoint_url=endpoint_url,
        source_role_arn=source_role_arn,
    )
    safety = SafetyStops(max_failures, max_duration, tuple(stop_on_alarm or ()), canary)
    beyond, stands_for = Beyond(dedupe, latest_per_key, since_run), staged(stage, config)
    asked = Asked(
        sources=tuple(sources or ()),
        function=function,
        bucket=bucket,
        prefix=prefix,
        choice=choice,
        beyond=beyond,
        delivery=delivery,
        safety=safety,
        stream_arn=stream_arn,
        stage=stands_for,
        inventory=inventory,
    )
    at = Workplace(workers, cluster)
    return carry_out(Replaying(asked, plan, resume, save_plan, again, show_payload, report, at), general)
