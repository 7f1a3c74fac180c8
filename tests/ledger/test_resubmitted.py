"""What the ledger remembers of faults that were delivered: for ever, and with what is settled or not at all."""

import random
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from cncbops.delivery.outcome import Outcome, Settled, Undelivered, Waybill
from cncbops.errors import CannotRun
from cncbops.faults.unit import Unit
from cncbops.kinesis.record import Record
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.resubmitted import Resubmitted
from cncbops.ledger.rows import Run
from cncbops.ledger.worker import this_worker
from cncbops.session.entry import Entry
from cncbops.session.memory import NoMemory
from cncbops.tally import failures_of
from tests.delivery.batches import batch_of, record
from tests.faults import units
from tests.faults.units import unit_of
from tests.ledger.runs import Sent, aged, begin, lake_object

numbers = count()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path) as opened:
        yield opened


class Asked:
    """A ledger's memory, asked about one thing at a time."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._memory = ledger, ledger.memory()

    def sent_by(self, fault: bytes) -> int | None:
        return self._memory.sent_by([fault]).get(fault)

    def is_empty(self) -> bool:
        return self._ledger.memory().is_empty()

    def knows_any(self, faults: Sequence[bytes], records: Sequence[bytes]) -> bool:
        return self._memory.knows_any((b"".join(faults), b"".join(records)))

    def last_sent_ms(self, records: Sequence[bytes]) -> int | None:
        return self._memory.history(records).last_sent_ms(records)

    def sent_for_another(self, records: Sequence[bytes], pipeline: str, since_ms: int) -> bool:
        return self._memory.history(records).sent_for_another(records, pipeline, since_ms)

    def delivered_by_group(self, run: int) -> dict[str, int]:
        return self._sorted_in().delivered_by_group(run)

    def delivered_with(self, records: Sequence[bytes], run: int) -> list[tuple[bytes, str]]:
        return list(self._sorted_in().delivered_with(records, run))

    def _sorted_in(self) -> Resubmitted:
        """The memory once all runs' deliveries are sorted in, each as when it asks."""
        *_, last = [self._ledger.resubmitted(run.id) for run in reversed(self._ledger.runs())]
        return last


