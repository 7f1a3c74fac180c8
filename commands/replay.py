"""`cncbops replay`: events of a data lake to one function, as Kinesis records.

This file declares the options and no more, so that help and completion load no AWS library;
`_replaying` does the rest.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from . import _options as shared
from ._examples import examples
from ._options import option

app = typer.Typer(add_completion=False)


class Format(StrEnum):
    """The line formats by name: the keys of `cncbops.formats.families.BY_NAME`."""

    envelope = "envelope"
    eventbridge = "eventbridge"
    raw = "raw"
    firehose_error = "firehose-error"


CHOICE = "Which events"


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
            "A plan that somebody else looks at, then exactly that",
            "cncbops replay s3://my-lake/my-stream/ -f my-listener --from -1d --save-plan night.plan",
        ),
        ("Exactly what that plan says", "cncbops replay --plan night.plan --execute"),
    )
)
def replay(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE...",
            help="s3://bucket/prefix, a local file or folder, or - for a list of them on standard input.",
            show_default=False,
        ),
    ] = None,
    function: Annotated[str | None, option("--function", "-f", help="The function: a name, name:alias or ARN.")] = None,
    bucket: shared.Bucket = None,
    prefix: shared.Prefix = "",
    types: Annotated[
        list[str] | None,
        option("--type", "-t", help="Event type, or a glob such as 'thing-*'; repeatable.", panel=CHOICE),
    ] = None,
    partition_keys: Annotated[
        list[str] | None, option("--partition-key", help="Only this partition key; repeatable.", panel=CHOICE)
    ] = None,
    shards: Annotated[
        list[str] | None,
        option("--shard", help="Only this shard, as id or number; repeatable.", panel=CHOICE),
    ] = None,
    from_time: Annotated[
        str | None,
        option("--from", help="Events from this time on: 2023-11-22T09:00Z, 2023-11-22, -3h.", panel=CHOICE),
    ] = None,
    to_time: Annotated[str | None, option("--to", help="Events before this time.", panel=CHOICE)] = None,
    filters: Annotated[
        list[str] | None,
        option("--filter", help="A Lambda event filter pattern; repeatable, one has to match.", panel=CHOICE),
    ] = None,
    limit: Annotated[int | None, option("--limit", help="At most so many events.", panel=CHOICE, min=1)] = None,
    line_format: Annotated[
        Format | None,
        option("--format", help="The format of every line, instead of recognising it.", panel=CHOICE),
    ] = None,
    batch_size: shared.BatchSize = None,
    concurrency: shared.Concurrency = None,
    rate: shared.Rate = None,
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
        Path | None, option("--save-plan", help="Write the plan to this file.", panel=shared.RUNS, dir_okay=False)
    ] = None,
    plan: Annotated[
        Path | None,
        option(
            "--plan", help="Do what this file plans, unless lake or function moved.", panel=shared.RUNS, dir_okay=False
        ),
    ] = None,
    resume: Annotated[
        str | None, option("--resume", help="Go on with this run, as `cncbops runs resume` does.", panel=shared.RUNS)
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
) -> int:
    """Send chosen events of a data lake to one function, as the Kinesis records it expects.

    A dry-run unless --execute is given: it reads, selects and batches as the run would, and shows
    the plan.
    """
    from ._replaying import Replaying, carry_out
    from ._requests import Asked, Choice, Delivery, SafetyStops

    choice = Choice(
        types=tuple(types or ()),
        partition_keys=tuple(partition_keys or ()),
        shards=tuple(shards or ()),
        from_time=from_time,
        to_time=to_time,
        filters=tuple(filters or ()),
        limit=limit,
        line_format=line_format.value if line_format else None,
    )
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
        output is shared.Output.json, quiet, verbose, state_dir, execute, region, profile, role_arn, endpoint_url
    )
    safety = SafetyStops(max_failures, max_duration, tuple(stop_on_alarm or ()), canary)
    asked = Asked(tuple(sources or ()), function, bucket, prefix, choice, delivery, safety, stream_arn)
    return carry_out(Replaying(asked, plan, resume, save_plan, again, show_payload, report, workers), general)
