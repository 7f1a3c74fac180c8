"""The newest event of each partition key: what is told of events to find them, and who finds them.

The newest is the one that arrived last: by arrival time, then by sequence number, as the lake kept them. Where a line
kept no arrival, the time that its object's key names stands in for it. What is equal in all that goes by its place,
which is the order of the lake.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from cncbops.formats.event import LakeEvent
from cncbops.kinesis.record import Record
from cncbops.lake.layout import object_time
from cncbops.request import ReplayRequest
from cncbops.session.digest import digest_of
from cncbops.session.entry import object_number, ordinal
from cncbops.session.events import EventReader, Events
from cncbops.session.picks import picks_of
from cncbops.session.progress import Progress
from cncbops.session.reading import Register
from cncbops.session.scratch import at_one_go, noting, scratch
from cncbops.terms import Terms

_NUMBER_BYTES = 8
_LATEST = 2**63
_LONGEST_SEQUENCE = 255
"""Longer than any of Kinesis' own, which have up to 129 digits."""
MOST_FRESH = 100_000


def rank_of(arrival_ms: int, sequence: str, place: int) -> bytes:
    """Bytes that are the greater the newer an event is; the last of them are its place."""
    digits = sequence.encode(errors="surrogatepass")[:_LONGEST_SEQUENCE]
    moment = min(max(arrival_ms, 0), _LATEST)
    # Sequence numbers have no leading zeros: of two, the longer is the greater.
    return b"%b%c%b%b" % (moment.to_bytes(_NUMBER_BYTES), len(digits), digits, place.to_bytes(_NUMBER_BYTES))


def _place_in(rank: bytes) -> int:
    return int.from_bytes(rank[-_NUMBER_BYTES:])


class KeyClaims(NamedTuple):
    """Of so many events that were met the keys, as digests, each with the rank of its newest."""

    met: int
    newest: Mapping[bytes, bytes]


class NewestReader(EventReader):
    """Tells of the newest event of each key, instead of sending any, of objects of which nothing is picked yet."""

    looks_at_events = True

    def __init__(self, request: ReplayRequest, terms: Terms, progress: Progress, chosen: int) -> None:
        super().__init__(request, terms, progress, chosen)
        self._met = 0
        self._newest: dict[bytes, bytes] = {}
        self._filled_in: dict[tuple[int, int], tuple[int | None, str | None]] = {}  # what the lake kept, not all of it

    def claims(self) -> KeyClaims | None:
        """The keys of what was read since."""
        if not self._met:
            return None
        claims, self._met, self._newest = KeyClaims(self._met, self._newest), 0, {}
        return claims

    def _complete(self, events: list[LakeEvent], reading: Events) -> None:
        kept = (((each.line, each.part), (each.arrival_ms, each.sequence_number)) for each in events)
        self._filled_in = {} if _is_picked(reading) else {where: facts for where, facts in kept if None in facts}
        super()._complete(events, reading)

    def _sent(self, events: Sequence[LakeEvent], places: Sequence[int], reading: Events) -> list[Record]:
        if _is_picked(reading):
            return super()._sent(events, places, reading)
        named_ms = object_time(reading.item.object.key) or 0
        for event, place in zip(events, places, strict=True):
            assert event.partition_key is not None
            key, rank = digest_of(event.partition_key), self._rank(event, place, named_ms)
            if rank > self._newest.get(key, b""):
                self._newest[key] = rank
        self._met += len(events)
        return []

    def _rank(self, event: LakeEvent, place: int, named_ms: int) -> bytes:
        facts = (event.arrival_ms, event.sequence_number)
        arrival_ms, sequence = self._filled_in.get((event.line, event.part), facts)
        return rank_of(named_ms if arrival_ms is None else arrival_ms, sequence or "", place)


def _is_picked(reading: Events) -> bool:
    return reading.item.picked is not None or reading.item.lines is not None


class Newest(Register):
    """Knows the newest event of each key that a session came to, on disk beyond some of them; `met` so many in all."""

    def __init__(self) -> None:
        """Raises CannotRun if nothing can be noted down."""
        self._fresh: dict[bytes, bytes] = {}
        self.met = 0
        with noting():
            self._kept = scratch()
            self._kept.execute("CREATE TABLE newest (key BLOB PRIMARY KEY, rank BLOB NOT NULL) WITHOUT ROWID")

    def repeated(self, claims: KeyClaims) -> Sequence[int]:
        """Take down what is newer than what was known. Raises CannotRun if it cannot be kept."""
        self.met += claims.met
        for key, rank in claims.newest.items():
            if rank > self._fresh.get(key, b""):
                self._fresh[key] = rank
        if len(self._fresh) >= MOST_FRESH:
            with noting():
                self._keep()
        return ()

    def count_keys(self) -> int:
        """How many keys there are. Raises CannotRun."""
        with noting():
            self._keep()
            ((count,),) = self._kept.execute("SELECT count(*) FROM newest")
        return int(count)

    def picks(self, most: int | None) -> Iterator[tuple[int, bytes]]:
        """By number, each object that holds some of the newest events, and which; `most`: the first in the lake alone.

        Raises CannotRun.
        """
        with noting():
            self._keep()
            ranks = self._kept.execute(
                f"SELECT rank FROM newest ORDER BY substr(rank, -{_NUMBER_BYTES}) LIMIT ?",  # noqa: S608  a number
                (-1 if most is None else most,),
            )
            places = (_place_in(rank) for (rank,) in ranks)
            for number, same in groupby(places, object_number):
                yield number, picks_of(map(ordinal, same))

    def _keep(self) -> None:
        """Bring to disk what is fresh: sorted, so that the pages of the table are written one after another."""
        with at_one_go(self._kept):
            self._kept.executemany(
                "INSERT INTO newest VALUES (?, ?) "
                "ON CONFLICT DO UPDATE SET rank = excluded.rank WHERE excluded.rank > newest.rank",
                sorted(self._fresh.items()),
            )
        self._fresh = {}
