"""What moved since a plan was made: objects of the lake, the function, the terms that follow from it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby
from typing import Any

import msgspec

from cncbops.lake.objects import LakeObject
from cncbops.plans.plan_format import key_bytes

NAMES_SHOWN = 3


@dataclass
class Named:
    """How many objects, and the first few by name."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, lake_object: LakeObject) -> None:
        """Count an object."""
        self.count += 1
        if len(self.first) < NAMES_SHOWN:
            self.first.append(_on_one_line(lake_object.uri))

    def text(self, noun: str, singular: str, plural: str) -> str:
        """Such as `40 objects are new (a, b, c and 37 more)`."""
        more = f" and {self.count - len(self.first):,} more" if self.count > len(self.first) else ""
        return f"{self.count:,}{noun} {singular if self.count == 1 else plural} ({', '.join(self.first)}{more})"


@dataclass
class LakeDifference:
    """What became of a lake since the plan; false if nothing did."""

    changed: Named = field(default_factory=Named)
    gone: Named = field(default_factory=Named)
    new: Named = field(default_factory=Named)

    def __bool__(self) -> bool:
        return bool(self.changed.count or self.gone.count or self.new.count)

    def text(self) -> str:
        """All of it in one line."""
        clauses = (
            (self.changed, "changed", "changed"),
            (self.gone, "is gone", "are gone"),
            (self.new, "is new", "are new"),
        )
        parts: list[str] = []
        for named, singular, plural in clauses:
            if named.count:
                noun = "" if parts else " object" if named.count == 1 else " objects"
                parts.append(named.text(noun, singular, plural))
        return ", ".join(parts)


def lake_differences(
    planned: Iterable[tuple[int, LakeObject]], found: Iterable[tuple[int, LakeObject]]
) -> LakeDifference:
    """Compare objects, each with the index of its source; both sides in order of source and key as bytes.

    Nothing is kept of either side. An object changed if its ETag or size did.
    """
    difference = LakeDifference()
    sides = merge(((*each, "planned") for each in planned), ((*each, "found") for each in found), key=in_order)
    for _, group in groupby(sides, key=in_order):
        objects = {side: lake_object for _, lake_object, side in group}
        was, now = objects.get("planned"), objects.get("found")
        if was is None and now is not None:
            difference.new.add(now)
        elif was is not None and now is None:
            difference.gone.add(was)
        elif was is not None and now is not None and (was.etag, was.size) != (now.etag, now.size):
            difference.changed.add(now)
    return difference


def function_differences(
    planned: Mapping[str, Any], now: Mapping[str, Any], planned_terms: Mapping[str, Any], terms_now: Mapping[str, Any]
) -> list[str]:
    """What is different about the function, one line a fact, and about the terms, which it may give.

    All is frozen. A fact that is unknown on either side is not compared.
    """
    known = {name: value for name, value in planned.items() if value is not None and now.get(name) is not None}
    facts = [_moved(_FACTS.get(name, name), was, now[name]) for name, was in known.items() if was != now[name]]
    old, new = dict(_leaves(planned_terms)), dict(_leaves(terms_now))
    paths = [path for path in {**old, **new} if path not in _FOLLOW and old.get(path) != new.get(path)]
    return facts + [_moved(_TERMS.get(path, path), old.get(path), new.get(path)) for path in paths]


_FACTS = {
    "arn": "function",
    "code_sha256": "code (CodeSha256)",
    "last_modified": "last modified",
    "mapping_uuid": "event source mapping",
}
_TERMS = {
    "limits.records": "batch size",
    "limits.payload_bytes": "payload bytes",
    "policy.max_attempts": "attempts",
    "policy.partial_responses": "partial responses",
    "record_source.stream_arn": "stream",
    "record_source.region": "region",
    "mapping_filters": "filters of the event source mapping",
}
_FOLLOW = frozenset({"batch_size_from", "concurrency_from", "lanes", "record_source.role_arn", "record_source.account"})
"""Terms that are not compared: they follow from others, or from facts that may have been unknown."""


def _leaves(terms: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Each term by its path, such as `limits.records`."""
    for name, value in terms.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield above + name, value


def _moved(what: str, was: object, now: object) -> str:
    return f"{what} {_shown(was)} -> {_shown(now)}"


def _shown(value: object) -> str:
    """A value in a few characters: of a hash its head says enough."""
    if value is None:
        return "none"
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return _on_one_line(f"{text[:8]}…" if _HASH.fullmatch(text) else text)


_HASH = re.compile(r"[A-Za-z0-9+/]{43}=", re.ASCII)  # SHA-256 in base64, as Lambda gives it


def _on_one_line(text: str) -> str:
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def in_order(each: tuple[int, LakeObject, Any] | tuple[int, LakeObject]) -> tuple[int, bytes]:
    """What puts objects, each behind the index of its source, in the order of a listing."""
    return each[0], key_bytes(each[1].key)
