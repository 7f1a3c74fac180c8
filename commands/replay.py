"""`cncbops replay`: events of a data lake to one function, as Kinesis records.

This file declares the options and no more, so that help and completion load no AWS library;
`_replaying` does the rest.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from . import _options as shared
from ._options import option

app = typer.Typer(add_completion=False)


class Format(StrEnum):
    """The line formats by name: the keys of `cncbops.formats.families.BY_NAME`."""

    envelope = "envelope"
    eventbridge = "eventbridge"
    raw = "raw"
    firehose_error = "firehose-error"


class OnUnknown(StrEnum):
    """What to do with records whose answer was lost."""

    retry = "retry"
    fail = "fail"


CHOICE, DELIVERY, RUNS = "Which events", "How they are sent", "Plans and runs"


@app.command()
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
    bucket: Annotated[str | None, option("--bucket", "-b", help="Bucket of the lake, in place of SOURCE.")] = None,
    prefix: Annotated[str, option("--prefix", "-p", help="Prefix in that bucket.")] = "",
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
    batch_size: Annotated[
        int | None,
        option(
            "--batch-size",
            help="Records in an invocation; without it the event source mapping's, else 100.",
            panel=DELIVERY,
            min=1,
            max=10_000,
        ),
    ] = None,
    concurrency: Annotated[
        int | None,
        option(
            "--concurrency",
            help="Invocations at a time; without it half of the reserved concurrency, else 16.",
            panel=DELIVERY,
            min=1,
            max=1000,
        ),
    ] = None,
    rate: Annotated[
        float | None, option("--rate", help="At most so many events per second.", panel=DELIVERY, min=0.01)
    ] = None,
    asynchronous: Annotated[
        bool, option("--async/--sync", help="Queue invocations, or wait for each.", panel=DELIVERY)
    ] = False,
    ordered: Annotated[
        bool,
        option("--ordered/--unordered", help="Keep the order of each partition key, or not.", panel=DELIVERY),
    ] = True,
    max_attempts: Annotated[
        int | None,
        option(
            "--max-attempts",
            help="Tries of what fails; without it 3 where the function fails, 8 where the service does.",
            panel=DELIVERY,
            min=1,
        ),
    ] = None,
    bisect: Annotated[
        bool,
        option(
            "--bisect/--no-bisect",
            help="Halve a batch that fails until the culprit is found.",
            panel=DELIVERY,
        ),
    ] = True,
    on_unknown: Annotated[
        OnUnknown,
        option("--on-unknown", help="Records whose answer was lost: send again, or set aside.", panel=DELIVERY),
    ] = OnUnknown.retry,
    stream_arn: Annotated[
        str | None,
        option(
            "--stream-arn",
            help="The stream that records name; without it the mapping's, else rebuilt from the lake.",
            panel=DELIVERY,
        ),
    ] = None,
    max_failures: shared.MaxFailures = None,
    max_duration: shared.MaxDuration = None,
    stop_on_alarm: shared.StopOnAlarm = None,
    canary: shared.Canary = None,
    save_plan: Annotated[
        Path | None, option("--save-plan", help="Write the plan to this file.", panel=RUNS, dir_okay=False)
    ] = None,
    plan: Annotated[
        Path | None,
        option("--plan", help="Do what this file plans, unless lake or function moved.", panel=RUNS, dir_okay=False),
    ] = None,
    resume: Annotated[
        str | None, option("--resume", help="Go on with this run, as `cncbops runs resume` does.", panel=RUNS)
    ] = None,
    again: Annotated[bool, option("--again", help="Send also what an earlier run has sent.", panel=RUNS)] = False,
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
    return carry_out(Replaying(asked, plan, resume, save_plan, again, show_payload, report), general)