@pytest.fixture(params=["lately", "sorted in"])
def memory(ledger: Ledger, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What is remembered is the same, whether it was sorted in meanwhile or not."""
    if request.param == "sorted in":
        sorting = deliver

        def deliver_and_sort(ledger: Ledger, run: Run, *delivered: Unit) -> None:
            sorting(ledger, run, *delivered)
            ledger.resubmitted(run.id)

        monkeypatch.setattr(f"{__name__}.deliver", deliver_and_sort)
    return Asked(ledger)


def run_at(ledger: Ledger, started_ms: int) -> Run:
    """A run that began at a time."""
    run = begin(ledger, f"run-{next(numbers)}")
    with closing(sqlite3.connect(ledger.path)) as connection, connection:
        connection.execute("UPDATE runs SET started_ms = ? WHERE id = ?", (started_ms, run.id))
    return ledger.find(run.run_id)


def waybill(*sent: Record, upto: int = 0) -> Waybill:
    """The waybill of a batch that leaves its lane at a place."""
    batch = batch_of(*sent)
    batch.upto = [upto]
    return Sent.of(batch).bill


def deliver(ledger: Ledger, run: Run, *delivered: Unit) -> None:
    """Write down that a run delivered units."""
    ledger.run_writer(run, 1).write([], [], [Settled(waybill(*delivered), Outcome(delivered=list(delivered)))])


def one(number: int, fault_id: str | None = None, **fault: Any) -> Unit:
    """A unit of one record, which is its own and its fault's."""
    of = units.fault(id=fault_id or f"f-{number}", **fault)
    return unit_of(units.kinesis(number), number=number, of=of)


def test_a_fault_that_was_delivered_is_known_by_the_run_that_did_so(ledger: Ledger, memory: Asked) -> None:
    run = run_at(ledger, 1_000)
    assert memory.sent_by(one(1).fault) is None
    deliver(ledger, run, one(1), one(2))
    assert (memory.sent_by(one(1).fault), memory.sent_by(one(2).fault)) == (run.id, run.id)
    assert memory.sent_by(one(3).fault) is None


def test_whether_any_of_some_is_known_is_asked_at_once(ledger: Ledger, memory: Asked) -> None:
    run, (first, *others) = run_at(ledger, 1_000), [one(number) for number in range(3)]
    faults, records = [each.fault for each in others], [record for each in others for record in each.records]
    assert not memory.knows_any([first.fault], first.records)
    assert memory.is_empty()
    deliver(ledger, run, first)
    assert not memory.is_empty()
    assert not memory.knows_any(faults, records)
    assert memory.knows_any([*faults, first.fault], records)
    assert memory.knows_any(faults, [*records, *first.records])


def test_a_memory_is_empty_until_another_run_than_its_own_delivers(ledger: Ledger) -> None:
    own, other = run_at(ledger, 1_000), run_at(ledger, 2_000)
    memory = ledger.memory(own.id)
    assert memory.is_empty()
    deliver(ledger, own, one(1))
    assert memory.is_empty()
    deliver(ledger, other, one(2))
    assert not memory.is_empty()
    assert memory.sent_by([one(1).fault, one(2).fault]) == {one(2).fault: other.id}


def test_what_failed_or_is_unknown_or_was_not_sent_is_not_remembered(ledger: Ledger, memory: Asked) -> None:
    run, sent = run_at(ledger, 1_000), [one(number) for number in range(4)]
    bad = [Undelivered(each, "Error", "no") for each in sent]
    outcome = Outcome(delivered=[sent[0]], failed=[bad[1]], unknown=[bad[2]], not_sent=[sent[3]])
    ledger.run_writer(run, 1).write([], [], [Settled(waybill(*sent), outcome)])
    assert [memory.sent_by(each.fault) for each in sent] == [run.id, None, None, None]
    assert [memory.last_sent_ms(each.records) for each in sent] == [1_000, None, None, None]


def test_a_redrive_remembers_what_it_delivered(ledger: Ledger, memory: Asked) -> None:
    run, mended, failed = run_at(ledger, 1_000), one(1), one(2)
    outcome = Outcome(failed=[Undelivered(each, "Error", "no") for each in (mended, failed)])
    bill = waybill(mended, failed)
    entry = Entry(0, 0, lake_object(0), matched=2, failed=2, ended=True)
    ledger.run_writer(run, 1).write([entry], list(failures_of(outcome)), [Settled(bill, outcome)])
    session = ledger.take_up(run, "redrive", this_worker(None))
    again = Outcome(delivered=[mended], failed=[Undelivered(failed, "Error", "no")])
    ledger.redrive_writer(run, session).write([], [], [Settled(bill, again)])
    assert (memory.sent_by(mended.fault), memory.sent_by(failed.fault)) == (run.id, None)


def test_records_of_a_replay_leave_nothing_behind(ledger: Ledger) -> None:
    sent = record(1)
    ledger.run_writer(run_at(ledger, 1), 1).write([], [], [Settled(waybill(sent), Outcome(delivered=[sent]))])
    with closing(sqlite3.connect(ledger.path)) as connection:
        for table in ("resubmitted_lately", "generations", "sorted_faults", "sorted_records", "origins"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_a_second_run_takes_a_fault_over(ledger: Ledger, memory: Asked) -> None:
    first, second = run_at(ledger, 1_000), run_at(ledger, 2_000)
    deliver(ledger, first, one(1), one(2))
    deliver(ledger, second, one(1))
    mark = one(1).fingerprint
    assert (memory.sent_by(one(1).fault), memory.sent_by(one(2).fault)) == (second.id, first.id)
    assert (memory.delivered_by_group(first.id), memory.delivered_by_group(second.id)) == ({mark: 1}, {mark: 1})
    assert list(memory.delivered_with(one(1).records, first.id)) == []
    assert list(memory.delivered_with(one(1).records, second.id)) == [(one(1).fault, mark)]


def test_a_record_was_last_sent_when_the_latest_run_began_that_delivered_it(ledger: Ledger, memory: Asked) -> None:
    sent = one(1)
    assert memory.last_sent_ms(sent.records) is None
    for moment, latest in ((1_000, 1_000), (3_000, 3_000), (2_000, 3_000)):
        deliver(ledger, run_at(ledger, moment), sent)
        assert memory.last_sent_ms(sent.records) == latest
    assert memory.last_sent_ms([]) is None


def test_of_several_records_the_one_that_was_sent_last_counts(ledger: Ledger, memory: Asked) -> None:
    deliver(ledger, run_at(ledger, 2_000), one(1))
    deliver(ledger, run_at(ledger, 1_000), one(2))
    assert memory.last_sent_ms([*one(3).records, *one(2).records, *one(1).records]) == 2_000
    assert memory.last_sent_ms([*one(2).records, *one(3).records]) == 1_000


def test_a_record_was_sent_whichever_fault_it_was_a_part_of(ledger: Ledger, memory: Asked) -> None:
    deliver(ledger, run_at(ledger, 1_000), unit_of(units.kinesis(1), units.kinesis(2), of=units.fault(id="f-both")))
    assert memory.last_sent_ms(one(1, "f-other").records) == 1_000


def test_a_record_was_sent_for_another_pipeline_by_runs_that_began_since_then(ledger: Ledger, memory: Asked) -> None:
    deliver(ledger, run_at(ledger, 1_000), one(1, pipeline="m1"))
    records = one(1).records
    assert memory.sent_for_another(records, "m2", 999)
    assert not memory.sent_for_another(records, "m2", 1_000)
    assert not memory.sent_for_another(records, "m1", 999)
    deliver(ledger, run_at(ledger, 2_000), one(1, "f-of-m2", pipeline="m2"))
    assert memory.sent_for_another(records, "m1", 1_999)
    assert not memory.sent_for_another(records, "m2", 1_000)


def test_records_were_sent_for_another_pipeline_if_all_of_them_were(ledger: Ledger, memory: Asked) -> None:
    deliver(ledger, run_at(ledger, 2_000), one(1, pipeline="m1"))
    both = [*one(1).records, *one(2).records]
    assert not memory.sent_for_another(both, "m2", 999)
    deliver(ledger, run_at(ledger, 1_000), one(2, pipeline="m3"))
    assert memory.sent_for_another(both, "m2", 999)
    assert not memory.sent_for_another(both, "m2", 1_500)
    assert not memory.sent_for_another([], "m2", 0)


def test_what_was_sent_for_a_fault_of_no_pipeline_was_sent_for_no_other(ledger: Ledger, memory: Asked) -> None:
    deliver(ledger, run_at(ledger, 1_000), one(1, pipeline=None))
    assert not memory.sent_for_another(one(1).records, "m1", 0)


def test_a_run_knows_how_many_faults_of_each_group_it_delivered(ledger: Ledger, memory: Asked) -> None:
    run, other = run_at(ledger, 1_000), run_at(ledger, 2_000)
    deliver(ledger, run, one(1), one(2), one(3, error="TypeError"))
    deliver(ledger, other, one(4))
    plain, typed = one(1).fingerprint, one(3, error="TypeError").fingerprint
    assert memory.delivered_by_group(run.id) == {plain: 2, typed: 1}
    assert memory.delivered_by_group(other.id) == {plain: 1}


def test_a_record_leads_to_every_fault_of_the_run_that_held_it(ledger: Ledger, memory: Asked) -> None:
    run, other = run_at(ledger, 1_000), run_at(ledger, 2_000)
    both = unit_of(units.kinesis(1), units.kinesis(2), of=units.fault(id="f-both"))
    deliver(ledger, run, both, one(1))
    deliver(ledger, other, one(2))
    shared, second = both.records
    assert {fault for fault, _ in memory.delivered_with([shared], run.id)} == {both.fault, one(1).fault}
    assert list(memory.delivered_with([second], run.id)) == [(both.fault, both.fingerprint)]
    assert list(memory.delivered_with(both.records, 999)) == []


@pytest.fixture(params=["C", "Python"])
def native(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sorted in is the same with the part in C and without it."""
    if request.param == "Python":
        for module in ("digest_table", "generations", "sorted_in", "sorting"):
            monkeypatch.setattr(f"cncbops.ledger.{module}.hot", None)


@pytest.mark.usefixtures("native")
def test_of_runs_that_deliver_the_same_fault_in_turns_the_last_is_known(ledger: Ledger) -> None:
    """Also where what they left behind is sorted in together."""
    first, second = run_at(ledger, 1_000), run_at(ledger, 2_000)
    for run, unit in ((first, one(2)), (second, one(1)), (first, one(1)), (first, one(1))):
        deliver(ledger, run, unit)
    with closing(sqlite3.connect(ledger.path)) as connection, connection:
        connection.execute("UPDATE sessions SET ended_ms = 3000")
    memory = ledger.resubmitted()
    assert memory.sent_by([one(1).fault, one(2).fault]) == {one(1).fault: first.id, one(2).fault: first.id}
    assert memory.delivered_by_group(first.id) == {one(1).fingerprint: 2}
    assert memory.delivered_by_group(second.id) == {}
    assert list(memory.delivered_with(one(1).records, first.id)) == [(one(1).fault, one(1).fingerprint)]


@pytest.mark.usefixtures("native")
def test_of_many_runs_each_delivery_is_remembered_however_they_were_put_together(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cncbops.ledger.digest_table._PORTION_BYTES", 300)
    chance, faults = random.Random(7), [one(number, pipeline=f"m{number % 2}") for number in range(40)]
    last, began = dict[bytes, int](), dict[bytes, int]()
    for _ in range(70):
        run = run_at(ledger, chance.randrange(1_000, 9_000))
        sent = chance.sample(faults, chance.choice([1, 1, 2, 9]))
        deliver(ledger, run, *sent)
        last.update({each.fault: run.id for each in sent})
        for each in sent:
            began[each.fault] = max(began.get(each.fault, 0), ledger.find(run.run_id).started_ms)
        memory = ledger.resubmitted(run.id)
        assert memory.sent_by([each.fault for each in faults]) == last
        assert memory.delivered_by_group(run.id) == Counter(each.fingerprint for each in sent)
    for each in faults:
        assert memory.history(each.records).last_sent_ms(each.records) == began.get(each.fault)
    assert Counter(last.values()) == {
        run.id: sum(memory.delivered_by_group(run.id).values()) for run in ledger.runs() if run.id in last.values()
    }
    with closing(sqlite3.connect(ledger.path)) as connection:
        ((generations,),) = connection.execute("SELECT count(*) FROM generations").fetchall()
    assert generations <= 3 * 7  # of three sizes


def test_generations_that_are_large_together_stay_apart(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """To put them together takes long, and whoever else writes to the ledger waits."""
    monkeypatch.setattr("cncbops.ledger.generations._MOST_ENTRIES", 8 * 2 * 2)
    for number in range(0, 3 * 8 * 2, 2):
        run = run_at(ledger, 1_000)
        deliver(ledger, run, one(number), one(number + 1))
        ledger.run_writer(run, 1).finish("succeeded", None, {}, listed=True)
    with closing(sqlite3.connect(ledger.path)) as connection:
        sizes = connection.execute("SELECT faults FROM generations").fetchall()
    assert sizes == [(16,)] * 3
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cncbops.ledger.generations._MOST_ALIKE", 3)
        ledger.resubmitted()
    with closing(sqlite3.connect(ledger.path)) as connection:
        assert connection.execute("SELECT faults FROM generations").fetchall() == sizes
    assert len(ledger.memory().sent_by([one(number).fault for number in range(50)])) == 48


@pytest.mark.parametrize("count", [1, 255, 256, 257, 600])
def test_of_a_whole_batch_each_fault_is_remembered_with_its_own_records(
    ledger: Ledger, memory: Asked, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cncbops.ledger.sorting._MOST_BYTES", 10_000)
    run = run_at(ledger, 1_000)
    ones = [one(number) for number in range(count)]
    pairs = [
        unit_of(units.kinesis(number), units.kinesis(number + 1), of=units.fault(id=f"p-{number}"))
        for number in range(count, 3 * count, 2)
    ]
    sent = [unit for both in zip(ones, pairs, strict=True) for unit in both]
    deliver(ledger, run, *sent)
    assert {memory.sent_by(unit.fault) for unit in sent} == {run.id}
    for unit in sent[:4] + sent[-4:]:
        for each in unit.records:
            assert memory.last_sent_ms([each]) == 1_000
            assert memory.delivered_with([each], run.id) == [(unit.fault, unit.fingerprint)]
    assert sum(memory.delivered_by_group(run.id).values()) == len(sent)


def test_what_is_remembered_is_written_with_what_is_settled_or_not_at_all(ledger: Ledger, memory: Asked) -> None:
    run, sent = run_at(ledger, 1_000), one(1)
    good = Settled(waybill(sent, upto=7), Outcome(delivered=[sent]))
    bad = Settled(waybill(one(2)), Outcome(delivered=[one(2)]))
    bad.batch.number = None  # type: ignore[assignment]  # the table wants one
    with pytest.raises(CannotRun):
        ledger.run_writer(run, 1).write([], [], [good, bad])
    assert memory.sent_by(sent.fault) is None
    progress = ledger.known(run).progress(1)
    assert (dict(progress.marks), progress.beyond) == ({}, frozenset())


def test_a_ledger_from_before_resubmits_remembers_nothing(tmp_path: Path) -> None:
    with Ledger.open(tmp_path) as ledger:
        begin(ledger)
    aged(tmp_path, 1)
    looked_at = Ledger.look(tmp_path)
    assert looked_at
    with looked_at:
        assert isinstance(looked_at.memory(), NoMemory)
        assert len(looked_at.runs()) == 1
    with Ledger.open(tmp_path) as updated:
        assert isinstance(updated.memory(), Resubmitted)


def test_what_an_older_version_remembered_is_known_once_the_ledger_is_written_to(tmp_path: Path) -> None:
    """Some of it was sorted in, by an earlier run and by a later one; and some still waited for that."""
    with Ledger.open(tmp_path) as ledger:
        first, second = run_at(ledger, 1_000), run_at(ledger, 2_000)
        deliver(ledger, second, one(3, pipeline="m1"))
    aged(tmp_path, 10)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection, connection:
        for run, unit in ((second, one(1)), (first, one(2)), (first, one(3))):
            connection.execute("INSERT INTO resubmitted VALUES (?, ?, ?, NULL)", (unit.fault, run.id, unit.fingerprint))
        for run, unit in ((first, one(1)), (second, one(1)), (first, one(2)), (first, one(3))):
            connection.execute("INSERT INTO resubmitted_records VALUES (?, ?, ?)", (*unit.records, run.id, unit.fault))
    looked_at = Ledger.look(tmp_path)
    assert looked_at
    with looked_at:
        assert isinstance(looked_at.memory(), NoMemory)
    with Ledger.open(tmp_path) as ledger:
        memory = Asked(ledger)
        for known in ("lately", "sorted in"):
            assert [memory.sent_by(one(number).fault) for number in range(1, 5)] == [2, 1, 2, None], known
            assert [memory.last_sent_ms(one(number).records) for number in range(1, 4)] == [2_000, 1_000, 2_000]
            assert memory.sent_for_another(one(3).records, "m2", 0)
            assert memory.delivered_by_group(second.id) == {one(1).fingerprint: 2}
        deliver(ledger, second, one(4))
        assert memory.sent_by(one(4).fault) == second.id


def test_what_a_run_delivers_is_new_to_it_until_its_session_ends_whatever_others_do(tmp_path: Path) -> None:
    """It reads again where a place was lost, and has to find the same."""
    with Ledger.open(tmp_path) as ledger:
        run = run_at(ledger, 1_000)
        memory = ledger.resubmitted(run.id)
        deliver(ledger, run, one(1))
        with Ledger.open(tmp_path) as other:
            another = run_at(other, 2_000)
            deliver(other, another, one(2))
            other.run_writer(another, 1).finish("succeeded", None, {}, listed=True)
            assert other.resubmitted(another.id).sent_by([one(1).fault]) == {one(1).fault: run.id}
        assert memory.sent_by([one(1).fault, one(2).fault]) == {one(2).fault: another.id}
        ledger.run_writer(run, 1).finish("succeeded", None, {}, listed=True)
        assert ledger.resubmitted(run.id).sent_by([one(1).fault]) == {one(1).fault: run.id}
