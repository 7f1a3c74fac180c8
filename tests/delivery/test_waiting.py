"""None from an agenda: nothing more is read before something that is under way is settled, as of a queue's messages.

Places and agenda are the test's own: every object comes to one batch, in the lanes that the test says.
"""

import random
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.delivery.lanes import Lanes
from cncbops.delivery.outcome import Outcome, Settled, Waybill
from cncbops.errors import CannotRun
from cncbops.execution.executor import Then
from cncbops.execution.tasks import Chunk, Cut, CutOff, Portion
from cncbops.kinesis.cutting import Stock
from cncbops.lake.objects import LakeObject
from cncbops.session.agenda import Agenda, Item
from cncbops.session.canary import Canary
from cncbops.session.chunks import Chunks
from cncbops.session.findings import Findings
from cncbops.session.intake import Intake, Manner
from cncbops.session.journal import Journal
from cncbops.session.keeper import NoKeeper
from cncbops.session.recovery import Recovery
from tests.delivery.batches import record, waybill

BROKEN = CannotRun("the queue is gone", "Look for it")
Found = Sequence[tuple[int, ...] | None]
"""The lanes of each object's batch; None where something has to be settled first."""


class Session:
    """An intake, its places, and batches that are under way until the test settles them."""

    def __init__(self, found: Found, *, carries: bool = False, error: CannotRun | None = None, places: int = 1) -> None:
        self._found, self._carries, self._error = found, carries, error
        self.places = tuple(range(places))
        self._ended: deque[tuple[Then, Any]] = deque()
        self._read_of: dict[int, list[int]] = {}  # objects, by chunk
        self.begun: list[Waybill] = []
        self.given = 0
        self.settled: list[int] = []
        self.waits: list[tuple[int, int]] = []
        stop, journal = threading.Event(), Journal(NoKeeper())
        self.lanes = Lanes(8)
        chunks, canary = Chunks(cast(Agenda, self), journal, 1_000_000, stop), Canary(lambda _: None)
        manner = Manner(
            reads_one_by_one=False, portion_bytes=1, limit=None, shows_first=False, is_first=False, chosen=0
        )
        recovery = Recovery(self.lanes, journal, 1)
        self.intake = Intake(chunks, self.lanes, journal, canary, manner, recovery, lambda *_: None, stop)

    def items(self, stop: threading.Event, _before_threads: Callable[[], None]) -> Iterator[Item | None]:
        """The agenda; notes how many were given and settled where it goes on after it had to wait."""
        for number, lanes in enumerate(self._found):
            if lanes is None:
                before = len(self.settled)
                yield None
                self.waits.append((self.given, len(self.settled) - before))
            else:
                self.given += 1
                yield Item(0, LakeObject("", "b", str(number), 1, "", datetime(2018, 4, 8, tzinfo=UTC)))
        if self._error:
            raise self._error

    # An Executor

    def submit(self, place: int, method: str, *arguments: Any, then: Then) -> None:
        (what,) = arguments
        self._ended.append((then, self._read(what) if isinstance(what, Chunk) else self._cut(what)))

    def _read(self, chunk: Chunk) -> Portion:
        findings = Findings()
        for _, entry in chunk.items:
            entry.ended = True
            findings.touch(entry)
        self._read_of[chunk.number] = [int(each.object.key) for each, _ in chunk.items]
        return Portion(chunk.number, findings.take(), has_more=False, chosen=0)

    def _cut(self, cut: Cut) -> CutOff:
        """One that carries keeps the last record of each cut back, until it is to leave nothing over."""
        numbers = [each.place for each in cut.stock.carried]
        numbers += self._read_of[cut.chunk] if cut.chunk is not None else []
        kept = numbers[-1:] if self._carries and not cut.flush else []
        bills = [waybill(number, self._found[number] or ()) for number in numbers if number not in kept]
        return CutOff(bills, Stock([record(number) for number in kept]))

    def ended(self, longest_s: float) -> Sequence[tuple[Then, Any]]:
        found = list(self._ended)
        self._ended.clear()
        return found

    def close(self) -> None:
        """There is nothing to be closed."""

    # The rest of the session

    def feed(self) -> None:
        """Read and cut until nothing comes of it any more, and begin what may begin.

        That something is to be waited for, and that it is not, takes a look each.
        """
        seen = [(-1, -1)] * 2
        while seen[-2] != (self.given, len(self.waits)):
            seen.append((self.given, len(self.waits)))
            self.intake.feed(self)
            while ended := self.ended(0.0):
                for then, result in ended:
                    then(result)
            while batch := self.lanes.next(lambda _: True):
                self.begun.append(batch)

    def settle(self, batch: Waybill) -> None:
        self.begun.remove(batch)
        self.settled.append(batch.number)
        self.lanes.settle(batch)
        self.intake.settled([Settled(batch, Outcome(is_whole=True))])

    def finish(self, chance: random.Random) -> list[int]:
        """Settle all there is: the objects, in the order in which their batches were settled."""
        found: list[int] = []
        while True:
            self.feed()
            if not self.begun:
                return found
            batch = chance.choice(self.begun)
            found.append(batch.batch[1])
            self.settle(batch)


def test_the_agenda_goes_on_only_when_something_is_settled() -> None:
    session = Session([(0,), (1,), None, (2,)])
    session.feed()
    assert (session.given, len(session.begun)) == (2, 2)
    session.feed()
    assert session.given == 2
    session.settle(session.begun[1])
    session.feed()
    assert (session.given, len(session.begun)) == (3, 2)


def test_what_was_carried_over_goes_first_as_nothing_else_might_be_under_way() -> None:
    session = Session([(0,), None, (1,)], carries=True)
    session.feed()
    assert [batch.batch[1] for batch in session.begun] == [0]


def test_as_often_as_it_is_asked_for_something_is_settled_until_nothing_is_under_way() -> None:
    session = Session([(0,), (0,), (0,), None, None, None, None, None])
    session.finish(random.Random(0))
    settled_by_then = [settled for _, settled in session.waits]
    assert settled_by_then == [1, 1, 1, 0, 0]
    assert session.intake.is_exhausted


@pytest.mark.parametrize("nothing", [[None], [None, None]])
def test_where_nothing_is_under_way_nobody_waits(nothing: Found) -> None:
    session = Session(nothing)
    session.feed()
    assert session.intake.is_done
    assert session.intake.is_exhausted


@pytest.mark.parametrize("carries", [False, True])
def test_an_agenda_that_breaks_tells_so_once_all_before_it_is_at_hand(carries: bool) -> None:
    session = Session([(0,), (0,), None, (1,)], carries=carries, error=BROKEN)
    assert sorted(session.finish(random.Random(0))) == [0, 1, 3]
    assert session.intake.error is BROKEN
    assert session.intake.is_done
    assert not session.intake.is_exhausted


@given(
    st.lists(st.none() | st.sets(st.integers(0, 3), max_size=2).map(tuple), max_size=30),
    st.booleans(),
    st.integers(1, 3),
    st.randoms(use_true_random=False),
)
def test_wherever_it_waits_every_batch_comes_and_each_lane_keeps_its_order(
    found: list[tuple[int, ...] | None], carries: bool, places: int, chance: random.Random
) -> None:
    session = Session(found, carries=carries, places=places)
    order = session.finish(chance)
    assert sorted(order) == [number for number, lanes in enumerate(found) if lanes is not None]
    for lane in range(4):
        mine = [number for number in order if lane in (found[number] or ())]
        assert mine == sorted(mine)
    assert session.intake.is_exhausted
    assert session.lanes.is_empty
