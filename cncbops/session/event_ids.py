"""Events that are in the lake more than once, known by their ids: the first of them is sent.

Which is the first is judged in the order of the lake, by whoever knows all that the run came to, its earlier sessions
included. What was judged once stays so: an id belongs to the place of the event that was chosen. Ids are held, sent
and kept as places and digests alone; an event without an id is like no other.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cncbops.formats.event import LakeEvent
from cncbops.kinesis.record import Record
from cncbops.request import ReplayRequest
from cncbops.session.digest_map import MOST_HELD, FirstNumbers
from cncbops.session.entry import ordinal
from cncbops.session.events import EventReader, Events
from cncbops.session.findings import Findings
from cncbops.session.id_claims import CLAIM_BYTES, NO_ID, apart, claims_of
from cncbops.session.progress import Progress
from cncbops.session.reading import Register
from cncbops.terms import Terms


class EventIds(Register):
    """Knows the ids that a run came to, each with the place of its first event."""

    def __init__(self, claimed: Iterable[bytes] = ()) -> None:
        """`claimed` is what earlier sessions of the run have chosen. Raises CannotRun if it cannot be noted."""
        self._firsts = FirstNumbers(MOST_HELD)
        for claims in claimed:
            self.repeated(claims)

    def repeated(self, claims: bytes) -> list[int]:
        """The indices of events whose ids belong to others. Raises CannotRun if those that are new cannot be noted."""
        claimed = [(index, *claim) for index, claim in enumerate(apart(claims)) if claim[1] != NO_ID]
        firsts = self._firsts.firsts(b"".join([digest for *_, digest in claimed]), [place for _, place, _ in claimed])
        return [index for (index, place, _), first in zip(claimed, firsts, strict=True) if first != place]


@dataclass(slots=True)
class _Waiting:
    """Events of an object, with their records, of which it is to be judged whether they are sent."""

    reading: Events
    events: Sequence[LakeEvent]
    records: list[Record]
    claims: bytes


class DedupingReader(EventReader):
    """Sends the first event of each id."""

    looks_at_events = True

    def __init__(
        self, ids: EventIds | None, request: ReplayRequest, terms: Terms, progress: Progress, chosen: int
    ) -> None:
        """Where one reader after another reads all, it asks `ids` itself; else whoever coordinates is to be asked."""
        super().__init__(request, terms, progress, chosen)
        self._ids = ids
        self._waiting: list[_Waiting] = []

    def claims(self) -> bytes | None:
        """The ids of what was read since."""
        return b"".join([each.claims for each in self._waiting]) or None

    def judged(self, records: Sequence[Record], repeated: Sequence[int], _: Findings) -> Sequence[Record]:
        """The records of the events that are first; all is counted now."""
        waiting, self._waiting = self._waiting, []
        return self._settled(waiting, repeated) if waiting else records

    def _within_limit(self, events: list[LakeEvent], reading: Events) -> list[LakeEvent]:
        """As many as it takes until those that are first among them are as many as the limit allows."""
        if self._ids is None or self._request.reading_limit is None:
            return super()._within_limit(events, reading)
        places = reading.entry.places(reading.entry.pulled, len(events))
        repeated = set(self._ids.repeated(claims_of(events, places)))
        for at, place in enumerate(places):
            if ordinal(place) < reading.known or at in repeated:
                continue
            if self.chosen >= self._request.reading_limit:
                return events[:at]
            self.chosen += 1
        return events

    def _sent(self, events: Sequence[LakeEvent], places: Sequence[int], reading: Events) -> list[Record]:
        if reading.item.lines is not None:
            return super()._sent(events, places, reading)
        waiting = _Waiting(reading, events, self._records(events, places, reading), claims_of(events, places))
        if self._ids:
            return self._settled([waiting], self._ids.repeated(waiting.claims))
        self._waiting.append(waiting)
        return waiting.records  # so that what waits is measured

    def _settled(self, waiting: Sequence[_Waiting], repeated: Sequence[int]) -> list[Record]:
        """The records to be sent, once it is known which of all the events are not the first."""
        dropped, deliverable, first = set(repeated), list[Record](), 0
        for each in waiting:
            left = [at for at in range(len(each.events)) if first + at not in dropped]
            deliverable += self._settle(each, left)
            first += len(each.events)
        return deliverable

    def _settle(self, waiting: _Waiting, left: Sequence[int]) -> list[Record]:
        """Count what is sent of an object's events, those at the indices in `left`, and tell of their ids."""
        reading, events, records = waiting.reading, waiting.events, waiting.records
        known = bisect_left(records, reading.known, key=lambda record: ordinal(record.place)) if reading.known else 0
        new = [at for at in left if at >= known]
        reading.findings.tally.events.repeated += len(records) - known - len(new)
        if claimed := b"".join([waiting.claims[at * CLAIM_BYTES : (at + 1) * CLAIM_BYTES] for at in new]):
            reading.findings.claimed.append(claimed)
        return self._deliverable([events[at] for at in left], [records[at] for at in left], reading)
