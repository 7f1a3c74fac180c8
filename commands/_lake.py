"""What the commands of `cncbops lake` have in common: who reads, and what is told of how that went."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec import structs

from cncbops.aws import Aws
from cncbops.inspection.reading import Counts, LakeReader, Wanted
from cncbops.inventory.listed import listed_from
from cncbops.lake.layout import TimeWindow
from cncbops.lake.listing import LISTERS
from cncbops.lake.sources import S3Source, Source
from cncbops.lake.visits import OBJECTS_AHEAD, Meet
from cncbops.reports.summary import EXIT_CODES

from ._access import access_of
from ._flow import say
from ._inventory import read_inventory
from ._options import General
from ._reading_view import show_flaws
from ._requests import Choice, sources_of
from ._screen import Screen
from ._staged import Staged, lake_of, told_names
from ._words import number, visible

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FLAWED = EXIT_CODES["partial"]


@dataclass(frozen=True)
class Asked:
    """Which events of which sources, as typed."""

    sources: tuple[str, ...]
    bucket: str | None
    prefix: str
    choice: Choice
    stage: Staged | None = None
    inventory: str | None = None

    def wanted(self) -> Wanted:
        """The choice as the engine takes it. Raises BadInput."""
        return Wanted(self.choice.selection(), self.choice.family, self.choice.limit)

    def found(self, general: General, screen: Screen) -> tuple[Source, ...]:
        """The sources as the engine takes them; not typed, those of the stage. Raises CncbopsError."""
        sources, prefix = self.sources, self.prefix
        if self.stage:
            names = self.stage.names(general)
            sources, prefix = lake_of(names, sources, self.bucket, prefix)
            told_names(names, screen)
        return listed_from(sources_of(sources, self.bucket, prefix, screen), self.inventory)


@dataclass(frozen=True)
class Opened:
    """Sources as the engine takes them, with what lists and reads those in S3; `inventory` as data, if there is one."""

    sources: Sequence[Source]
    s3: "S3Client | None"
    inventory: Mapping[str, Any] | None

    @property
    def facts(self) -> dict[str, Any]:
        """What a document says of them."""
        return {"source": [source.uri for source in self.sources], "inventory": self.inventory}


def opened(asked: Asked, window: TimeWindow, general: General, screen: Screen) -> Opened:
    """The sources, ready to be listed for a window. Raises BadInput, CannotRun."""
    sources = asked.found(general, screen)
    in_s3 = any(isinstance(source, S3Source) for source in sources)
    s3 = Aws(access_of(general, {})).s3(OBJECTS_AHEAD + LISTERS) if in_s3 else None
    return Opened(sources, s3, read_inventory(sources, s3, window, screen).facts)


def reader_of(
    asked: Asked,
    wanted: Wanted,
    general: General,
    screen: Screen,
    meet: Meet | None = None,
    stop: threading.Event | None = None,
) -> tuple[LakeReader, Opened]:
    """Who reads what is wanted until `stop`, and whereof; `meet` is told of each object. Raises BadInput, CannotRun."""
    place = opened(asked, wanted.selection.window, general, screen)
    return LakeReader(place.sources, wanted, place.s3, meet, stop), place


def show_reading(screen: Screen, counts: Counts) -> int:
    """Tell people how reading went, and what went wrong unless they want to hear nothing; the exit code."""
    if screen.shows_text:
        say(screen.err, _counted(counts))
    if not screen.quiet:
        show_flaws(screen.err, counts.flaws, visible(failures_of(counts)))
    return FLAWED if counts.flaws else 0


def failures_of(counts: Counts) -> list[dict[str, Any]]:
    """What went wrong by name, as data; not yet fit for a terminal."""
    return [structs.asdict(failure) for failure in counts.failures]


def _counted(counts: Counts) -> str:
    objects = counts.objects
    parts = [
        f"{number(counts.matched, 'event')} of {counts.read:,} read",
        f"{number(counts.faults, 'fault event')} left out" if counts.faults else "",
        number(counts.malformed, "malformed line") if counts.malformed else "",
        f"{number(objects.read, 'object')} read",
        f"{objects.skipped:,} skipped" if objects.skipped else "",
        f"{objects.failed:,} not readable" if objects.failed else "",
    ]
    return ", ".join(filter(None, parts))
