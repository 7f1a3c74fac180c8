"""What the commands of `cncbops lake` have in common: who reads, and what is told of how that went."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.text import Text

from cncbops.aws import Aws
from cncbops.inspection.reading import Counts, LakeReader, Wanted
from cncbops.lake.listing import LISTERS
from cncbops.lake.sources import S3Source, Source
from cncbops.reports.summary import EXIT_CODES
from cncbops.visits import OBJECTS_AHEAD

from ._access import access_of
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
        return sources_of(sources, self.bucket, prefix, screen)


def lake_client(sources: Sequence[Source], general: General) -> "S3Client | None":
    """A client to list and read the sources with, where any of them is in S3."""
    in_s3 = any(isinstance(source, S3Source) for source in sources)
    return Aws(access_of(general, {})).s3(OBJECTS_AHEAD + LISTERS) if in_s3 else None


def reader_of(asked: Asked, general: General, screen: Screen) -> LakeReader:
    """Who reads what was asked for. Raises BadInput, CannotRun."""
    wanted, sources = asked.wanted(), asked.found(general, screen)
    return LakeReader(sources, wanted, lake_client(sources, general))


def show_reading(screen: Screen, counts: Counts) -> int:
    """Tell people how reading went, and what went wrong unless they want to hear nothing; the exit code."""
    if screen.shows_text:
        screen.err.print(Text(_counted(counts)), soft_wrap=True)
    if not screen.quiet:
        show_flaws(screen.err, counts.flaws, visible(failures_of(counts)))
    return FLAWED if counts.flaws else 0


def failures_of(counts: Counts) -> list[dict[str, Any]]:
    """What went wrong by name, as data; not yet fit for a terminal."""
    return [asdict(failure) for failure in counts.failures]


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
