"""What makes two replays the same but for their time: whether one may send again what another sent."""

import hashlib
import json
import os
from collections.abc import Iterable
from urllib.parse import quote

from msgspec import Struct

from cncbops.faults.sources import stored
from cncbops.lake.sources import S3Source, Source, extent_of, without_overlaps
from cncbops.queues.source import QueueSource
from cncbops.request import ReplayRequest, Request, ResubmitRequest


class Likeness(Struct, frozen=True):
    """What two replays have in common that send the same events to the same function, but for their window.

    `key` is the SHA-256 of function and selection. `sources` are such that one lies inside another if it
    starts with it: absolute, links resolved. The window is in ms since the epoch, None where it is open.
    """

    key: str
    sources: tuple[str, ...]
    start_ms: int | None
    end_ms: int | None

    def overlaps(self, other: "Likeness") -> bool:
        """Whether both may send some event of the lake."""
        together = _begins_before_end(self, other) and _begins_before_end(other, self)
        return self.key == other.key and together and _any_inside(self.sources, other.sources)


def likeness(request: ReplayRequest, *, account: str | None, region: str, endpoint_url: str | None) -> Likeness:
    """The likeness of a request; account and region are those in force where its function names none."""
    function, selection = request.function, request.selection
    facts = {
        "account": function.account or account,
        "region": function.region or region,
        "endpoint_url": endpoint_url,
        "function": [function.name, function.qualifier or "$LATEST"],
        "types": sorted(set(selection.types)),
        "partition_keys": sorted(selection.partition_keys),
        "shards": sorted(selection.shards),
        "filters": sorted({pattern.text for pattern in selection.filters.patterns}),
        "family": request.family.name if request.family else None,
    }
    key = hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    return Likeness(key, _places(request), selection.window.start_ms, selection.window.end_ms)


def likeness_of_faults(request: ResubmitRequest, *, region: str, endpoint_url: str | None) -> Likeness:
    """The likeness of resubmits: what each chooses does not matter, as they remember each fault by itself."""
    facts = json.dumps(["resubmit", region, endpoint_url])
    return Likeness(hashlib.sha256(facts.encode()).hexdigest(), _places(request), None, None)


def _places(request: Request) -> tuple[str, ...]:
    kept, _ = without_overlaps(stored(request.sources))
    queues = {f"{source.uri}/" for source in request.sources if isinstance(source, QueueSource)}
    return tuple(sorted([*map(_place, kept), *queues]))


def _place(source: Source) -> str:
    """A source's extent as text: percent-encoding keeps what starts with what."""
    extent = extent_of(source)
    return extent if isinstance(source, S3Source) else "file://" + quote(os.fsencode(extent))


def _begins_before_end(one: Likeness, other: Likeness) -> bool:
    return one.start_ms is None or other.end_ms is None or one.start_ms < other.end_ms


def _any_inside(some: Iterable[str], others: Iterable[str]) -> bool:
    """Whether an extent of one side equals, lies inside or contains one of the other.

    Sorted, all that lies inside an extent follows right behind it: the last that lies in no other of its
    side is the only one that can hold the next.
    """
    covers: dict[bool, str] = {}
    for extent, side in sorted([*((each, False) for each in some), *((each, True) for each in others)]):
        if (not side) in covers and extent.startswith(covers[not side]):
            return True
        if side not in covers or not extent.startswith(covers[side]):
            covers[side] = extent
    return False
