"""Sending batches one invocation at a time: in the order of their lanes, at the functions' paces, until it is stopped.

The places where invocations are made are the test's own: it says what each comes to. So is time.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.delivery.answers import Kind
from cncbops.delivery.courier import LOOK_S, Courier
from cncbops.delivery.lanes import NOWHERE, Lanes
from cncbops.delivery.outcome import Outcome, Settled, Waybill
from cncbops.delivery.pace import Pace
from cncbops.delivery.sender import Step
from tests.delivery.batches import waybill
from tests.delivery.places import DONE, LEFT, Clock, Places, Task, again


class Session:
    """A courier with what it works with. `heeded` counts the records of which it told that they came to their end."""

    def __init__(self, concurrency: int, rate: float | None = None, each: int = 100, places: int = 1) -> None:
        self.clock = Clock()
        self.places = Places(self.clock, places)
        self.lanes = Lanes(concurrency)
        self.pace = Pace(concurrency, rate, self.clock)
        self._paces: dict[str, Pace] = {}
        self._each = each
        self._all: list[Waybill] = []
        self.heeded = (0, 0)
        self.repeated: list[int] = []
        self.courier = Courier(
            self.places, self.lanes, concurrency, self.pace_of, self._heed, self.repeated.append, self.clock
        )

    def pace_of(self, function: str) -> Pace:
        if function not in self._paces:
            self._paces[function] = self.pace.beside(self._each)
        return self._paces[function]

    def _heed(self, delivered: int, failed: int) -> None:
        self.heeded = (self.heeded[0] + delivered, self.heeded[1] + failed)

    def put(self, *batches: Waybill) -> "Session":
        for batch in batches:
            self._all.append(batch)
            self.lanes.put(batch)
        return self

    def start(self, after_s: float = 0.0) -> list[int]:
        """Let time pass, and begin what may begin: the numbers of the batches whose invocations began."""
        self.clock.now += after_s
        before = len(self.places.sent)
        self.courier.start()
        return [task.number for task in self.places.sent[before:]]

    def end(self, number: int, step: Step = DONE) -> list[Settled]:
        """Have what is under way of a batch come to something; what is settled by it."""
        (task,) = [task for task in self.places.under_way if task.number == number]
        return self.end_task(task, step)

    def end_task(self, task: Task, step: Step) -> list[Settled]:
        self.places.answer(task, step)
        for then, result in self.places.ended(self.courier.wait_s()):
            then(result)
        return self.courier.take_settled()

    def lose(self, place: int) -> list[Waybill]:
        """Let a place be lost; the batches that were there."""
        self.courier.lose(place)
        self.lanes.lose(place)
        lost = [batch for batch in self._all if batch.place == place]
        for batch in lost:
            batch.place = NOWHERE
        return lost

    def move(self, batches: Sequence[Waybill], place: int) -> None:
        """Have batches that were lost read anew."""
        for batch in batches:
            self.lanes.move(batch, place, is_begun=self.courier.take_up(batch))

    def finish(self, number: int) -> None:
        """End a batch, and let it go."""
        self.courier.let_go(self.end(number))


def batches(*lanes: Sequence[int]) -> list[Waybill]:
    return [waybill(number, mine) for number, mine in enumerate(lanes)]


# In lanes


@given(
    st.lists(st.tuples(st.sets(st.integers(0, 4), max_size=3), st.sampled_from("fg")), max_size=30),
    st.integers(1, 6),
    st.integers(1, 4),
    st.none() | st.floats(0.5, 100.0),
    st.randoms(use_true_random=False),
)
def test_whatever_the_answers_each_lane_keeps_its_order_and_no_more_are_begun_than_may_be(
    found: list[tuple[set[int], str]], concurrency: int, each: int, rate: float | None, chance: random.Random
) -> None:
    session = Session(concurrency, rate, each)
    coming = [waybill(number, sorted(mine), function=function) for number, (mine, function) in enumerate(found)]
    settled: list[Settled] = []
    let_go: list[int] = []
    while len(let_go) < len(found):
        while coming and session.lanes.has_room():
            session.put(coming.pop(0))
        session.start(after_s=chance.choice([0.0, 0.1, 5.0]))
        _check(session, found, concurrency, each, let_go)
        if session.places.under_way and chance.random() < 0.9:
            settled += session.end_task(chance.choice(session.places.under_way), chance.choice(ANSWERS))
        if settled and chance.random() < 0.7:
            session.courier.let_go(settled)
            let_go += [batch.number for batch, _ in settled]
            settled = []
    assert session.courier.is_idle
    assert session.lanes.is_empty
    assert session.pace.in_flight == 0
    order = _firsts(session)
    assert sorted(order) == list(range(len(found)))
    for lane in range(5):
        mine = [number for number in order if lane in found[number][0]]
        assert mine == sorted(mine)


ANSWERS = [
    DONE,
    DONE,
    again(),
    again(pause_s=0.05),
    again(Kind.THROTTLED, pause_s=3.0),
    again(Kind.TAKEN, delivered=1),
]


def _firsts(session: Session) -> list[int]:
    return list(dict.fromkeys(session.places.numbers()))


def _check(
    session: Session, found: Sequence[tuple[set[int], str]], concurrency: int, each: int, let_go: Sequence[int]
) -> None:
    begun = set(_firsts(session)) - set(let_go)
    assert len(begun) <= concurrency
    assert all(count == 1 for count in Counter(lane for number in begun for lane in found[number][0]).values())
    under_way = Counter(task.number for task in session.places.under_way)
    assert all(count == 1 for count in under_way.values())
    of_function = Counter(found[number][1] for number in under_way)
    assert all(count <= each for count in of_function.values())


@pytest.mark.parametrize("lanes", [[(number,) for number in range(8)], [()] * 8], ids=["many lanes", "no lanes"])
def test_as_many_are_under_way_as_the_concurrency_allows(lanes: list[tuple[int, ...]]) -> None:
    assert Session(4).put(*batches(*lanes)).start() == [0, 1, 2, 3]


@pytest.mark.parametrize("lanes", [[(number,) for number in range(8)], [()] * 8], ids=["many lanes", "no lanes"])
def test_in_place_of_a_batch_another_begins_only_when_that_is_let_go(lanes: list[tuple[int, ...]]) -> None:
    """Until what became of it is written down it counts as sent: so many may be sent twice after a crash."""
    session = Session(2).put(*batches(*lanes))
    session.start()
    settled = [*session.end(0), *session.end(1)]
    assert session.start() == []
    session.courier.let_go(settled)
    assert session.start() == [2, 3]


def test_the_next_of_a_lane_begins_only_when_the_one_before_it_is_let_go() -> None:
    session = Session(4).put(*batches((0,), (0,), (1,)))
    assert session.start() == [0, 2]
    settled = session.end(0)
    assert session.start() == []
    session.courier.let_go(settled)
    assert session.start() == [1]


def test_what_became_of_a_batch_is_told_once_and_its_records_as_they_come_to_their_end() -> None:
    batch, outcome = waybill(0), Outcome(possible_duplicates=7)
    session = Session(4).put(batch)
    session.start()
    assert session.end(0, again(delivered=3)) == []
    assert session.heeded == (3, 0)
    session.start()
    assert session.end(0, Step(Kind.TAKEN, 1, 2, outcome)) == [Settled(batch, outcome)]
    assert session.heeded == (4, 2)
    assert session.courier.take_settled() == []


def test_a_batch_is_sent_where_its_records_are() -> None:
    session = Session(4, places=3).put(*(waybill(number, place=place) for number, place in enumerate((2, 0, 1))))
    session.start()
    session.end(0, again())
    session.start()
    assert [(task.place, task.number) for task in session.places.sent] == [(2, 0), (0, 1), (1, 2), (2, 0)]


# Pauses


def test_a_batch_that_pauses_keeps_its_lanes_and_counts_as_begun() -> None:
    session = Session(2).put(*batches((0,), (0,), (1,), (2,)))
    session.start()
    session.end(0, again(pause_s=5.0))
    assert session.start() == []
    session.finish(2)
    assert session.start() == [3]
    assert session.start(after_s=5.0) == [0]


def test_a_batch_that_pauses_leaves_its_place_at_the_functions_pace_to_others() -> None:
    session = Session(4, each=1).put(*batches((0,), (1,)))
    assert session.start() == [0]
    session.end(0, again(pause_s=5.0))
    assert session.pace.in_flight == 0
    assert session.start() == [1]
    assert session.start(after_s=5.0) == []
    session.finish(1)
    assert session.start() == [0]


def test_what_was_begun_goes_on_before_anything_new_begins() -> None:
    session = Session(2, each=1).put(*batches((0,), (1,), (2,)))
    session.start()
    session.end(0, again(pause_s=0.0))
    assert session.start() == [0]


def test_pauses_end_in_the_order_of_their_times_and_none_too_early() -> None:
    session = Session(4).put(*batches((0,), (1,), (2,)))
    session.start()
    for number, pause_s in enumerate((3.0, 1.0, 2.0)):
        session.end(number, again(pause_s=pause_s))
    assert session.start(after_s=0.99) == []
    assert [session.start(after_s=after) for after in (0.01, 1.0, 1.0)] == [[1], [2], [0]]


def test_a_batch_enters_its_functions_pace_anew_with_the_events_that_are_left_of_it() -> None:
    session = Session(4, rate=10.0).put(waybill(0, events=10), waybill(1))
    session.start()
    session.end(0, again(Kind.TAKEN, events=5, delivered=5))
    assert session.start(after_s=1.0) == [1]
    assert session.start(after_s=0.1) == [0]
    session.put(waybill(2))
    assert session.start(after_s=0.49) == []
    assert session.start(after_s=0.01) == [2]


# Paces


def test_a_function_without_room_does_not_hold_up_another() -> None:
    session = Session(8, each=2)
    session.put(*(waybill(number, (number,), function="fffg"[number]) for number in range(4)))
    assert session.start() == [0, 1, 3]
    session.finish(1)
    assert session.start() == [2]


def test_nor_does_one_of_which_what_was_begun_has_no_room() -> None:
    session = Session(8, each=4)
    session.put(*(waybill(number, (number,), function="ffg"[number]) for number in range(3)))
    session.start()
    for number in (0, 1, 2):
        session.end(number, again(Kind.THROTTLED, pause_s=1.0))
    session.pace_of("f").enter(1)
    session.pace_of("f").enter(1)
    assert session.start(after_s=1.0) == [2]


def test_throttling_makes_way_and_success_takes_it_back() -> None:
    session = Session(8, each=8).put(*batches(*((number,) for number in range(8))))
    session.start()
    for number in range(8):
        session.end(number, again(Kind.THROTTLED, pause_s=1.0))
    assert session.pace.limit == 4
    assert session.start(after_s=1.0) == [0, 1, 2, 3]
    session.finish(0)
    assert session.pace.limit == 4.25


def test_the_rate_is_held_with_turns_booked_ahead() -> None:
    session = Session(4, rate=10.0)
    for number in range(12):
        session.put(waybill(number, events=5))
    starts: list[float] = []
    while len(starts) < 12:
        starts += [session.clock.now for _ in session.start()]
        for task in list(session.places.under_way):
            session.finish(task.number)
        session.start()
        session.clock.now += session.courier.wait_s()
    assert starts == pytest.approx([100.0 + number * 0.5 for number in range(12)])


def test_all_functions_share_the_rate_and_go_in_the_order_in_which_they_came() -> None:
    session = Session(4, rate=1.0)
    session.put(*(waybill(number, function="fg"[number % 2]) for number in range(4)))
    assert [session.start(after_s=after) for after in (0.0, 1.0, 1.0, 1.0)] == [[0], [1], [2], [3]]


def test_a_new_rate_holds_for_turns_that_were_booked() -> None:
    session = Session(4, rate=0.001).put(*batches((), (), ()))
    assert session.start() == [0]
    session.pace.set_rate(10.0)
    assert session.start() == []
    assert [session.start(after_s=0.1) for _ in range(2)] == [[1], [2]]


def test_in_a_pause_of_the_run_nothing_begins_and_what_is_under_way_may_end() -> None:
    session = Session(4, rate=10.0).put(*batches((), (), ()))
    session.start()
    session.pace.set_paused(True)
    assert session.start(after_s=60.0) == []
    session.finish(0)
    assert session.courier.wait_s() == LOOK_S
    session.pace.set_paused(False)
    assert [session.start(after_s=0.1) for _ in range(2)] == [[1], [2]]


# How long there is nothing to do


def test_it_waits_until_the_next_turn_or_the_end_of_a_pause_but_never_long() -> None:
    session = Session(4, rate=10.0).put(*batches((), ()))
    assert session.courier.wait_s() == LOOK_S
    session.start()
    assert session.courier.wait_s() == pytest.approx(0.1)
    session.start(after_s=0.1)
    assert session.courier.wait_s() == LOOK_S
    session.end(0, again(pause_s=0.04))
    assert session.courier.wait_s() == pytest.approx(0.04)
    session.end(1, again(pause_s=0.02))
    assert session.courier.wait_s() == pytest.approx(0.02)
    session.clock.now += 1.0
    assert session.courier.wait_s() == 0.0


def test_what_waits_for_room_is_not_looked_at_all_the_time() -> None:
    session = Session(4, each=1).put(*batches((0,), (1,)))
    session.start()
    session.end(0, again(pause_s=0.01))
    session.start()
    session.start(after_s=1.0)
    assert session.courier.wait_s() == LOOK_S


# Stopping


def test_after_a_stop_nothing_begins() -> None:
    session = Session(2).put(*batches((0,), (1,), (2,)))
    session.start()
    session.courier.stop()
    session.finish(0)
    assert session.start(after_s=60.0) == []
    assert not session.courier.is_idle
    assert [batch.number for batch, _ in session.end(1)] == [1]
    assert session.courier.is_idle


def _pausing(session: Session) -> None:
    session.start()
    session.end(0, again(pause_s=60.0))


def _waiting_for_its_turn(session: Session) -> None:
    session.pace.set_rate(0.001)
    session.start()
    session.end(0, again())
    assert session.start() == []


def _waiting_for_room(session: Session) -> None:
    session.start()
    session.end(0, again())
    session.pace.set_paused(True)
    assert session.start() == []


def _under_way(session: Session) -> None:
    session.start()


@pytest.mark.parametrize("state", [_pausing, _waiting_for_its_turn, _waiting_for_room, _under_way])
def test_a_stop_gives_up_what_was_begun_and_tells_what_became_of_it(state: Callable[[Session], None]) -> None:
    session = Session(2).put(waybill(0))
    state(session)
    session.courier.stop()
    if state is _under_way:
        assert session.end(0, again(pause_s=1.0, delivered=1)) == []
    assert session.places.numbers("abandon") == [0]
    assert not session.courier.is_idle
    ((batch, outcome),) = session.end(0, LEFT)
    assert (batch.number, outcome) == (0, LEFT.outcome)
    assert session.courier.is_idle
    assert session.pace.in_flight == 0


def test_a_stop_asks_for_nothing_that_was_not_sent() -> None:
    session = Session(4, rate=0.001).put(*batches((), (), ()))
    assert session.start() == [0]
    session.courier.stop()
    session.finish(0)
    assert [task.method for task in session.places.sent] == ["attempt"]
    assert session.courier.is_idle
    assert session.pace.in_flight == 0


def test_to_be_told_to_stop_again_changes_nothing() -> None:
    session = Session(4).put(waybill(0))
    _pausing(session)
    for _ in range(3):
        session.courier.stop()
    assert session.places.numbers("abandon") == [0]


def test_once_stopped_it_looks_for_what_ends_and_for_nothing_else() -> None:
    session = Session(4).put(*batches((), ()))
    session.start()
    session.end(0, again(pause_s=0.001))
    session.courier.stop()
    assert session.courier.wait_s() == LOOK_S


@given(
    st.lists(st.sets(st.integers(0, 3), max_size=2), max_size=20),
    st.integers(1, 4),
    st.integers(0, 40),
    st.randoms(use_true_random=False),
)
def test_whenever_it_is_stopped_each_batch_that_was_sent_has_an_outcome_and_no_other(
    found: list[set[int]], concurrency: int, turns: int, chance: random.Random
) -> None:
    session, settled = Session(concurrency), list[int]()
    coming = batches(*(sorted(mine) for mine in found))
    for _ in range(turns):
        while coming and session.lanes.has_room():
            session.put(coming.pop(0))
        session.start(after_s=chance.choice([0.0, 2.0]))
        if session.places.under_way:
            ended = session.end_task(chance.choice(session.places.under_way), chance.choice(ANSWERS))
            settled += [batch.number for batch, _ in ended]
            session.courier.let_go(ended)
    session.courier.stop()
    sent = _firsts(session)
    while not session.courier.is_idle:
        task = chance.choice(session.places.under_way)
        step = LEFT if task.method == "abandon" else chance.choice(ANSWERS)
        settled += [batch.number for batch, _ in session.end_task(task, step)]
    assert sorted(settled) == sorted(sent) == sorted(_firsts(session))
    assert session.pace.in_flight == 0


# Places that are lost


def test_of_a_lost_place_the_records_under_way_are_told() -> None:
    session = Session(4, places=2)
    session.put(*(waybill(number, events=10 + number, place=number % 2) for number in range(4)))
    session.start()
    assert session.courier.lose(1) == 11 + 13
    assert session.courier.lose(1) == 0
    session.finish(0)
    assert not session.courier.is_idle
    session.finish(2)
    assert session.courier.is_idle


@pytest.mark.parametrize("state", [_pausing, _waiting_for_its_turn, _waiting_for_room])
def test_so_are_those_that_were_sent_in_part_whose_fates_it_alone_knew(state: Callable[[Session], None]) -> None:
    session = Session(4).put(waybill(0, events=10))
    state(session)
    assert session.courier.lose(0) == 10


def test_what_was_never_sent_from_a_lost_place_is_not_in_doubt() -> None:
    session = Session(4, rate=0.001).put(*batches((), ()))
    session.start()
    session.finish(0)
    assert session.courier.lose(0) == 0


def test_what_a_lost_place_had_begun_is_sent_again_whole_once_it_is_elsewhere_and_first_of_its_lane() -> None:
    session = Session(4, places=2)
    session.put(*(waybill(number, (number % 2,), events=10, place=number % 2) for number in range(4)))
    assert session.start() == [0, 1]
    session.end(1, again(pause_s=5.0, events=5))
    moved = session.lose(1)
    assert session.start(after_s=10.0) == []
    assert session.courier.has_lost
    session.move(moved, 0)
    assert not session.courier.has_lost
    assert session.start() == [1]
    assert [task.place for task in session.places.sent] == [0, 1, 0]
    session.finish(1)
    assert session.start() == [3]
    session.finish(0)
    assert session.start() == [2]


def test_what_was_not_begun_at_a_lost_place_is_begun_once_it_is_elsewhere() -> None:
    session = Session(1, places=2).put(*(waybill(number, place=number) for number in range(2)))
    assert session.start() == [0]
    moved = session.lose(1)
    session.finish(0)
    assert session.start() == []
    session.move(moved, 0)
    assert session.start() == [1]
    session.finish(1)
    assert session.lanes.is_empty


def test_the_turns_of_a_lost_place_are_free_for_others() -> None:
    session = Session(2, places=2).put(*(waybill(number, place=number % 2) for number in range(4)))
    assert session.start() == [0, 1]
    session.lose(1)
    assert session.pace.in_flight == 1
    session.finish(0)
    assert session.start() == [2]


def test_what_waits_for_the_rate_elsewhere_moves_up_where_what_waited_at_a_lost_place_was_next() -> None:
    session = Session(8, rate=1.0, places=2).put(*(waybill(number, place=number % 2) for number in range(6)))
    assert session.start() == [0]
    moved = session.lose(1)
    assert [session.start(after_s=1.0) for _ in range(2)] == [[2], [4]]
    session.move(moved, 0)
    assert [session.start(after_s=1.0) for _ in range(3)] == [[1], [3], [5]]


def test_no_place_has_more_under_way_than_it_has_room_for() -> None:
    session = Session(8, places=2).put(*(waybill(number, place=number % 2) for number in range(8)))
    session.places.most = {0: 1, 1: 3}
    assert sorted(session.start()) == [0, 1, 3, 5]
    session.finish(3)
    assert session.start() == [7]


def test_nothing_is_asked_of_a_lost_place() -> None:
    session = Session(4, places=2)
    session.put(*(waybill(number, place=number) for number in range(2)))
    session.start()
    for number in (0, 1):
        session.end(number, again(pause_s=5.0))
    session.courier.lose(0)
    session.courier.stop()
    assert session.places.numbers("abandon") == [1]
    session.end(1, LEFT)
    assert session.courier.is_idle
