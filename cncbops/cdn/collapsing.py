"""Many paths under one folder become one wildcard: cheaper to send, and it clears what was not named, too."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cncbops.cdn.paths import distinct, is_tag


def collapsing(items: Sequence[str], most: int) -> list[str]:
    """The wildcards to take instead where more than `most` items lie under one folder, at any depth.

    The deepest folders come first: what has become one wildcard counts as one for the folders above. The root,
    which is all of the distribution, is none of them.
    """
    below: Counter[str] = Counter()
    for item in items:
        below.update(_folders(item))
    taken: set[str] = set()
    for folder in sorted(below, key=lambda folder: -folder.count("/")):
        if below[folder] > most:
            taken.add(folder)
            below.subtract(dict.fromkeys(_folders(folder[:-1]), below[folder] - 1))
    return [f"{folder}*" for folder in sorted(taken) if taken.isdisjoint(_folders(folder[:-1]))]


def _folders(item: str) -> Iterator[str]:
    """The folders that an item lies under, without the root; of a query string the slashes are none of theirs."""
    path = "" if is_tag(item) else item.partition("?")[0]
    at = path.find("/", 1)
    while at >= 0:
        yield path[: at + 1]
        at = path.find("/", at + 1)


@dataclass(frozen=True, slots=True)
class Reduced:
    """What is left to be sent of what was given, in order, and what became of the rest.

    `covered` and `collapsed` count by wildcard what it stands for; `before` is how many items there were before
    any were collapsed.
    """

    items: Sequence[str]
    duplicates: int
    covered: Mapping[str, int]
    collapsed: Mapping[str, int]
    before: int


def reduced(given: Sequence[str], most: int | None) -> Reduced:
    """Without what says nothing new; where `most` is given, with a wildcard for more than that under one folder."""
    once = distinct(given)
    wildcards = [] if most is None else collapsing(once.items, most)
    items = distinct([*once.items, *wildcards])
    return Reduced(items.items, once.duplicates, once.covered, items.covered, len(once.items))
