"""The options that commands share, each with its environment variable `CNCBOPS_<OPTION>`."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer


def option(*flags: str, help: str, panel: str | None = None, **more: Any) -> Any:
    """An option that can also come from the environment, under its first long name."""
    name = next(flag for flag in flags if flag.startswith("--")).split("/")[0]
    envvar = "CNCBOPS_" + name.removeprefix("--").replace("-", "_").upper()
    return typer.Option(*flags, help=help, envvar=envvar, show_envvar=False, rich_help_panel=panel, **more)


class Output(StrEnum):
    """The two voices."""

    text = "text"
    json = "json"


AWS = "AWS"
GENERAL = "General"

Region = Annotated[str | None, option("--region", "-r", help="AWS region.", panel=AWS)]
Profile = Annotated[str | None, option("--profile", help="AWS profile.", panel=AWS)]
RoleArn = Annotated[str | None, option("--role-arn", help="IAM role to work under.", panel=AWS)]
EndpointUrl = Annotated[str | None, option("--endpoint-url", help="Send AWS calls there.", panel=AWS)]

Execute = Annotated[bool, option("--execute/--dry-run", help="Do it, instead of only showing the plan.", panel=GENERAL)]
OutputOption = Annotated[
    Output, option("--output", "-o", help="For people, or one JSON document on stdout.", panel=GENERAL)
]
Quiet = Annotated[bool, option("--quiet", "-q", help="Say nothing but errors.", panel=GENERAL)]
Verbose = Annotated[
    bool, option("--verbose", "-v", help="Name each problem at once; tracebacks on errors.", panel=GENERAL)
]
StateDir = Annotated[
    Path | None, option("--state-dir", help="Where runs leave their records.", panel=GENERAL, file_okay=False)
]


@dataclass(frozen=True)
class General:
    """The shared options of one command line."""

    execute: bool
    json: bool
    quiet: bool
    verbose: bool
    state_dir: Path | None
    region: str | None
    profile: str | None
    role_arn: str | None
    endpoint_url: str | None
