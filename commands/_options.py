"""The options that commands share, each with its environment variable `CNCBOPS_<OPTION>`."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ._forms import duration, limit_of_failures, moment


def option(*flags: str, help: str, panel: str | None = None, also: Sequence[str] = (), **more: Any) -> Any:
    """An option that can also come from the environment, under its first long name or as `also` says."""
    name = next(flag for flag in flags if flag.startswith("--")).split("/")[0]
    own = "CNCBOPS_" + name.removeprefix("--").replace("-", "_").upper()
    return typer.Option(*flags, help=help, envvar=[own, *also], show_envvar=False, rich_help_panel=panel, **more)


class Output(StrEnum):
    """The two voices."""

    text = "text"
    json = "json"


AWS = "AWS"
GENERAL = "General"

# boto3 itself knows AWS_DEFAULT_REGION only; the other SDKs and Lambda know this one.
Region = Annotated[str | None, option("--region", "-r", help="AWS region.", panel=AWS, also=["AWS_REGION"])]
Profile = Annotated[str | None, option("--profile", help="AWS profile.", panel=AWS)]
RoleArn = Annotated[str | None, option("--role-arn", help="IAM role to work under.", panel=AWS)]
SourceRoleArn = Annotated[
    str | None,
    option("--source-role-arn", help="IAM role to read SOURCE under, where that is in another account.", panel=AWS),
]
EndpointUrl = Annotated[str | None, option("--endpoint-url", help="Send AWS calls there.", panel=AWS)]
Stage = Annotated[
    str | None,
    option("--stage", metavar="NAME", help="Names not typed are as the stacks of this stage tell."),
]

Execute = Annotated[bool, option("--execute/--dry-run", help="Do it, instead of only showing the plan.", panel=GENERAL)]
OutputOption = Annotated[
    Output, option("--output", "-o", help="For people, or one JSON document on stdout.", panel=GENERAL)
]
LinesOption = Annotated[Output, option("--output", "-o", help="For people, or JSON lines on stdout.", panel=GENERAL)]
Quiet = Annotated[bool, option("--quiet", "-q", help="Say nothing but errors.", panel=GENERAL)]
Verbose = Annotated[bool, option("--verbose", "-v", help="Show the traceback of an error.", panel=GENERAL)]
StateDir = Annotated[
    Path | None, option("--state-dir", help="Where runs leave their records.", panel=GENERAL, file_okay=False)
]
Use = Annotated[
    str | None,
    option(
        "--use",
        metavar="PROFILE",
        help="Options not typed are as this profile of cncbops.toml says.",
        panel=GENERAL,
        is_eager=True,
    ),
]
Config = Annotated[
    Path | None,
    option(
        "--config",
        metavar="FILE",
        help="Read this file, in place of the nearest cncbops.toml and the user's own.",
        panel=GENERAL,
        dir_okay=False,
        is_eager=True,
    ),
]


def _require_form(path: Path | None) -> Path | None:
    """A report's file, refused before anything is done if its name says no form."""
    if path and path.suffix.lower() not in (".csv", ".jsonl"):
        raise typer.BadParameter("let it end with .csv or .jsonl")
    return path


SAFETY = "Safety stops"

MaxFailures = Annotated[
    str | None,
    option(
        "--max-failures",
        help="Stop after more failed records: 20, or 5% of them (the default).",
        panel=SAFETY,
        callback=limit_of_failures,
    ),
]
MaxDuration = Annotated[
    str | None, option("--max-duration", help="Stop after 90s, 30m, 1h30m.", panel=SAFETY, callback=duration)
]
StopOnAlarm = Annotated[
    list[str] | None,
    option("--stop-on-alarm", help="Stop while this CloudWatch alarm is in ALARM; repeatable.", panel=SAFETY),
]
Canary = Annotated[
    int | None,
    option("--canary", help="Send so many records first; go on only if all succeed.", panel=SAFETY, min=1),
]
Report = Annotated[
    Path | None,
    option(
        "--report",
        help="Write objects and failures of the run to FILE.csv or FILE.jsonl.",
        panel=GENERAL,
        dir_okay=False,
        callback=_require_form,
    ),
]


class OnUnknown(StrEnum):
    """What to do with records whose answer was lost."""

    retry = "retry"
    fail = "fail"


class Format(StrEnum):
    """The line formats by name: the keys of `cncbops.formats.families.BY_NAME`."""

    envelope = "envelope"
    eventbridge = "eventbridge"
    raw = "raw"
    firehose_error = "firehose-error"


CHOICE, DELIVERY, RUNS, FAULTS, WHERETO = (
    "Which events",
    "How they are sent",
    "Plans and runs",
    "Which faults",
    "To which functions",
)

Sources = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE...",
        help="s3://bucket/prefix, a local file or folder, or - for a list of them on standard input.",
        show_default=False,
    ),
]
Bucket = Annotated[str | None, option("--bucket", "-b", help="Bucket to read, in place of SOURCE.")]
Prefix = Annotated[str, option("--prefix", "-p", help="Prefix in that bucket.")]

Inventory = Annotated[
    str | None,
    option(
        "--inventory",
        metavar="URI",
        help="List from this S3 Inventory (s3://…/manifest.json), in place of calls.",
    ),
]

