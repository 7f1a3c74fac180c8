"""From an agenda to batches: the same ones, in the same order, however many places read and however long each takes."""

import pickle
import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.aws import Aws, AwsAccess
from cncbops.delivery.lanes import PULLED_AT_A_TIME, Lanes
from cncbops.delivery.outcome import Outcome, Settled, Undelivered, Waybill
from cncbops.errors import CannotRun
from cncbops.execution import chunk_reading
from cncbops.execution.crew import READERS
from cncbops.execution.executor import Then
from cncbops.execution.station import Outfit, Station
from cncbops.execution.tasks import Chunk
from cncbops.function_name import parse_function
from cncbops.kinesis.batching import BatchLimits
from cncbops.kinesis.record import Record
from cncbops.lake.lines import Block
from cncbops.lake.objects import LakeObject, ObjectUnreadable
from cncbops.recipients import Recipient, Recipients
from cncbops.request import ReplayRequest
from cncbops.session import chunks as chunking
from cncbops.session.agenda import Item
from cncbops.session.canary import Canary
from cncbops.session.chunks import Chunks
from cncbops.session.entry import Entry
from cncbops.session.findings import Findings
from cncbops.session.intake import Intake, Manner
from cncbops.session.journal import Journal
from cncbops.session.keeper import NoKeeper
from cncbops.session.reading import Reader
from cncbops.session.recovery import Recovery
from cncbops.target import Target
from cncbops.terms import settle
from tests.ledger.runs import lake_object, record_of
from tests.session.given import Given

OBJECTS_A_CHUNK = 2
PORTION_BYTES = 500
FN = parse_function("fn")
REQUEST = ReplayRequest(sources=(), function=FN)
SMALL = BatchLimits(4, 100_000)
MANNER = Manner(
    reads_one_by_one=False, portion_bytes=PORTION_BYTES, limit=None, shows_first=False, is_first=True, chosen=0
)


@pytest.fixture(autouse=True, scope="module")
def small_steps() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(chunking, "CHUNK_OBJECTS", OBJECTS_A_CHUNK)
        patched.setattr(chunking, "CHUNK_MESSAGES", OBJECTS_A_CHUNK)
        yield


def an_object(number: int, keys: str) -> Item:
    """An object that holds a record of each of these keys; `!` ends it as unreadable, `#` as what ends runs."""
    found = replace(lake_object(number), bucket="lake", size=max(len(keys), 1))
    return Item(0, found, content=keys.encode())


@dataclass
class Letters(Reader):
    """A reader that makes a record of each letter, three at a time, up to the limit."""

    chosen: int
    limit: int | None = None
    size: int = 20

    @property
    def is_at_limit(self) -> bool:
        return self.limit is not None and self.chosen >= self.limit

    def read(self, item: Item, entry: Entry, blocks: Iterator[Block], findings: Findings) -> Iterator[Sequence[Record]]:
        keys = b"".join(block.data for block in blocks).decode().rstrip("\n")
        for at in range(0, len(keys), 3):
            yield self._records(keys[at : at + 3], entry, findings)
            if self.is_at_limit:
                return
            for end in "!#":
                if end in keys[at : at + 3]:
                    raise ENDS[end]

    def _records(self, keys: str, entry: Entry, findings: Findings) -> list[Record]:
        found = []
        for key in keys:
            if key in "!#" or self.is_at_limit:
                break
            record = record_of(entry, entry.pulled, key, padding=self.size)
            entry.pulled += 1
            entry.matched += 1
            self.chosen += 1
            findings.tally.events.matched += 1
            if key == "%":  # too large
                findings.fail(entry, 1)
                findings.tally.events.failed += 1
            else:
                found.append(record)
        findings.touch(entry)
        return found


ENDS: Mapping[str, Exception] = {
    "!": ObjectUnreadable("CorruptObject", "it ends in the midst"),
    "#": CannotRun("the token expired", "Log in again"),
}


