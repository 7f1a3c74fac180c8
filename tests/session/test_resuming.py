"""What is left of a run: the objects that are not done, and the records that failed."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cncbops.lake.sources import LocalSource, S3Source
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import Run
from cncbops.queues.source import parse_queue
from cncbops.request import ResubmitRequest
from cncbops.session.agenda import Agenda
from cncbops.session.entry import Entry
from cncbops.session.resuming import Change, Changes, FailedRecords, Rest, queues_of
from cncbops.tally import Failure
from tests.ledger.runs import begin, lake_object

BOTH = frozenset({"failed", "unknown"})
QUEUE = 1
"""The number of the source that is a queue."""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path) as opened:
        yield opened


def failure(number: int, line: int, fate: str = "failed", part: int = 0) -> tuple[int, Failure]:
    return number, Failure(lake_object(number).uri, line, part, None, None, fate, "Unhandled", "no")


def a_run(ledger: Ledger) -> Run:
    """A run of three objects and a message: of each but the second something failed, of the first most."""
    run = begin(ledger, command="resubmit")
    entries = [
        Entry(0, 0, lake_object(0), 9, 9, delivered=5, failed=2, unknown=1),
        Entry(1, 0, lake_object(1), 9, 9, delivered=5),
        Entry(2, QUEUE, lake_object(2), 1, 1, failed=1, ended=True),
        Entry(3, 0, lake_object(3), 1, 1, unknown=1, ended=True),
    ]
    failures = [
        failure(0, 3),
        failure(0, 3, part=7),
        failure(0, 5, "unknown"),
        failure(0, 6, "malformed"),
        failure(2, 1),
        failure(3, 1, "unknown"),
    ]
    ledger.run_writer(run, 1).write(entries, failures, [])
    return ledger.find(run.run_id)


def numbers(agenda: Agenda) -> list[int | None]:
    items = [item for item in agenda.items(threading.Event()) if item]
    return [item.left.number if item.left else None for item in items]


def test_what_failed_is_read_again_from_its_lines(ledger: Ledger) -> None:
    first, message, last = FailedRecords(ledger, a_run(ledger), BOTH).items(threading.Event())
    assert first.lines == {(3, 0), (3, 7), (5, 0)}
    assert (first.object, first.left.matched if first.left else None) == (lake_object(0), 0)
    assert (message.lines, last.lines) == ({(1, 0)}, {(1, 0)})


def test_only_what_has_one_of_the_fates_is_read_again(ledger: Ledger) -> None:
    (first, _) = FailedRecords(ledger, a_run(ledger), {"failed"}).items(threading.Event())
    assert first.lines == {(3, 0), (3, 7)}
    assert list(FailedRecords(ledger, a_run_without_failures(ledger), BOTH).items(threading.Event())) == []


def a_run_without_failures(ledger: Ledger) -> Run:
    return begin(ledger, "20260202T000000Z-bbbbbb", command="resubmit")


def test_what_failed_of_a_queues_message_is_left_to_its_queue(ledger: Ledger) -> None:
    failed = FailedRecords(ledger, a_run(ledger), BOTH, {QUEUE})
    assert numbers(failed) == [0, 3]
    assert [entry.number for entry in failed.entries()] == [0, 3]


def test_what_failed_in_an_object_that_changed_is_not_read_from_what_it_is_now(ledger: Ledger) -> None:
    run = a_run(ledger)
    changed = Changes([Change(ledger.known(run).entry(0), None)])
    failed = FailedRecords(ledger, run, BOTH, {QUEUE}, changed)
    assert numbers(failed) == [3]
    assert [entry.number for entry in failed.entries()] == [0, 3]  # they are what is looked at for changes


def request(folder: Path) -> ResubmitRequest:
    return ResubmitRequest(sources=(LocalSource(folder),))


def listed(ledger: Ledger, run: Run) -> Run:
    ledger.run_writer(run, 1).finish("interrupted", None, {}, listed=True)
    return ledger.find(run.run_id)


def test_objects_that_are_not_done_are_read_again_but_for_what_failed_in_them(ledger: Ledger, tmp_path: Path) -> None:
    run = listed(ledger, a_run(ledger))
    rest = Rest(ledger, run, request(tmp_path), None)
    assert numbers(rest) == [0, 1]
    assert [item.settled for item in rest.items(threading.Event())] == [{(3, 0), (3, 7), (5, 0)}, frozenset()]


def test_messages_that_went_back_to_their_queue_and_objects_that_changed_are_left_out(
    ledger: Ledger, tmp_path: Path
) -> None:
    run = listed(ledger, a_run(ledger))
    entries = [ledger.known(run).entry(number) for number in range(2)]
    assert numbers(Rest(ledger, run, request(tmp_path), None, Changes(returned=entries[:1]))) == [1]
    assert numbers(Rest(ledger, run, request(tmp_path), None, Changes([Change(entries[1], None)]))) == [0]
    both = Changes([Change(entries[1], None)], entries[:1])
    assert numbers(Rest(ledger, run, request(tmp_path), None, both)) == []


def test_an_object_that_changed_is_read_anew_behind_the_others_where_that_is_asked_for(
    ledger: Ledger, tmp_path: Path
) -> None:
    run = listed(ledger, a_run(ledger))
    anew = Entry(9, 0, lake_object(0))
    changed = Changes([Change(ledger.known(run).entry(0), lake_object(0), anew)])
    assert numbers(Rest(ledger, run, request(tmp_path), None, changed)) == [1, 9]


def test_objects_that_the_ledger_does_not_know_come_behind_those_it_knows(ledger: Ledger, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    (lake / "new").write_bytes(b"{}")
    assert numbers(Rest(ledger, a_run(ledger), request(lake), None)) == [0, 1, None]


def test_queues_are_known_by_the_numbers_of_their_sources() -> None:
    sources = (S3Source("lake", ""), parse_queue("sqs://q1"), S3Source("other", ""), parse_queue("sqs://q2"))
    assert queues_of(ResubmitRequest(sources=sources)) == {1, 3}
