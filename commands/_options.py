"""The options that commands share, each with its environment variable `CNCBOPS_<OPTION>`."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer


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
EndpointUrl = Annotated[str | None, option("--endpoint-url", help="Send AWS calls there.", panel=AWS)]

Execute = Annotated[bool, option("--execute/--dry-run", help="Do it, instead of only showing the plan.", panel=GENERAL)]
OutputOption = Annotated[
    Output, option("--output", "-o", help="For people, or one JSON document on stdout.", panel=GENERAL)
]
Quiet = Annotated[bool, option("--quiet", "-q", help="Say nothing but errors.", panel=GENERAL)]
Verbose = Annotated[bool, option("--verbose", "-v", help="Show the traceback of an error.", panel=GENERAL)]
StateDir = Annotated[
    Path | None, option("--state-dir", help="Where runs leave their records.", panel=GENERAL, file_okay=False)
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