@dataclass
class Places:
    """An executor whose tasks end in any order, when the test says so."""

    outfit: Outfit
    count: int
    chance: random.Random

    def __post_init__(self) -> None:
        self._stations = {place: Station(self.outfit) for place in range(self.count)}
        self.waiting: list[tuple[int, str, Sequence[Any], Then]] = []
        self.begun: list[str] = []

    def submit(self, place: int, method: str, *arguments: Any, then: Then) -> None:
        self.begun.append(method)
        arguments = pickle.loads(pickle.dumps(arguments))  # as on the way to another process
        self.waiting.append((place, method, arguments, then))

    def ended(self, _longest_s: float) -> Sequence[tuple[Then, Any]]:
        if not self.waiting:
            return []
        place, method, arguments, then = self.waiting.pop(self.chance.randrange(len(self.waiting)))
        return [(then, getattr(self._stations[place], method)(*arguments))]

    @property
    def places(self) -> Sequence[int]:
        return tuple(self._stations)

    def room(self, place: int) -> int:
        return self.count

    def lose(self, place: int) -> None:
        """Let a place go, with all that it has; another comes."""
        del self._stations[place]
        self._stations[self.count] = Station(self.outfit)
        self.count += 1
        self.waiting = [each for each in self.waiting if each[0] != place]

    def close(self) -> None:
        pass

    def places_of(self, batch: Waybill) -> list[int]:
        """Those of the records that would be sent of a batch."""
        (work,) = self._stations[batch.place]._deliveries.pop(batch.batch).todo
        return [record.place for record in work.batch.records]

    @property
    def reading(self) -> list[Chunk]:
        return [arguments[0] for _, method, arguments, _ in self.waiting if method == "read"]


@dataclass
class Session:
    """A session that reads at so many places; its batches are settled when the test says so."""

    items: Sequence[Item | Exception | None]
    places: int = 1
    seed: int = 0
    lanes: int = 8
    concurrency: int = 4
    canary: int | None = None
    limits: BatchLimits = SMALL
    manner: Manner = MANNER
    size: int = 20
    heard: list[tuple[int, int]] = field(default_factory=list)
    halted: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        target = Target(FN)
        recipient = Recipient(FN, target, replace(settle(REQUEST, target, "us-east-1"), limits=self.limits))
        limit = self.manner.limit
        outfit = Outfit(
            aws=Aws(AwsAccess(region="us-east-1")),
            s3=lambda: None,
            recipients=Recipients(("", recipient)),
            reader=lambda chosen: Letters(chosen, limit, self.size),
            lanes=self.lanes,
            objects_ahead=2,
            portion_bytes=PORTION_BYTES,
            canary=self.canary,
            names_records=False,
            sends=True,
        )
        self.executor = Places(outfit, self.places, self.chance)
        self.stop = threading.Event()
        self.agenda = Given(*self.items)
        self.journal = Journal(NoKeeper(), over=lambda entry: self.recovery.forget(entry))
        self.all_lanes = Lanes(self.concurrency)
        self.recovery = Recovery(self.all_lanes, self.journal, PORTION_BYTES)
        self.chunks = Chunks(self.agenda, self.journal, 1_000_000, self.stop)
        self.intake = Intake(
            self.chunks,
            self.all_lanes,
            self.journal,
            Canary(self.halted.append),
            self.manner,
            self.recovery,
            lambda delivered, failed: self.heard.append((delivered, failed)),
            self.stop,
        )
        self.open: list[Waybill] = []
        self.lost: list[Waybill] = []
        self.sent: list[Waybill] = []

    def read(self) -> None:
        """Take one step of reading: what there is room for begins, and one task ends."""
        self.intake.feed(self.executor)
        for then, result in self.executor.ended(0):
            then(result)

    def read_all(self) -> None:
        """Read until that goes no further."""
        while True:
            self.intake.feed(self.executor)
            if not self.executor.waiting:
                return
            self.read()

    def send(self) -> None:
        """Begin what may begin."""
        while len(self.open) < self.concurrency and (batch := self.all_lanes.next(lambda _: True)):
            self.open.append(batch)
            self.sent.append(batch)

    def settle(self, batch: Waybill | None = None, *, fails: bool = False) -> None:
        batch = batch or self.chance.choice(self.open)
        self.open.remove(batch)
        assert self.executor.places_of(batch) == list(batch.places)
        outcome = Outcome(is_whole=True)
        if fails:
            records = [record_of(Entry(place >> 32, 0, lake_object(0)), place & 0xFF) for place in batch.places]
            outcome = Outcome(failed=[Undelivered(record, "E", "m") for record in records])
        self.journal.take([Settled(batch, outcome)])
        self.all_lanes.settle(batch)
        self.intake.settled([Settled(batch, outcome)])

    def lose(self) -> None:
        """One place is gone; those of its batches that were begun are to be begun again."""
        place = self.chance.choice(self.executor.places)
        self.executor.lose(place)
        self.intake.lose(place)
        self.lost += [batch for batch in self.open if batch.place == place]
        self.open = [batch for batch in self.open if batch.place != place]
        self.recovery.lose(place)

    def take_up(self, batch: Waybill) -> bool:
        """A batch is there again; whether it had been begun, which it is now again."""
        if batch not in self.lost:
            return False
        self.lost.remove(batch)
        self.open.append(batch)
        return True

    def run(self, losses: int = 0) -> "Session":
        """Go through with all of it, though so many places are lost on the way."""
        steps = 0
        while not (self.intake.is_done and self.all_lanes.is_empty):
            steps += 1
            assert steps < 20_000, "it stands still"
            if losses and self.chance.random() < 0.1:
                losses -= 1
                self.lose()
            self.recovery.restore(self.executor, self.take_up)
            self.read()
            self.send()
            if self.open and self.chance.random() < 0.6:
                self.settle()
        return self

    @property
    def told(self) -> list[tuple[Any, ...]]:
        """The batches in the order in which they were given out."""
        sent = sorted(self.sent, key=lambda each: each.number)
        return [(each.number, list(each.places), each.lanes, each.marks, each.is_canary) for each in sent]

    @property
    def places_sent(self) -> list[int]:
        return sorted(place for batch in self.sent for place in batch.places)


