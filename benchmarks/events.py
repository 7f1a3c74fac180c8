"""One event, and the record that it arrived in: made from nothing but its number, always the same."""

import hashlib
from functools import cached_property
from typing import NamedTuple

from benchmarks.shape import Shape
from benchmarks.shards import sequence_number, shard_id, shard_of

_TYPES = ("thing-created", "thing-updated", "thing-updated", "thing-deleted")
_WORDS = "amber basin cedar delta ember fjord grove harbor inlet jetty kelp lagoon meadow north orchard prairie"
_KEY_STEP = 7_919  # a prime: neighbours in the lake have different keys


class Arrival(NamedTuple):
    """An event's place in its stream."""

    number: int
    key: str
    shard: int
    at_ms: int

    @property
    def shard_id(self) -> str:
        return shard_id(self.shard)

    @property
    def sequence_number(self) -> str:
        return sequence_number(self.number, self.shard)


class Stream:
    """The events of a lake, as a stream with its shards and partition keys had them."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        keys = [f"thing-{number}" for number in range(shape.keys)]
        self._keys = [(key, shard_of(key, shape.shards)) for key in keys]

    def arrival(self, number: int) -> Arrival:
        """When, and under which key, the event of that number came."""
        key, shard = self._keys[number * _KEY_STEP % len(self._keys)]
        return Arrival(number, key, shard, self._shape.time_ms(number))

    def event(self, arrival: Arrival, filling: int) -> bytes:
        """The event as its producer wrote it, with so many bytes of text in it."""
        digest = hashlib.md5(b"%d" % arrival.number, usedforsecurity=False).hexdigest()
        event_id = f"{digest[:8]}-{digest[8:12]}-11ee-9b2e-{digest[12:24]}"
        return (
            f'{{"id":"{event_id}","type":"{event_type(arrival)}","timestamp":{arrival.at_ms - 333},'
            f'"partitionKey":"{arrival.key}","tags":{{"region":"us-east-1","source":"cncb-event-first"}},'
            f'"thing":{{"id":"{arrival.key}","name":"{digest[24:]}","text":"{self._text(arrival, filling)}"}}}}'
        ).encode()

    def _text(self, arrival: Arrival, length: int) -> str:
        start = arrival.number * 31 % 50_000
        text = self._prose[start : start + length]
        return text if len(text) == length else (self._prose * (length // len(self._prose) + 2))[start : start + length]

    @cached_property
    def _prose(self) -> str:
        """Words without a pattern, so that gzip finds in them what it finds in events, not more."""
        digests = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(400))
        words = _WORDS.split()
        return " ".join(words[byte % len(words)] for byte in digests)


def event_type(arrival: Arrival) -> str:
    """Its type, by its number."""
    return _TYPES[arrival.number * 2_654_435_761 % 4_294_967_296 >> 30]
