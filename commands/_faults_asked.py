"""Which faults, as typed: what looking at them and sending their events again take alike."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from cncbops.faults.selection import FaultSelection, parse_groups
from cncbops.lake.layout import TimeWindow
from cncbops.selection.times import parse_window

from ._staged import faults_of

if TYPE_CHECKING:
    from cncbops.stage import Names

Texts = list[str] | None


@dataclass(frozen=True)
class Choice:
    """Which faults, as typed."""

    sources: Texts
    bucket: str | None
    prefix: str
    functions: Texts
    errors: Texts
    types: Texts
    pipelines: Texts
    groups: Texts
    from_time: str | None
    to_time: str | None
    inventory: str | None = None

    def named(self, names: "Names") -> Self:
        """The same with what was not typed as the stage has it. Raises CncbopsError."""
        sources, prefix = faults_of(names, self.sources or (), self.bucket, self.prefix)
        return replace(self, sources=list(sources), prefix=prefix)

    def selection(self) -> FaultSelection:
        """The choice as the engine takes it. Raises BadInput."""
        return FaultSelection(
            functions=tuple(self.functions or ()),
            errors=tuple(self.errors or ()),
            types=tuple(self.types or ()),
            pipelines=tuple(self.pipelines or ()),
            groups=parse_groups(self.groups or ()),
            window=TimeWindow(*parse_window(self.from_time, self.to_time, datetime.now(UTC))),
        )

    def options(self) -> Iterator[tuple[str, str]]:
        """What was typed beside sources and groups, to be typed again."""
        named = {
            "--only-function": self.functions,
            "--error": self.errors,
            "--type": self.types,
            "--pipeline": self.pipelines,
            "--from": [self.from_time] if self.from_time else [],
            "--to": [self.to_time] if self.to_time else [],
            "--inventory": [self.inventory] if self.inventory else [],
        }
        return ((name, value) for name, values in named.items() for value in values or ())