def lake(*objects: str) -> list[Item]:
    return [an_object(number, keys) for number, keys in enumerate(objects)]


def places_of(*objects: str) -> list[int]:
    """Where the records of such a lake that can be sent are."""
    return [
        (number << 32) + at
        for number, keys in enumerate(objects)
        for at, key in enumerate(keys.partition("!")[0])
        if key != "%"
    ]


ANY_LAKE = st.lists(st.text("abcdefgh%", max_size=60), max_size=14)
LARGE = "abcdefgh" * 40


@given(ANY_LAKE, st.integers(2, 3), st.sampled_from([0, 1, 8]), st.none() | st.integers(1, 30), st.integers(0, 2**32))
def test_batches_numbers_and_counts_are_those_of_one_place_that_reads_alone(
    objects: list[str], places: int, lanes: int, canary: int | None, seed: int
) -> None:
    alone = Session(lake(*objects), 1, 0, lanes, canary=canary).run()
    several = Session(lake(*objects), places, seed, lanes, canary=canary).run()
    assert several.told == alone.told
    assert several.journal.tally == alone.journal.tally
    assert several.places_sent == places_of(*objects)
    assert several.intake.is_exhausted
    assert sorted(batch.number for batch in several.sent) == list(range(len(several.sent)))


@given(ANY_LAKE, st.integers(1, 3), st.sampled_from([0, 1, 8]), st.none() | st.integers(1, 30), st.integers(0, 2**32))
def test_places_that_are_lost_change_neither_batches_nor_counts(
    objects: list[str], places: int, lanes: int, canary: int | None, seed: int
) -> None:
    undisturbed = Session(lake(*objects), 1, 0, lanes, canary=canary).run()
    losing = Session(lake(*objects), places, seed, lanes, canary=canary).run(losses=4)
    assert losing.told == undisturbed.told
    assert losing.journal.tally == undisturbed.journal.tally
    assert losing.places_sent == places_of(*objects)
    assert losing.intake.is_exhausted


@given(ANY_LAKE, st.integers(1, 3), st.integers(0, 2**32))
def test_an_object_that_cannot_be_read_to_its_end_holds_nothing_else_up(
    objects: list[str], places: int, seed: int
) -> None:
    broken = [f"{keys}!ab" if number % 3 == 1 else keys for number, keys in enumerate(objects)]
    session = Session(lake(*broken), places, seed).run()
    assert session.places_sent == places_of(*broken)
    assert session.journal.tally.objects.failed == sum("!" in keys for keys in broken)
    assert (session.intake.is_exhausted, session.intake.error) == (True, None)


def test_several_places_read_at_once_as_far_ahead_as_there_is_room() -> None:
    session = Session(lake(*["abc"] * 40), 3)
    session.intake.feed(session.executor)
    assert len(session.executor.reading) == 3 * READERS
    numbers = [entry.number for chunk in session.executor.reading for _, entry in chunk.items]
    assert numbers == list(range(3 * READERS * OBJECTS_A_CHUNK))
    assert len({place for place, *_ in session.executor.waiting}) == 3


