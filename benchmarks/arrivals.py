"""What arrived at the far side, and when: nginx's log of invocations, and what must hold of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import msgspec

_ROUNDING_S = 0.002  # nginx's clock ticks in milliseconds, and each of two times is off by one at most


class _Kinesis(msgspec.Struct, rename="camel"):
    partition_key: str
    sequence_number: str


class _Record(msgspec.Struct):
    kinesis: _Kinesis


class _Payload(msgspec.Struct, rename="pascal"):
    records: list[_Record]


@dataclass(frozen=True, slots=True)
class Arrival:
    """One invocation, from `started` to `ended` in seconds; of each record its key and its place in the shard."""

    started: float
    ended: float
    records: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of so many events that were to arrive.

    `disordered` are keys whose events first arrived in another order than the lake's, or two invocations at a time.
    """

    lost: int
    repeated: int
    disordered: int


def arrivals(log: Path) -> list[Arrival]:
    """All invocations that a log holds, as they began."""
    with log.open("rb") as lines:
        return sorted(map(_arrival, lines), key=lambda each: each.started)


def _arrival(line: bytes) -> Arrival:
    ended, took, payload = line.split(b" ", 2)
    records = msgspec.json.decode(payload, type=_Payload).records
    places = [(each.kinesis.partition_key, int(each.kinesis.sequence_number)) for each in records]
    return Arrival(float(ended) - float(took), float(ended), places)


def judge(found: Sequence[Arrival], events: int) -> Verdict:
    """Whether so many events, no two of them alike, arrived, and how."""
    records = [record for arrival in found for record in arrival.records]
    firsts = dict.fromkeys(records)
    by_key: dict[str, list[int]] = {}
    for key, place in firsts:
        by_key.setdefault(key, []).append(place)
    disordered = {key for key, places in by_key.items() if places != sorted(places)} | set(_overlapping(found))
    return Verdict(events - len(firsts), len(records) - len(firsts), len(disordered))


def _overlapping(found: Sequence[Arrival]) -> Iterator[str]:
    """Keys of which two invocations were under way at a time."""
    by_key: dict[str, list[Arrival]] = {}
    for arrival in found:
        for key in {key for key, _ in arrival.records}:
            by_key.setdefault(key, []).append(arrival)
    for key, calls in by_key.items():
        if any(second.started < first.ended - _ROUNDING_S for first, second in pairwise(calls)):
            yield key


def rate_between(found: Sequence[Arrival], start_s: float, end_s: float) -> float:
    """Events a second that began to arrive within a time."""
    return sum(len(each.records) for each in found if start_s <= each.started < end_s) / (end_s - start_s)
