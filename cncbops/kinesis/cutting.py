"""Cuts records into batches, as an event source mapping would: of one group each, and full where they can be.

All records of one key fall into one lane, and lanes are delivered batch after batch, so the order within a key
holds while lanes go in parallel. A batch takes whole lanes, neighbours in the order of their numbers, so that the
batches of one cut need not wait for one another, and each waits for few of the cut before. A lane that fills more
than one batch has them one after the other. A record that is in several lanes gets a batch of its own, behind all
that came before it in them, and so does one that is to be alone.

What does not fill a batch is carried over to the next cut, where it comes first, so that few matches in a large
lake still make full batches. Which batch a record falls into depends on the lake and the options alone, never on
timing: a plan and its run, or two runs, cut alike.

A batch carries, for each of its lanes, how far the lane is when this batch and those before it are settled (see
`Mark`), so that whoever keeps a run's progress has nothing to work out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter

from cncbops.kinesis.batching import Batch, BatchLimits
from cncbops.kinesis.drafts import Draft, by_place
from cncbops.kinesis.record import Record
from cncbops.kinesis.shelves import LaneOf, Shelves

CARRIED_BYTES = 8 * 1024 * 1024
"""How much may be carried over before the fullest of what waits is sent as it is."""


@dataclass(frozen=True)
class Stock:
    """What passes from one cut to the next: records carried over, in the order of their places.

    `canary` is how many records each function's canary still takes; a function that is not in it has had none. All
    records up to the place `upto` were cut, or are carried. `first_lanes` are those, by group, that come first in the
    next cut, with all between them and the last: those of what is carried, which else would be carried on and on.
    """

    carried: Sequence[Record] = ()
    canary: Mapping[str, int] = field(default_factory=dict)
    upto: int = -1
    first_lanes: Mapping[str, int] = field(default_factory=dict)


_size = attrgetter("size")


class Cutter:
    """Cuts for one session. `limits` are those of each function; `lanes` 0 keeps no order."""

    def __init__(self, limits: Mapping[str, BatchLimits], lanes: int, canary: int | None = None) -> None:
        self._limits, self._canary = limits, canary
        self._lane_of = LaneOf(lanes) if lanes else None

    def cut(self, records: Sequence[Record], stock: Stock, *, flush: bool) -> tuple[list[Batch], Stock]:
        """The batches of what was carried and what is new, and what is carried on: nothing if it is to `flush`.

        Records come in the order of their places. Each must be deliverable. What is flushed is cut by itself, so
        that it makes no difference whether it was known before that nothing follows.
        """
        batches, stock = self._cut_new(records, stock) if records else ([], stock)
        if not flush:
            return batches, stock
        last, _ = self._cut(stock.carried, stock, flush=True)
        return [*batches, *last], replace(stock, carried=(), first_lanes={})

    def _cut_new(self, records: Sequence[Record], stock: Stock) -> tuple[list[Batch], Stock]:
        upto = records[-1].place if records else stock.upto
        if self._canary is None:
            batches, rest = self._cut([*stock.carried, *records], stock)
            return batches, _stock_of(rest, stock.canary, upto)
        first, others, left = self._parted(records, stock.canary)
        others = [*stock.carried, *others]
        canaries, _ = self._cut(first, stock, flush=True, behind=others)
        for batch in canaries:
            batch.is_canary = True
        # In lanes, which are a function's own, a canary comes before all others in place as well.
        cut_before = stock.upto if self._lane_of or not first else first[-1].place
        batches, rest = self._cut(others, replace(stock, upto=cut_before))
        return [*canaries, *batches], _stock_of(rest, left, upto)

    def _parted(
        self, records: Sequence[Record], left: Mapping[str, int]
    ) -> tuple[list[Record], list[Record], Mapping[str, int]]:
        """The records that are of a canary, the others, and what each function's canary then still takes."""
        assert self._canary is not None
        counts = dict(left)
        first: list[Record] = []
        others: list[Record] = []
        for record in records:
            count = counts.setdefault(record.function, self._canary)
            counts[record.function] = max(0, count - 1)
            (first if count else others).append(record)
        return first, others, counts

    def _cut(
        self, records: Sequence[Record], stock: Stock, *, flush: bool = False, behind: Sequence[Record] = ()
    ) -> tuple[list[Batch], list[Draft]]:
        """Batches, and what is left, as the batches that it would make.

        All records up to the place that the stock is at are among these, among those `behind`, which are cut after them
        whatever their places, or were cut before.
        """
        shelves = Shelves(self._limits, self._lane_of, stock.upto, behind)
        batches = list(shelves.put_all(records))
        drafts, rest = shelves.drafts(stock.first_lanes)
        batches += map(shelves.give_out, drafts)
        rest.sort(key=_size)
        while rest and (flush or sum(map(_size, rest)) > CARRIED_BYTES):
            batches.append(shelves.give_out(rest.pop()))
        return batches, rest


def _stock_of(rest: Sequence[Draft], canary: Mapping[str, int], upto: int) -> Stock:
    carried = sorted((record for draft in rest for record in draft.records), key=by_place)
    return Stock(carried, canary, upto, {draft.group: draft.lanes[0] for draft in rest})