def test_without_room_nothing_is_begun_and_no_object_read_on() -> None:
    session = Session(lake(*[LARGE] * 20), 2, concurrency=1, limits=BatchLimits(1, 100_000))
    session.read_all()
    assert session.all_lanes.has_room() is False
    begun, taken = len(session.executor.begun), session.agenda.taken
    session.read_all()
    assert (len(session.executor.begun), session.agenda.taken) == (begun, taken)
    assert session.journal.tally.events.matched < 6 * len(LARGE)
    assert session.places_sent == []
    assert session.run().places_sent == places_of(*[LARGE] * 20)


@given(st.integers(1, 40), st.integers(0, 2**32))
def test_no_more_than_the_limit_is_chosen_and_nothing_is_read_beyond(limit: int, seed: int) -> None:
    objects = ["abcdefg"] * 8
    manner = replace(MANNER, reads_one_by_one=True, limit=limit)
    session = Session(lake(*objects), 2, seed, manner=manner).run()
    assert session.places_sent == places_of(*objects)[:limit]
    assert (session.intake.is_exhausted, session.intake.error) == (True, None)
    assert session.journal.tally.objects.read <= -(-limit // 7)


def test_what_was_chosen_before_counts_to_the_limit() -> None:
    manner = replace(MANNER, reads_one_by_one=True, limit=5, chosen=3)
    assert Session(lake("abcdefg"), manner=manner).run().places_sent == [0, 1]


def test_where_one_chunk_decides_over_the_next_they_are_read_one_after_another() -> None:
    session = Session(lake(*["abc"] * 9), 3, manner=replace(MANNER, reads_one_by_one=True))
    session.intake.feed(session.executor)
    assert len(session.executor.reading) == 1
    session.run()
    assert session.executor.begun.count("read") == 5
    assert ("read", "read") not in list(pairwise(session.executor.begun))


@given(st.integers(1, 3), st.integers(0, 60), st.integers(0, 2**32))
def test_once_stopped_nothing_more_is_read_or_put_in_its_lane(places: int, after: int, seed: int) -> None:
    session = Session(lake(*[LARGE] * 6), places, seed)
    for _ in range(after):
        session.read()
        session.send()
        if session.open:
            session.settle()
    session.stop.set()
    begun, matched = list(session.executor.begun), session.journal.tally.events.matched
    under_way = sum(method == "cut" for _, method, _, _ in session.executor.waiting)
    while session.executor.waiting:
        session.read()
    assert session.executor.begun == begun
    assert session.journal.tally.events.matched == matched
    assert under_way <= 1
    assert not session.intake.is_exhausted or session.intake.is_done


def test_what_comes_before_a_wait_is_settled_before_more_is_looked_for() -> None:
    session = Session([*lake("abc", "de"), None, an_object(2, "f"), None, an_object(3, "gh")], 2)
    for count, taken in ((5, 3), (6, 5)):
        session.read_all()
        session.send()
        assert len(session.places_sent) == count
        assert session.agenda.taken == taken
        while session.open:
            session.settle()
    session.run()
    assert session.places_sent == places_of("abc", "de", "f", "gh")


def test_a_wait_for_nothing_is_over_at_once() -> None:
    session = Session([None, an_object(0, ""), None, an_object(1, "a"), None])
    assert session.run().places_sent == places_of("", "a")


def test_all_that_was_found_is_sent_before_the_error_of_finding_more_is_told() -> None:
    session = Session([*lake("abc", "de", "f"), CannotRun("access denied", "Ask")], 2).run()
    assert session.places_sent == places_of("abc", "de", "f")
    assert str(session.intake.error) == "access denied. Ask"
    assert not session.intake.is_exhausted


@given(st.integers(1, 3), st.integers(0, 2**32))
def test_where_reading_ends_for_all_what_comes_before_is_sent_and_nothing_from_behind(places: int, seed: int) -> None:
    """Else the rest, which a resumed run sends, would come after what is behind it."""
    session = Session(lake("ab", LARGE, "abcdef", "abc#def", "gh", "abc", LARGE), places, seed).run()
    assert session.places_sent == places_of("ab", LARGE, "abcdef", "abc")
    assert str(session.intake.error) == "the token expired. Log in again"
    assert session.intake.is_exhausted is False
    assert session.journal.tally.objects.listed == 4


def denied(number: int) -> Item:
    """An object of a bucket whose objects may not be read."""
    return Item(0, lake_object(number))


@pytest.fixture
def denying(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_object(found: LakeObject, _s3: object) -> None:
        raise ObjectUnreadable("AccessDenied", "access denied")

    monkeypatch.setattr(chunk_reading, "open_object", open_object)


@pytest.mark.usefixtures("denying")
@pytest.mark.parametrize("places", [1, 3])
def test_where_the_first_object_may_not_be_read_nothing_is_tried_further(places: int) -> None:
    session = Session([denied(number) for number in range(30)], places, seed=3)
    with pytest.raises(CannotRun, match=r"cannot read s3://lake/s1/0: access denied.*s3:GetObject"):
        session.run()


@pytest.mark.usefixtures("denying")
@pytest.mark.parametrize(("is_first", "before"), [(False, []), (True, lake("abc", "d"))])
def test_where_others_were_read_one_that_may_not_be_is_only_unreadable(is_first: bool, before: list[Item]) -> None:
    session = Session([*before, denied(7), denied(8)], 2, manner=replace(MANNER, is_first=is_first)).run()
    assert session.journal.tally.objects.failed == 2
    assert len(session.places_sent) == sum(len(each.content or b"") for each in before)


def test_records_that_cannot_be_sent_are_told_of_as_they_are_read() -> None:
    session = Session(lake("a%%", "b", "c%", "d"), 2).run()
    assert sum(failed for _, failed in session.heard) == 3
    assert session.places_sent == places_of("a%%", "b", "c%", "d")


@pytest.mark.parametrize("places", [1, 3])
def test_a_plan_shows_the_first_record_of_the_lake(places: int) -> None:
    manner = replace(MANNER, shows_first=True)
    session = Session(lake("", "", "%", "xyz", *["abc"] * 9), places, 5, manner=manner).run()
    assert session.intake.first_record
    assert session.intake.first_record.place == 3 << 32
    assert Session(lake("abc")).run().intake.first_record is None


@pytest.mark.parametrize(("count", "is_small"), [(0, True), (1, True), (OBJECTS_A_CHUNK, True), (9, False)])
def test_what_fills_one_chunk_is_small_and_nobody_looks_further_to_know(count: int, is_small: bool) -> None:
    session = Session(lake(*["abc"] * count), 2)
    assert session.intake.is_small() is is_small
    assert session.agenda.taken <= 2 * OBJECTS_A_CHUNK
    assert session.executor.begun == []
    assert session.run().places_sent == places_of(*["abc"] * count)


# The canary


def test_while_a_canary_is_out_no_more_is_read_than_was_begun() -> None:
    session = Session(lake(*[LARGE] * 20), 2, canary=2, concurrency=8)
    session.read_all()
    session.send()
    assert [batch.is_canary for batch in session.sent] == [True] * len(session.sent)
    assert len(session.places_sent) == 2
    assert session.journal.tally.events.matched < len(LARGE), "not even a large object is read to its end"
    while session.open:
        session.settle()
    assert session.run().places_sent == places_of(*[LARGE] * 20)
    assert session.halted == []


def test_a_canary_that_fails_is_all_that_was_sent() -> None:
    session = Session(lake(*["abcdefgh"] * 9), 3, canary=2)
    session.read_all()
    session.send()
    while session.open:
        session.settle(session.open[0], fails=True)
        session.send()
    assert set(session.halted) == {"2 of the canary's 2 records failed"}
    assert session.places_sent == [0, 1]


@given(st.integers(1, 4), st.integers(1, 9), st.integers(0, 2**32))
def test_a_canary_whose_records_wait_for_one_another_keeps_nobody_waiting_for_ever(
    concurrency: int, canary: int, seed: int
) -> None:
    objects = ["aaaaaaaaa", *["abcdefgh"] * (2 * PULLED_AT_A_TIME)]
    session = Session(
        lake(*objects), 1, seed, canary=canary, concurrency=concurrency, limits=BatchLimits(1, 100_000)
    ).run()
    assert session.places_sent == places_of(*objects)
    (first, *_) = session.sent
    assert first.is_canary
