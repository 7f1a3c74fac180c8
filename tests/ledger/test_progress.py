"""What a run has settled is known after every end of a session: nothing is lost, nothing settled is sent again.

Sessions here pull and batch as the real ones do and write to a real ledger; only the function is left out. Each
is cut at a random point, and the next one goes on from the ledger alone.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.delivery.outcome import Outcome, Settled, Undelivered
from cncbops.kinesis.batching import BatchLimits
from cncbops.kinesis.record import Record, lane_of
from cncbops.ledger import marks
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import Run
from cncbops.ledger.worker import this_worker
from cncbops.session.agenda import Item
from cncbops.session.entry import Entry
from cncbops.session.findings import Findings
from cncbops.session.journal import Journal
from tests.ledger.runs import Cuts, Sent, begin, lake_object, record_of

SESSIONS = 6
numbers = count()

Lake = Sequence[Sequence[tuple[str, str]]]
"""Objects, each with the keys and shards of its records."""

lakes = st.lists(
    st.lists(st.tuples(st.sampled_from("abcdefg"), st.sampled_from("xy")), max_size=12), min_size=1, max_size=6
)
limits = st.builds(BatchLimits, st.integers(1, 6), st.integers(200, 800) | st.just(100_000))


class Cut(Exception):
    """The session ends here, without a word."""


@dataclass
class World:
    """A run of a lake, and what really became of its records, by place."""

    ledger: Ledger
    run: Run
    lake: Lake
    limits: BatchLimits
    lanes: int
    chance: random.Random
    readable: bool
    fates: Counter[str] = field(default_factory=Counter)
    settled: set[int] = field(default_factory=set)

    def play(self) -> None:
        """Run sessions that end early, then one that does not."""
        for session in range(1, SESSIONS):
            _Session(self, session, patience=self.chance.randrange(25)).play()
            self.assert_ledger_knows()
        _Session(self, SESSIONS, patience=None).play()
        self.assert_all_is_done()

    def assert_ledger_knows(self) -> None:
        progress = self.ledger.known(self.run).progress(self.lanes)
        for entry in self.ledger.known(self.run).entries(unfinished=True):
            for ordinal, (key, _) in enumerate(self.lake[entry.number]):
                (place,) = entry.places(ordinal, 1)
                lane = lane_of(key, progress.lanes)
                assert progress.is_settled(place, lane, entry.pulled_before) == (place in self.settled)

    def assert_all_is_done(self) -> None:
        counts, everything = self.ledger.known(self.run).counts(), sum(map(len, self.lake))
        assert len(self.settled) == everything == counts.matched
        assert (counts.not_sent, counts.objects_done) == (0, counts.objects)
        fates = {"delivered": counts.delivered, "failed": counts.failed, "unknown": counts.unknown}
        assert fates == {name: self.fates[name] for name in fates}
        kept = Counter(each.failure.fate for each in self.ledger.known(self.run).failures(unmended=True))
        assert kept == Counter({fate: self.fates[fate] for fate in ("failed", "unknown")})


class _Session:
    """One session: pulls, delivers and writes down; out of patience, it is killed or stopped."""

    def __init__(self, world: World, number: int, patience: int | None) -> None:
        self.world, self.chance, self.patience = world, world.chance, patience
        self.stops = bool(world.chance.randrange(2))
        self.stopped = False
        if number > 1:
            assert world.ledger.take_up(world.run, "resume", this_worker(None)) == number
        self.progress = world.ledger.known(world.run).progress(world.lanes)
        self.writer = world.ledger.run_writer(world.run, number)
        self.journal = Journal(self.writer, self.progress.next_number)
        self.findings = Findings()
        canary = self.chance.choice((None, 1, 3))
        self.cuts = Cuts({"": world.limits}, world.lanes, canary)
        self.open: list[Sent] = []
        self.under_way: list[Sent] = []  # when it was stopped

    def play(self) -> None:
        with pytest.MonkeyPatch.context() as patch, suppress(Cut):
            patch.setattr(marks, "MOST_PLACES", self.chance.choice((1, 10, 1_000)))
            for batch in self._batches():
                self.open.append(batch)
                while self.open and self.chance.random() < 0.6:
                    self._settle_one()
            while self.open:
                self._settle_one()
            self.journal.keep()
            self.writer.finish("interrupted", None, {}, listed=False)

    def _batches(self) -> Iterator[Sent]:
        """Portions are cut behind what was carried over; before some all else is waited for, as for messages."""
        for records in self._pulled():
            yield from self.cuts.add(records, flush=self.chance.random() < 0.1)
        if not self.stopped:
            yield from self.cuts.add([], flush=True)

    def _tire(self) -> None:
        if self.patience is not None:
            self.patience -= 1
            if self.patience < 0 and not self.stopped:
                self.stopped = True
                self.under_way = [batch for batch in self.open if self._is_head(batch)]
                if not self.stops:
                    raise Cut

    def _pulled(self) -> Iterator[list[Record]]:
        for number, left in self._agenda():
            if self.stopped:
                return
            entry = self.journal.entry_of(Item(0, lake_object(number), left))
            assert entry.number == number
            self.journal.open(entry)
            yield from self._records(entry.copy(), self._ending(number))

    def _agenda(self) -> Iterator[tuple[int, Entry | None]]:
        unfinished = list(self.world.ledger.known(self.world.run).entries(unfinished=True))
        yield from ((entry.number, entry) for entry in unfinished)
        yield from ((number, None) for number in range(self.progress.next_number, len(self.world.lake)))

    def _ending(self, number: int) -> int | None:
        """After how many records the object cannot be read any more, if so."""
        if self.patience is None or self.world.readable or self.chance.random() < 0.7:
            return None
        return self.chance.randint(0, len(self.world.lake[number]))

    def _records(self, entry: Entry, ending: int | None) -> Iterator[list[Record]]:
        chosen = [
            record_of(entry, ordinal, key, shard)
            for ordinal, (key, shard) in enumerate(self.world.lake[entry.number][:ending])
        ]
        pulled = 0
        while pulled < len(chosen) and not self.stopped:
            block = chosen[pulled : pulled + self.chance.randint(1, 5)]
            pulled += len(block)
            left = [each for each in block if not self._is_settled(each, entry)]
            assert not self.world.settled & {each.place for each in left}
            entry.pulled = pulled
            entry.matched = max(entry.matched, pulled)
            self._take_in(entry)
            yield left
            self._tire()
        if ending is None:
            entry.ended = not self.stopped
        else:
            entry.error = "NoSuchKey"
        self._take_in(entry)

    def _take_in(self, entry: Entry) -> None:
        self.findings.touch(entry)
        self.journal.take_in(self.findings.take())

    def _is_settled(self, each: Record, entry: Entry) -> bool:
        return self.progress.is_settled(
            each.place, lane_of(each.partition_key, self.progress.lanes), entry.pulled_before
        )

    def _settle_one(self) -> None:
        """Let a batch come back that may have been sent; it may be cut itself."""
        batch = self.chance.choice([batch for batch in self.open if self._is_head(batch)])
        outcome = self._outcome(batch)
        self._tire()
        self.journal.take([Settled(batch.bill, outcome.without_payloads(named=self.chance.random() < 0.5))])
        self.open.remove(batch)
        for fate in ("delivered", "failed", "unknown"):
            self.world.fates[fate] += len(getattr(outcome, fate))
        left = {each.place for each in outcome.not_sent}
        self.world.settled |= {each.place for each in batch.records} - left
        self._tire()

    def _is_head(self, batch: Sent) -> bool:
        """Whether it is the first of all its lanes, and waits for no canary."""
        earlier = self.open[: self.open.index(batch)]
        waits = not batch.bill.is_canary and any(each.bill.is_canary for each in self.open)
        return not waits and all(set(batch.bill.lanes).isdisjoint(each.bill.lanes) for each in earlier)

    def _outcome(self, batch: Sent) -> Outcome:
        """Once stopped, a batch is not sent, unless it was under way: then perhaps in part."""
        outcome = Outcome()
        sent = len(batch.records)
        if self.stopped:
            sent = self.chance.randint(0, sent) if batch in self.under_way else 0
        for number, each in enumerate(self.chance.sample(batch.records, len(batch.records))):
            bad = self.chance.random()
            if number >= sent:
                outcome.not_sent.append(each)
            elif bad < 0.1:
                (outcome.failed if bad < 0.05 else outcome.unknown).append(Undelivered(each, "Bad", "bad"))
            else:
                outcome.delivered.append(each)
        return outcome


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with Ledger.open(tmp_path_factory.mktemp("state")) as opened:
        yield opened


@given(lakes, limits, st.integers(1, 4), st.integers(0, 2**32))
def test_in_lanes_nothing_is_lost_and_nothing_settled_is_sent_again(
    ledger: Ledger, lake: Lake, limits: BatchLimits, lanes: int, seed: int
) -> None:
    run = begin(ledger, f"run-{next(numbers)}")
    World(ledger, run, lake, limits, lanes, random.Random(seed), readable=True).play()


@given(lakes, limits, st.integers(0, 2**32))
def test_without_order_nothing_is_lost_and_nothing_settled_is_sent_again(
    ledger: Ledger, lake: Lake, limits: BatchLimits, seed: int
) -> None:
    run = begin(ledger, f"run-{next(numbers)}")
    World(ledger, run, lake, limits, 0, random.Random(seed), readable=True).play()


@given(lakes, limits, st.integers(0, 4), st.integers(0, 2**32))
def test_an_object_that_some_sessions_cannot_read_loses_nothing(
    ledger: Ledger, lake: Lake, limits: BatchLimits, lanes: int, seed: int
) -> None:
    run = begin(ledger, f"run-{next(numbers)}")
    World(ledger, run, lake, limits, lanes, random.Random(seed), readable=False).play()
