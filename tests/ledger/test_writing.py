"""What sessions write down: all of it or nothing, in little room, and a redrive puts failures right."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.delivery.outcome import Outcome, Settled, Undelivered
from cncbops.errors import CannotRun
from cncbops.kinesis.batching import BatchLimits
from cncbops.kinesis.record import Record
from cncbops.ledger.database import FILE_NAME
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.marks import MOST_PLACES
from cncbops.ledger.rows import Run, pack, unpack
from cncbops.ledger.worker import this_worker
from cncbops.session.entry import Entry
from cncbops.session.journal import Journal
from cncbops.tally import of_object, of_record
from cncbops.terms import LANES
from tests.delivery.batches import batch_of
from tests.ledger.runs import Cuts, Sent, begin, lake_object, record_of

FATES = ("delivered", "failed", "unknown")
numbers = count()


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with Ledger.open(tmp_path_factory.mktemp("state")) as opened:
        yield opened


def outcome_of(records: Sequence[Record], fates: Sequence[str], error: str = "Bad") -> Outcome:
    """What became of records, each with its fate."""
    outcome = Outcome()
    for record, fate in zip(records, fates, strict=True):
        bad = Undelivered(record, error, f"{error} it is")
        getattr(outcome, fate).append(record if fate in ("delivered", "not_sent") else bad)
    return outcome


def played(ledger: Ledger, fates: Sequence[Sequence[str]]) -> tuple[Run, dict[tuple[int, int], Record]]:
    """A finished run in which each record of each object had the fate given; its records by object and line."""
    run = begin(ledger, f"run-{next(numbers)}")
    writer = ledger.run_writer(run, 1)
    journal, cuts = Journal(writer), Cuts({"": BatchLimits(3, 100_000)}, 2)
    records, batches, fate_of = {}, [], {}
    for number, of_object_ in enumerate(fates):
        entry = Entry(number, 0, lake_object(number))
        journal.open(entry)
        entry.matched, entry.ended = len(of_object_), True
        for ordinal, fate in enumerate(of_object_):
            record = record_of(entry, ordinal, key=f"key-{ordinal % 3}")
            records[number, record.line] = record
            fate_of[record.place] = fate
            batches += cuts.add([record])
    for batch in (*batches, *cuts.add([], flush=True)):
        fates_of_batch = [fate_of[each.place] for each in batch.records]
        journal.take([Settled(batch.bill, outcome_of(batch.records, fates_of_batch))])
    journal.keep()
    writer.finish("partial", None, {}, listed=True)
    return run, records


def fates_in(ledger: Ledger, run: Run) -> dict[str, int]:
    counts = ledger.known(run).counts()
    return {name: getattr(counts, name) for name in FATES}


runs = st.lists(st.lists(st.sampled_from(FATES), max_size=8), min_size=1, max_size=5)


@given(runs, st.integers(0, 2**32))
def test_a_redrive_counts_each_failed_record_under_its_new_fate_alone(
    ledger: Ledger, fates: list[list[str]], seed: int
) -> None:
    run, records = played(ledger, fates)
    chance, expected = random.Random(seed), Counter(fate for of_one in fates for fate in of_one)
    assert Counter(fates_in(ledger, run)) == expected
    for session in (2, 3):
        assert ledger.take_up(run, "redrive", this_worker(None)) == session
        writer = ledger.redrive_writer(run, session)
        failed = list(ledger.known(run).failures(unmended=True))
        again = [records[kept.object_number, kept.failure.line] for kept in failed]
        become = [chance.choice(("delivered", "failed", "unknown", "not_sent", "mended")) for _ in failed]
        if again:
            bill = Sent.of(batch_of(*again)).bill
            sent = ["not_sent" if new == "mended" else new for new in become]
            writer.write([], [], [Settled(bill, outcome_of(again, sent, f"Bad{session}"))])
        others = [kept for kept, new in zip(failed, become, strict=True) if new == "mended"]
        writer.mend([(kept.object_number, kept.failure.line, kept.failure.part) for kept in others])
        writer.finish("partial", None, {}, listed=False)
        for kept, new in zip(failed, become, strict=True):
            if new != "not_sent":
                expected.subtract([kept.failure.fate])
                expected.update(["delivered" if new == "mended" else new])
        assert Counter(fates_in(ledger, run)) == expected
        mended = [kept for kept in ledger.known(run).failures() if kept.mended_in == session]
        assert len(mended) == become.count("delivered") + become.count("mended")
        open_now = Counter(kept.failure.fate for kept in ledger.known(run).failures(unmended=True))
        assert open_now == Counter({fate: expected[fate] for fate in ("failed", "unknown")})
        told_anew = [kept for kept in ledger.known(run).failures() if kept.failure.error == f"Bad{session}"]
        assert len(told_anew) == become.count("failed") + become.count("unknown")
        started_ms = ledger.sessions(run)[-1].started_ms
        assert all(kept.told_ms is not None and kept.told_ms >= started_ms for kept in told_anew)
    counts = ledger.known(run).counts()
    assert (counts.not_sent, counts.objects_done, counts.matched) == (0, counts.objects, len(records))
    assert all(entry.settled == entry.matched for entry in ledger.known(run).entries())


def test_what_is_written_at_once_is_kept_whole_or_not_at_all(ledger: Ledger) -> None:
    run = begin(ledger, f"run-{next(numbers)}")
    entry = Entry(0, 0, lake_object(0), matched=2, delivered=1, failed=1, ended=True)
    good, bad = record_of(entry, 0), record_of(entry, 1)
    bill = Sent.of(batch_of(good, bad)).bill
    failure = of_record(Undelivered(bad, "Bad", None), "failed")  # type: ignore[arg-type]  # the table wants words
    with pytest.raises(CannotRun):
        ledger.run_writer(run, 1).write([entry], [(0, failure)], [Settled(bill, Outcome(delivered=[good]))])
    assert list(ledger.known(run).entries()) == []
    assert ledger.known(run).counts().delivered == 0


def test_a_session_that_could_not_write_ends_without_marks_of_what_it_did_not_write(ledger: Ledger) -> None:
    run = begin(ledger, f"run-{next(numbers)}")
    writer, entry = ledger.run_writer(run, 1), Entry(0, 0, lake_object(0), matched=2)
    first, second = Cuts({"": BatchLimits(1, 100_000)}, 1).add([record_of(entry, 0), record_of(entry, 1)])
    second.bill.number = None  # type: ignore[assignment]  # the table wants one
    whole = Outcome(is_whole=True)
    with pytest.raises(CannotRun):
        writer.write([entry], [], [Settled(first.bill, whole), Settled(second.bill, whole)])
    writer.finish("failed", None, {}, listed=False, is_torn=True)
    progress = ledger.known(run).progress(1)
    assert (dict(progress.marks), progress.beyond) == ({}, frozenset())


def test_an_object_that_can_be_read_after_all_is_mended(ledger: Ledger) -> None:
    run = begin(ledger, f"run-{next(numbers)}")
    left = [Entry(number, 0, lake_object(number), error="SlowDown") for number in (0, 1)]
    failures = [(entry.number, of_object(entry.object, "SlowDown", "slow down")) for entry in left]
    ledger.run_writer(run, 1).write(left, failures, [])
    ledger.run_writer(run, 1).finish("partial", None, {}, listed=True)
    ledger.take_up(run, "resume", this_worker(None))
    left[0].error, left[0].ended = None, True
    ledger.run_writer(run, 2).write(left, [failures[1]], [])
    assert [(kept.object_number, kept.mended_in, kept.session) for kept in ledger.known(run).failures()] == [
        (0, 2, 1),
        (1, None, 2),
    ]
    assert ledger.known(run).counts().objects_unreadable == 1


def test_a_batch_of_which_nothing_was_sent_moves_no_mark(ledger: Ledger) -> None:
    run = begin(ledger, f"run-{next(numbers)}")
    entry = Entry(0, 0, lake_object(0), matched=1)
    (batch,) = Cuts({"": BatchLimits(1, 100_000)}, 1).add([record_of(entry, 0)])
    ledger.run_writer(run, 1).write([entry], [], [Settled(batch.bill, Outcome(not_sent=list(batch.records)))])
    progress = ledger.known(run).progress(1)
    assert (dict(progress.marks), progress.beyond) == ({}, frozenset())


@pytest.mark.parametrize("lanes", [0, LANES])
def test_a_ledger_takes_at_most_a_kilobyte_an_object_and_does_not_grow_with_events(tmp_path: Path, lanes: int) -> None:
    few, many = (size_of_run(tmp_path / str(events), events, lanes) for events in (5, 40))
    assert many <= few + 8 * MOST_PLACES  # what is kept batch by batch at the most
    assert many / OBJECTS <= 500


OBJECTS = 2_000


def size_of_run(folder: Path, events: int, lanes: int) -> int:
    """The size of a ledger whose run sent so many events of each of 2,000 objects, in batches of 100."""
    with Ledger.open(folder) as ledger:
        run = begin(ledger)
        journal, cuts = Journal(ledger.run_writer(run, 1)), Cuts({"": BatchLimits(100, 1_000_000)}, lanes)
        waiting: list[Sent] = []
        for number in range(OBJECTS):
            key = f"firehose/stream/2018/04/08/03/{'x' * 80}-{number:08}"
            entry = Entry(number, 0, lake_object(number, key))
            journal.open(entry)
            entry.matched, entry.ended = events, True
            journal.touch(entry)
            waiting += cuts.add([record_of(entry, each, key=f"key-{each}") for each in range(events)])
            if len(waiting) >= 24:
                settle(journal, waiting)
        waiting += cuts.add([], flush=True)
        settle(journal, waiting)
        assert ledger.known(run).counts().delivered == events * OBJECTS
    return (folder / FILE_NAME).stat().st_size


def settle(journal: Journal, waiting: list[Sent]) -> None:
    """Without lanes the first comes back last."""
    for batch in waiting if waiting and waiting[0].bill.lanes else reversed(waiting):
        journal.take([Settled(batch.bill, Outcome(is_whole=True))])
    waiting.clear()


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_places_come_back_as_they_were_packed(places: list[int]) -> None:
    assert list(unpack(pack(places))) == places
    assert len(pack(places)) == 8 * len(places)


CHANGES = st.dictionaries(
    st.sampled_from(["read", "matched", "malformed", "failed", "unknown", "delivered", "ended", "error", "pulled"]),
    st.integers(0, 2),
    max_size=1,
)


@given(changes=st.lists(CHANGES, min_size=5, max_size=20))
def test_an_object_is_in_the_ledger_as_it_is_whatever_changes_between_two_times(
    ledger: Ledger, changes: Sequence[dict[str, int]]
) -> None:
    run = begin(ledger, f"run-{next(numbers)}")
    writer, entry = ledger.run_writer(run, 1), Entry(0, 0, lake_object(0), matched=9)
    for changed in changes:
        for name, value in changed.items():
            setattr(entry, name, {"ended": bool(value), "error": f"E{value}" if value else None}.get(name, value))
        writer.write([entry], [], [])
        (kept,) = ledger.known(run).entries()
        names = ("read", "matched", "malformed", "delivered", "failed", "unknown", "ended", "error")
        assert [getattr(kept, name) for name in names] == [getattr(entry, name) for name in names]
        assert kept.pulled_before == {1: entry.pulled}