Types = Annotated[
    list[str] | None,
    option("--type", "-t", help="Event type, or a glob such as 'thing-*'; repeatable.", panel=CHOICE),
]
PartitionKeys = Annotated[
    list[str] | None, option("--partition-key", help="Only this partition key; repeatable.", panel=CHOICE)
]
Shards = Annotated[
    list[str] | None, option("--shard", help="Only this shard, as id or number; repeatable.", panel=CHOICE)
]
FromTime = Annotated[
    str | None,
    option(
        "--from",
        help="Events from this time on: 2023-11-22T09:00Z, 2023-11-22, -3h.",
        panel=CHOICE,
        callback=moment,
    ),
]
ToTime = Annotated[str | None, option("--to", help="Events before this time.", panel=CHOICE, callback=moment)]
Filters = Annotated[
    list[str] | None,
    option("--filter", help="A Lambda event filter pattern; repeatable, one has to match.", panel=CHOICE),
]
Limit = Annotated[int | None, option("--limit", help="At most so many events.", panel=CHOICE, min=1)]
LineFormat = Annotated[
    Format | None,
    option("--format", help="The format of every line, instead of recognising it.", panel=CHOICE),
]

BatchSize = Annotated[
    int | None,
    option(
        "--batch-size",
        help="Records in an invocation; without it the event source mapping's, else 100.",
        panel=DELIVERY,
        min=1,
        max=10_000,
    ),
]
Concurrency = Annotated[
    int | None,
    option(
        "--concurrency",
        help="Invocations at a time; without it half of the reserved concurrency, else 16 (a cluster: 8 a worker).",
        panel=DELIVERY,
        min=1,
        max=1000,
    ),
]
Workers = Annotated[
    int | None,
    option("--workers", help="Processes to work in; without it as many as processors.", panel=DELIVERY, min=1, max=256),
]
ClusterAddress = Annotated[
    str | None,
    option(
        "--cluster",
        metavar="ADDRESS",
        help="Work on this Dask cluster: tcp://HOST:8786, tls://HOST:8786, or local:N.",
        panel=DELIVERY,
    ),
]
Rate = Annotated[float | None, option("--rate", help="At most so many events per second.", panel=DELIVERY, min=0.01)]
Asynchronous = Annotated[bool, option("--async/--sync", help="Queue invocations, or wait for each.", panel=DELIVERY)]
Ordered = Annotated[
    bool,
    option("--ordered/--unordered", help="Keep the order of each partition key, or not.", panel=DELIVERY),
]
MaxAttempts = Annotated[
    int | None,
    option(
        "--max-attempts",
        help="Tries of what fails; without it 3 where the function fails, 8 where the service does.",
        panel=DELIVERY,
        min=1,
    ),
]
Bisect = Annotated[
    bool,
    option("--bisect/--no-bisect", help="Halve a batch that fails until the culprit is found.", panel=DELIVERY),
]
OnUnknownOption = Annotated[
    OnUnknown,
    option("--on-unknown", help="Records whose answer was lost: send again, or set aside.", panel=DELIVERY),
]

OnlyFunction = Annotated[
    list[str] | None,
    option("--only-function", help="Of this function, or a glob; repeatable.", panel=FAULTS),
]
Error = Annotated[
    list[str] | None,
    option("--error", help="With this error name or message, or a glob; repeatable.", panel=FAULTS),
]
FaultType = Annotated[
    list[str] | None, option("--type", "-t", help="Of events of this type, or a glob; repeatable.", panel=FAULTS)
]
Pipeline = Annotated[
    list[str] | None, option("--pipeline", help="Of this pipeline, or a glob; repeatable.", panel=FAULTS)
]
FaultFrom = Annotated[
    str | None,
    option("--from", help="Raised from this time on: 2023-11-22T09:00Z, -3h.", panel=FAULTS, callback=moment),
]
FaultTo = Annotated[str | None, option("--to", help="Raised before this time.", panel=FAULTS, callback=moment)]
Group = Annotated[
    list[str] | None,
    option("--group", help="Of this group, by its fingerprint in `faults stats`; repeatable.", panel=FAULTS),
]

RECOVERY = "How the copy is reached, where not as the lake"

RecoveryRegion = Annotated[str | None, option("--recovery-region", help="AWS region of the copy.", panel=RECOVERY)]
RecoveryProfile = Annotated[str | None, option("--recovery-profile", help="AWS profile for it.", panel=RECOVERY)]
RecoveryRoleArn = Annotated[
    str | None, option("--recovery-role-arn", help="IAM role to read it under.", panel=RECOVERY)
]
RecoveryEndpointUrl = Annotated[
    str | None, option("--recovery-endpoint-url", help="Send AWS calls for it there.", panel=RECOVERY)
]


@dataclass(frozen=True)
class Local:
    """The shared options of a command that calls no AWS but its own."""

    json: bool
    quiet: bool
    verbose: bool
    state_dir: Path | None


@dataclass(frozen=True)
class General(Local):
    """The shared options of one command line."""

    execute: bool
    region: str | None
    profile: str | None
    role_arn: str | None
    endpoint_url: str | None
    source_role_arn: str | None = None
