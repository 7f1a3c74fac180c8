"""What `--stage` stands for in a command line: the names that were not typed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cncbops.aws import Aws
from cncbops.config.names import names_in

from ._access import access_of
from ._configured import configured
from ._options import General
from ._screen import Screen
from ._words import stage_in_words

if TYPE_CHECKING:
    from cncbops.stage import Names, Stage

Sources = tuple[tuple[str, ...], str]
"""SOURCEs and --prefix."""


@dataclass(frozen=True)
class Staged:
    """A stage as typed, and the file that may say where its names are found, if one was named."""

    name: str
    config: Path | None = None

    @property
    def known(self) -> "Stage":
        """The stage with the table of its names. Raises BadInput."""
        from cncbops.stage import Stage  # here: mostly there is no stage

        return Stage(self.name, names_in(configured(self.config)))

    def names(self, general: General) -> "Names":
        """Who looks its names up. Raises BadInput."""
        from cncbops.stage import Names

        return Names(self.known, Aws(access_of(general, {})))


def staged(stage: str | None, config: Path | None) -> Staged | None:
    """A stage, if one was typed."""
    return Staged(stage, config) if stage else None


def lake_of(names: "Names", sources: Sequence[str], bucket: str | None, prefix: str) -> Sources:
    """Where events are read from: as typed, else the stage's lake. Raises CncbopsError."""
    return (tuple(sources), prefix) if sources or bucket else ((names.lake(prefix),), "")


def faults_of(names: "Names", sources: Sequence[str], bucket: str | None, prefix: str) -> Sources:
    """Where faults are read from: as typed, else the stage's place of faults. Raises CncbopsError."""
    return (tuple(sources), prefix) if sources or bucket else ((names.faults(prefix),), "")


def told_names(names: "Names", screen: Screen, *, plans: bool = False) -> dict[str, Any] | None:
    """What a stage stood for, None if all was typed. People are told, unless a plan is going to show it."""
    facts = names.facts() if names.found else None
    if facts and not plans:
        screen.note(f"stage {stage_in_words(facts)}")
    return facts
