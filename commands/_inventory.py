"""What `--inventory` adds to a command: the inventory is read before all else, and its age is told."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from cncbops.inventory.listed import facts_of, inventory_for, warnings_of
from cncbops.lake.layout import TimeWindow

from ._screen import Screen
from ._signals import leaving_at_once

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Told(Struct, frozen=True):
    """What is told of an inventory, if there is one: as data, and as warnings."""

    facts: Mapping[str, Any] | None = None
    warnings: Sequence[str] = ()


def read_inventory(
    sources: Sequence[object], s3: "S3Client | None", window: TimeWindow, screen: Screen, *, plans: bool = False
) -> Told:
    """Read the inventory that sources are listed from, if they are. Raises CncbopsError if it is of no use.

    People are told of its age, unless a plan is going to show it.
    """
    found = inventory_for(sources, s3)
    if found is None:
        return Told()
    from ._reading_view import reading_line

    assert s3 is not None
    inventory, prefixes = found
    told = Told(facts_of(inventory), warnings_of(inventory, window, datetime.now(UTC)))
    if not plans:
        for warning in told.warnings:
            screen.note(warning)
    line = reading_line(screen, lambda: f"inventory: {inventory.keys_read:,} keys read")
    with line, leaving_at_once(document=screen.broken_off):
        inventory.under(prefixes, s3)
    return told
