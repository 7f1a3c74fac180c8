"""The options that name what is watched in each region; health and failover share them."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from ._options import option

WATCHED = "What is watched: VALUE in every region, or REGION=VALUE; repeatable"

FLAGS = {
    "checks": "--check",
    "alarms": "--alarm",
    "health_checks": "--health-check",
    "tables": "--table",
    "streams": "--stream",
    "functions": "--function",
    "queues": "--queue",
    "faults": "--faults",
    "check_functions": "--check-function",
}
"""The option for each field of `cncbops.watched.Watched`, and key of `cncbops.toml`."""


def _names(field: str, metavar: str, help: str) -> Any:
    return option(FLAGS[field], metavar=metavar, help=help, panel=WATCHED)


Texts = list[str] | None

Checks = Annotated[Texts, _names("checks", "URL", "Check endpoint.")]
Alarms = Annotated[Texts, _names("alarms", "NAME|PREFIX*", "CloudWatch alarm, or all whose names begin like this.")]
HealthChecks = Annotated[Texts, _names("health_checks", "ID", "Health check of Route 53.")]
Tables = Annotated[Texts, _names("tables", "NAME", "Check table of DynamoDB.")]
Streams = Annotated[Texts, _names("streams", "NAME", "Kinesis stream.")]
Functions = Annotated[Texts, _names("functions", "NAME", "Function: iterator age, errors, throttles.")]
Queues = Annotated[Texts, _names("queues", "NAME|URL", "Dead-letter queue.")]
Faults = Annotated[Texts, _names("faults", "S3-URI", "Place of fault objects, s3://bucket/prefix.")]
CheckFunctions = Annotated[
    Texts, _names("check_functions", "NAME", "Function behind the check endpoint, which a failover switches.")
]
Regions = Annotated[
    list[str] | None,
    typer.Argument(metavar="REGION...", help="Regions to look at; else all that are named.", show_default=False),
]


def texts_of(**texts: Sequence[str] | None) -> dict[str, Sequence[str]]:
    """What was typed, by the fields of `Watched`."""
    return {field: values for field, values in texts.items() if values}
