"""Lakes that hold events more than once, as streams deliver at least once; each copy tells which one it is."""

import json
import random
from collections.abc import Iterable

from tests.e2e import lakes

Event = tuple[str, bytes]


def copy_of(event: bytes, number: int, padding: int = 0) -> bytes:
    """A copy of an event: the same but for its number."""
    return event.replace(b'"thing":', b'"copy":%d,"padding":"%b","thing":' % (number, b"x" * padding), 1)


def with_copies(n_events: int, n_keys: int, *, seed: int, padding: int = 0) -> list[Event]:
    """Events in the order of a lake, each up to three times, its copies anywhere behind it."""
    chance = random.Random(seed)
    found: list[tuple[float, Event]] = []
    for number, (key, event) in enumerate(lakes.make_events(n_events, n_keys, seed=seed)):
        at: float = number
        for copy in range(chance.choice([1, 1, 2, 3])):
            found.append((at, (key, copy_of(event, copy, padding))))
            at += chance.random() * n_events / 2
    return [event for _, event in sorted(found, key=lambda each: each[0])]


def firsts(events: Iterable[Event]) -> list[Event]:
    """The first event of each id, in order."""
    found: dict[str, Event] = {}
    for key, event in events:
        found.setdefault(json.loads(event)["id"], (key, event))
    return list(found.values())
