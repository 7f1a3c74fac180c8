"""What statistics look at of events, a list for each field: what is counted together is counted fast."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec

from cncbops.formats.event import Bytes, LakeEvent, mend_lone_surrogates, text
from cncbops.inspection.reading import Chunk
from cncbops.kinesis.synthesis import kept_shard
from cncbops.selection.selection import count_without_time, times_of


class _Tags(msgspec.Struct, gc=False):
    source: Any = None
    region: Any = None
    account: Any = None


class _Tagged(msgspec.Struct, gc=False):
    tags: _Tags | None = None


_NO_TAGS = _Tags()
_decode = msgspec.json.Decoder(_Tagged).decode


@dataclass(slots=True)
class Columns:
    """Events by field, all lists of one length; of what an event does not tell, None.

    Types, ids and keys as `LakeEvent` has them, shards only as the lake kept them; `times` in ms (see
    `selection.time_of`; `without_time` have none of their own), `sizes` of the events themselves in bytes. `sources`
    as the book's metric takes them, from the tags, but of an EventBridge event its own; `regions` and `accounts` the
    line's, else from the tags; `streams` as a replay names them.
    """

    types: list[str | None] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    ids: list[str | None] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    shards: list[str | None] = field(default_factory=list)
    streams: list[str | None] = field(default_factory=list)
    sources: list[str | None] = field(default_factory=list)
    regions: list[str | None] = field(default_factory=list)
    accounts: list[str | None] = field(default_factory=list)
    synthesized: int = 0
    without_time: int = 0

    def __len__(self) -> int:
        return len(self.types)

    def take(self, chunk: Chunk) -> None:
        """Add the events of a chunk."""
        events, tags = chunk.events, tags_of(chunk.events)
        arns = [event.delivery_stream_arn for event in events]
        self.types += [event.type for event in events]
        self.times += times_of(events) if events else ()
        self.sizes += [len(event.data) for event in events]
        self.ids += [event.event_id for event in events]
        self.keys += [event.partition_key for event in events]
        self.shards += list(map(kept_shard, events))
        name = chunk.origin.stream_name
        self.streams += [name] * len(events) if name else [arn and _parts_of(arn)[1] for arn in arns]
        pairs = list(zip(events, tags, strict=True))
        self.sources += [event.source or text(tag.source) for event, tag in pairs]
        self.regions += [event.region or text(tag.region) for event, tag in pairs]
        self.accounts += [
            event.account or (arn and _parts_of(arn)[0]) or text(tag.account)
            for (event, tag), arn in zip(pairs, arns, strict=True)
        ]
        self.synthesized += [event.synthesized for event in events].count(True)
        self.without_time += count_without_time(events)


@lru_cache(maxsize=256)
def _parts_of(arn: str) -> tuple[str | None, str | None]:
    """The account of a delivery stream's ARN, and its name."""
    parts = arn.split(":", 5)
    named = len(parts) == 6
    return (parts[4] or None if named else None), arn.partition("/")[2] or None


def tags_of(events: Sequence[LakeEvent]) -> list[_Tags]:
    """The tags of events; empty ones where an event has none, or they are no JSON object."""
    try:
        return [_decode(event.data).tags or _NO_TAGS for event in events]
    except (msgspec.DecodeError, RecursionError):
        return [_tags_of(event.data) for event in events]


def _tags_of(data: Bytes) -> _Tags:
    try:
        return _decode(mend_lone_surrogates(bytes(data))).tags or _NO_TAGS
    except (msgspec.DecodeError, RecursionError):
        return _NO_TAGS
