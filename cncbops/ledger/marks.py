"""How far the lanes of a session are, as it goes down: the places of each batch at once, marks of lanes now and then.

A batch is of many lanes: a row with its places takes a tenth of what takes a row for each of these.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from cncbops.delivery.outcome import Settled, Waybill
from cncbops.kinesis.batching import Mark
from cncbops.ledger.rows import pack

MOST_PLACES = 16_384
"""That are kept batch by batch, before marks go down in their stead."""

_NONE = frozenset[int]()

_PUT_BATCH = (
    "INSERT INTO settled (run, session, batch, places) VALUES (?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET places = excluded.places"
)
_PUT_LANE = (
    "INSERT INTO lanes (run, session, lane, upto, holes) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET upto = excluded.upto, holes = excluded.holes"
)


class Marks:
    """Those of one session. Every method is to be called within a transaction; after one that failed, none."""

    def __init__(self, connection: sqlite3.Connection, run: int, session: int) -> None:
        self._connection, self._run, self._session = connection, run, session
        self._places = 0  # that went down since marks did
        self._upto: dict[int, int] = {}  # by lane, of marks that are new
        self._holes: dict[int, frozenset[int]] = {}  # by lane, from the first on that has any; none of others
        self._next = 0  # the number beyond the batches that the marks speak of
        # Without order: the marks of batches that are settled, by their numbers, from the next on.
        self._beyond: dict[int, Mark] = {}

    def take(self, settled: Iterable[Settled]) -> None:
        """Write down that batches are settled, but for what was not sent of them."""
        parts = [(batch, {record.place for record in outcome.not_sent}) for batch, outcome in settled]
        parts = [(batch, left) for batch, left in parts if len(left) < len(batch.places)]
        self._connection.executemany(_PUT_BATCH, [self._batch_row(*each) for each in parts])
        for each in parts:
            self._note(*each)
        if self._places >= MOST_PLACES:
            self.put_down()

    def put_down(self) -> None:
        """Write the marks down, in place of the batches that they speak of."""
        while self._next in self._beyond:
            mark = self._beyond.pop(self._next)
            self._upto[0], self._holes[0] = mark.upto, mark.holes
            self._next += 1
        self._connection.executemany(_PUT_LANE, [self._lane_row(*each) for each in self._upto.items()])
        self._connection.execute(
            "DELETE FROM settled WHERE run = ? AND session = ? AND batch < ?", (self._run, self._session, self._next)
        )
        self._upto, self._holes, self._places = {}, {}, 0

    def _batch_row(self, batch: Waybill, left: set[int]) -> Sequence[int | bytes]:
        places = [place for place in batch.places if place not in left] if left else batch.places
        return self._run, self._session, batch.number, pack(places)

    def _note(self, batch: Waybill, left: set[int]) -> None:
        self._places += len(batch.places)
        if batch.lanes:
            self._upto.update(zip(batch.lanes, batch.upto, strict=True))
            if left or batch.holes or self._holes:  # seldom
                self._holes.update({lane: batch.holes.get(lane, _NONE) | left for lane in batch.lanes})
            self._next = max(self._next, batch.number + 1)
        elif not left:  # else the mark stays before it
            self._beyond[batch.number] = batch.marks[0]

    def _lane_row(self, lane: int, upto: int) -> Sequence[int | bytes]:
        holes = self._holes.get(lane)
        return self._run, self._session, lane, upto, pack(sorted(holes)) if holes else b""
