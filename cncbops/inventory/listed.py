"""Sources that are listed from an S3 Inventory: which those are, and what is to be known of it.

What reads one is imported where there is one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast

from cncbops.errors import BadInput
from cncbops.lake.layout import TimeWindow
from cncbops.lake.sources import S3Source

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from cncbops.inventory.inventory import Inventory

Kind = TypeVar("Kind")


def listed_from(sources: Iterable[Kind], uri: str | None) -> tuple[Kind, ...]:
    """The sources, those in S3 to be listed from the inventory with this manifest, if one is given. Raises BadInput."""
    given = tuple(sources)
    if uri is None:
        return given
    from cncbops.inventory.manifest import place_of

    place_of(uri)
    if not any(isinstance(source, S3Source) for source in given):
        raise BadInput("--inventory without a source in S3", "Leave it out, or give s3://bucket/prefix")
    return tuple(
        cast(Kind, replace(source, inventory=uri)) if isinstance(source, S3Source) else source for source in given
    )


def listed_by_calls(sources: Iterable[Kind]) -> tuple[Kind, ...]:
    """The sources as they are listed without an inventory: what is new in them is wanted."""
    return tuple(
        cast(Kind, replace(source, inventory=None)) if isinstance(source, S3Source) else source for source in sources
    )


def inventory_in(sources: Iterable[object]) -> str | None:
    """The URI of the manifest that sources are listed from, None if they are listed by calls."""
    return next((source.inventory for source in sources if isinstance(source, S3Source) and source.inventory), None)


def inventory_for(sources: Sequence[object], s3: "S3Client | None") -> "tuple[Inventory, list[str]] | None":
    """The inventory that sources are listed from, and under which prefixes. Raises CncbopsError if it is of no use."""
    listed = [source for source in sources if isinstance(source, S3Source) and source.inventory]
    if not listed:
        return None
    from cncbops.inventory.inventory import inventory_of

    assert s3 is not None, "an S3 source needs a client"
    inventories = [inventory_of(source, s3) for source in listed]
    return inventories[0], [source.prefix for source in listed]


def facts_of(inventory: "Inventory") -> dict[str, Any]:
    """Which inventory it is, as data."""
    return {"manifest": inventory.manifest.uri, "created": _iso(inventory.created)}


def warnings_of(inventory: "Inventory", window: TimeWindow, now: datetime) -> list[str]:
    """What an operator must know of its age: objects that were stored since are not in it."""
    created = inventory.created
    told = f"Listed from an S3 Inventory of {_iso(created)}, {_age(now - created)} old: "
    warnings = [f"{told}what was stored since is not read."]
    if window.end_ms is not None and window.end_ms > created.timestamp() * 1000:
        end = _iso(datetime.fromtimestamp(window.end_ms / 1000, UTC))
        warnings.append(f"The time asked for ends at {end}, which that inventory does not reach.")
    return warnings


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def _age(age: timedelta) -> str:
    hours = max(round(age.total_seconds() / 3600), 0)
    return f"{hours} h" if hours < 72 else f"{age.days:,} days"
