"""What a stage stands for in a policy: names that its table tells, and any where a stack would have to tell."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cncbops.book import Name
from cncbops.config.names import names_in
from cncbops.policy.named import ANY, Named
from cncbops.stage import Stage
from cncbops.watched import NAMES, Watched

from ._configured import configured


@dataclass(frozen=True)
class Staged:
    """A stage whose stacks are not asked. `firsts`: of the names of a thing no more than the first is wanted."""

    stage: Stage
    firsts: bool = False

    def names(self, what: str, region: str) -> tuple[str, ...]:
        """The names that a thing may have: ANY where a stack of the region tells."""
        return tuple(dict.fromkeys(_told(name, region) for name in self._of(what, region)))

    def watched(self, region: str, fields: Iterable[str] = NAMES) -> Watched:
        """What is watched in a region, by these fields."""
        return Watched.of({field: self.names(field, region) for field in fields})

    def asking(self, named: Named, things: Sequence[str], region: str) -> Named:
        """With the stacks of a region that are asked for these things."""
        asked = [name for what in things for name in self._of(what, region) if name.stack]
        return replace(
            named,
            stacks=_each_once(named.stacks, ((region, str(name.stack)) for name in asked if not name.resource)),
            resources=_each_once(named.resources, ((region, str(name.stack)) for name in asked if name.resource)),
        )

    def _of(self, what: str, region: str) -> Iterator[Name]:
        return (name.at(self.stage.name, region) for name in self.stage.table[what][: 1 if self.firsts else None])


def staged(params: Mapping[str, Any]) -> Staged | None:
    """The stage that options name, if they do. Raises BadInput."""
    if not params.get("stage"):
        return None
    return Staged(Stage(params["stage"], names_in(configured(params.get("config")))))


def _told(name: Name, region: str) -> str:
    """The name that a text tells, if the region in it is known."""
    is_known = name.text is not None and not (region == ANY and ANY in name.text)
    return str(name.text) if is_known else ANY


def _each_once(some: Iterable[tuple[str, str]], more: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys([*some, *more]))
