"""The records of one cut by group and lane, and how batches are made of them (see `cutting`)."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from operator import attrgetter

from cncbops.kinesis.batching import Batch, BatchLimits, batch_of, batch_of_known
from cncbops.kinesis.drafts import Draft, Shelf, drafts_of
from cncbops.kinesis.record import Record, lane_of
from cncbops.native import hot

MANY = 8
"""Batches of a group in one cut, beside which half a one is sent: it costs less than to carry its records over."""

KEYS_KNOWN = 50_000

_lane = attrgetter("lane")


class LaneOf:
    """The lanes of records that have one each; remembered by key, as hashing takes longer than all else here."""

    def __init__(self, count: int) -> None:
        """They are `known` by function and key."""
        self.count, self._keys = count, 0
        self.known: dict[str, dict[str, int]] = {}

    def __call__(self, record: Record) -> int:
        function, key = record.function, record.partition_key
        lane = self.known.get(function, {}).get(key)
        if lane is None:
            if self._keys >= KEYS_KNOWN:
                self._keys = 0
                self.known.clear()
            lane = self.known.setdefault(function, {})[key] = lane_of(key, self.count, function)
            self._keys += 1
        return lane


class Shelves:
    """The records of one cut by group and lane, and the batches made of them."""

    def __init__(
        self, limits: Mapping[str, BatchLimits], lane_of: LaneOf | None, upto: int, behind: Sequence[Record]
    ) -> None:
        """Without `lane_of` no order is kept, and all is in lane 0."""
        self._limits, self._lane_of, self._before = limits, lane_of, upto
        self._behind = () if lane_of else tuple(record.place for record in behind)
        self._shelves: dict[int, dict[str, Shelf]] = {}  # by lane and group
        known = lane_of.known if lane_of else None
        self._shelving = (hot.Shelving if hot else _Shelving)(self._shelves, Shelf, known, lane_of)
        self._alone: list[Shelf] = []  # without order, those of records that go alone
        # Where groups share a lane, or are all in one, and one of them has much: batches then go by their places, since
        # marks would else have all of that group as holes.
        self._holes_are_many = lane_of is None
        self._upto: dict[int, int] = {}  # by lane, how far it was given out

    def put_all(self, records: Sequence[Record]) -> Iterator[Batch]:
        """Put records on their shelves, and give out those that go alone, with all that must come before them."""
        all_of_them, at = tuple(records), 0
        while True:
            at = self._shelving.put(all_of_them, at)
            if at == len(all_of_them):
                return
            yield from self._put_alone(all_of_them[at])
            at += 1

    def drafts(self, first_lanes: Mapping[str, int]) -> tuple[list[Draft], list[Draft]]:
        """The batches that are full, or as full as whole lanes make them; and the last of each group.

        They are filled in the order of lanes, from the `first_lanes` of each group round to those before them.
        """
        made: list[Draft] = []
        rest: list[Draft] = []
        for group, shelves in sorted(self._by_group().items()):
            first = bisect_left(shelves, first_lanes.get(group, 0), key=_lane)
            drafts = self._drafts_of(shelves[first:] + shelves[:first])
            if drafts and not self._is_worth_sending(drafts):
                rest.append(drafts.pop())
            made += drafts
        made += [draft for shelf in self._alone for draft in self._drafts_of([shelf])]
        if self._holes_are_many:
            made.sort(key=attrgetter("last_place"))
        return made, rest

    def _by_group(self) -> Mapping[str, list[Shelf]]:
        """The shelves of each group, in the order of their lanes."""
        found = defaultdict(list)
        for lane in sorted(self._shelves):
            for group, shelf in self._shelves[lane].items():
                found[group].append(shelf)
        return found

    def _drafts_of(self, shelves: Sequence[Shelf]) -> list[Draft]:
        """What is left on shelves of one group, in the order of their lanes."""
        drafts = drafts_of(shelves, self._limits[shelves[0].records[0].function])
        self._holes_are_many = self._holes_are_many or any(
            draft.leaves_some and len(self._shelves[draft.lanes[0]]) > 1 for draft in drafts
        )
        return drafts

    def _is_worth_sending(self, drafts: Sequence[Draft]) -> bool:
        """Whether the last is full; or half full in order beside many, where its lanes are waited for."""
        most = self._limits[drafts[-1].function].records
        is_beside_many = self._lane_of is not None and len(drafts) > MANY
        return drafts[-1].weight >= most * (0.5 if is_beside_many else 1.0)

    def give_out(self, draft: Draft) -> Batch:
        """The batch of a draft, marked with how far its lanes are once it is settled."""
        lanes = draft.lanes if self._lane_of else ()
        batch = batch_of_known(draft.records, lanes, draft.weight, draft.size - len(draft.records))
        for shelf, _, end in draft.parts:
            shelf.given = end
        if self._lane_of and self._come_last(draft):
            batch.upto = draft.last_places
        else:
            for lane, place in zip(draft.lanes, draft.last_places, strict=True):
                self._mark(batch, lane, place)
        return batch

    def _come_last(self, draft: Draft) -> bool:
        """Whether of its lanes all that was given out comes before it, and all that waits after it: so it mostly is."""
        shelves = map(self._shelves.__getitem__, draft.lanes)
        return min(draft.last_places) >= self._before and max(map(len, shelves)) == 1

    def _mark(self, batch: Batch, lane: int, place: int) -> None:
        """Mark how far a lane is once all that was given out is settled, the last at a place. It never goes back."""
        upto = self._upto[lane] = max(place, self._upto.get(lane, self._before))
        batch.upto.append(upto)
        shelves = self._shelves.get(lane, {}).values()
        waiting = chain.from_iterable(shelf.holes(upto) for shelf in (*shelves, *self._alone))
        if holes := frozenset(chain(waiting, filter(upto.__ge__, self._behind))):
            batch.holes[lane] = holes

    def _put_alone(self, record: Record) -> Iterator[Batch]:
        """Give a record a batch of its own, with order behind all that waits in its lanes."""
        if self._lane_of is None:
            self._alone.append(Shelf(record.group, 0, [record]))
            return
        lanes = record.lanes(self._lane_of.count)
        for lane in lanes:
            for shelf in self._shelves.get(lane, {}).values():
                yield from map(self.give_out, self._drafts_of([shelf]))
        batch = batch_of([record], lanes)
        for lane in lanes:
            self._mark(batch, lane, record.place)
        yield batch


class _Shelving:
    """Puts records on `shelves`, which are by lane and group."""

    def __init__(
        self,
        shelves: dict[int, dict[str, Shelf]],
        make: Callable[[str, int], Shelf],
        known: Mapping[str, Mapping[str, int]] | None,  # noqa: ARG002  as in C, which looks there before it asks
        lane_of: Callable[[Record], int] | None,
    ) -> None:
        """`known` are lanes by function and key. Without order that is None, as is `lane_of`: all is in lane 0."""
        self._shelves, self._make, self._lane_of = shelves, make, lane_of
        # By function and key, where the records of these are, without order those of a group: a key that changes its
        # group, as when a stream is resharded, stays where it was.
        self._homes: dict[tuple[str, str], list[Record]] = {}

    def put(self, records: Sequence[Record], start: int) -> int:
        """Put records from `start` on their shelves, up to the first that goes alone: its index."""
        for at in range(start, len(records)):
            record = records[at]
            if record.is_alone or (self._lane_of and record.has_many_keys):
                return at
            of = record.function, record.partition_key if self._lane_of else record.group
            if of not in self._homes:
                self._homes[of] = self._records_beside(record)
            self._homes[of].append(record)
        return len(records)

    def _records_beside(self, record: Record) -> list[Record]:
        lane = self._lane_of(record) if self._lane_of else 0
        of_lane = self._shelves.setdefault(lane, {})
        if record.group not in of_lane:
            of_lane[record.group] = self._make(record.group, lane)
        return of_lane[record.group].records
