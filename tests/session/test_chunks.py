"""An agenda's objects come in chunks: each once and in order, and no more than one place shall read at a time."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.errors import CannotRun
from cncbops.session import chunks as subject
from cncbops.session.agenda import Item
from cncbops.session.chunks import Chunks
from cncbops.session.entry import Entry
from cncbops.session.journal import Journal
from cncbops.session.keeper import NoKeeper
from tests.ledger.runs import lake_object
from tests.session.given import Given

CHECKED = "us-east-1/claimchecks/2023/11/22/00/f-1"


MANY = 1_000_000


def item(number: int, size: int = 100, key: str = "", **more: Any) -> Item:
    return Item(0, replace(lake_object(number, key), size=size), **more)


def chunks(*items: Item | Exception | None, most_bytes: int = MANY) -> tuple[Chunks, Journal, threading.Event]:
    journal, stop = Journal(NoKeeper()), threading.Event()
    return Chunks(Given(*items), journal, most_bytes, stop), journal, stop


def keys(chunk: Sequence[tuple[Item, Entry]] | None) -> list[str] | None:
    return None if chunk is None else [each.object.key for each, _ in chunk]


@given(st.lists(st.none() | st.integers(1, 500), max_size=30), st.integers(1, 900), st.integers(1, 5))
def test_every_object_comes_once_in_order_and_a_chunk_has_no_more_than_is_read_at_a_time(
    sizes: list[int | None], most_bytes: int, most: int
) -> None:
    items = [item(number, size) if size else None for number, size in enumerate(sizes)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(subject, "CHUNK_OBJECTS", most)
        found = list(chunks(*items, most_bytes=most_bytes)[0])
    given_out = [each for chunk in found for each in (chunk or [None])]
    assert [each and each[0] for each in given_out] == items
    entries = [each[1] for each in given_out if each]
    assert [entry.number for entry in entries] == list(range(len(entries)))
    for chunk in filter(None, found):
        assert len(chunk) <= most
        assert sum(each.object.size for each, _ in chunk[:-1]) < most_bytes
    for chunk, following in pairwise(found):
        is_full = chunk and (len(chunk) == most or sum(each.object.size for each, _ in chunk) >= most_bytes)
        assert chunk is None or following is None or is_full


def test_what_holds_no_events_is_counted_by_its_reason_and_left_out() -> None:
    found, journal, _ = chunks(item(0, key="a/"), item(1, 0), item(2, key=CHECKED), item(3))
    assert list(map(keys, found)) == [["s1/3"]]
    objects = journal.tally.objects
    assert (objects.listed, objects.skipped) == (3, 3)
    assert objects.skipped_as == {"folder": 1, "empty": 1, "claim check": 1}


def test_a_claim_check_that_was_typed_as_a_source_is_read() -> None:
    found, journal, _ = chunks(item(0, key=CHECKED, by_name=True), item(1, 0, by_name=True))
    assert list(map(keys, found)) == [[CHECKED]]
    assert journal.tally.objects.skipped_as == {"empty": 1}


def test_an_object_of_an_earlier_session_keeps_its_entry() -> None:
    left = Entry(7, 0, lake_object(0), matched=5, pulled=3, ended=True, error="SlowDown", pulled_before={1: 3})
    found, _, _ = chunks(item(0, left=left), item(1))
    ((_, first), (_, second)) = next(iter(found)) or ()
    assert first is left
    assert (left.pulled, left.ended, left.error, left.matched, left.pulled_before) == (0, False, None, 5, {1: 3})
    assert second.number == 0


def test_what_was_found_comes_before_the_error_of_finding_more() -> None:
    found = iter(chunks(item(0), item(1), CannotRun("access denied", "Ask for s3:ListBucket"))[0])
    assert keys(next(found)) == ["s1/0", "s1/1"]
    with pytest.raises(CannotRun, match="access denied"):
        next(found)


def test_once_stopped_no_more_objects_come() -> None:
    found, _, stop = chunks(item(0), None, item(1), item(2))
    coming = iter(found)
    assert (keys(next(coming)), next(coming)) == (["s1/0"], None)
    stop.set()
    assert list(coming) == []


def test_at_the_limit_only_what_was_begun_and_has_records_left_comes_and_nothing_new_is_looked_for() -> None:
    begun = [Entry(number, 0, lake_object(number), matched=number % 2) for number in range(4)]
    agenda = Given(*(item(number, left=begun[number]) for number in range(4)), item(4), item(5))
    found = Chunks(agenda, Journal(NoKeeper()), MANY, threading.Event())
    found.is_at_limit = True
    assert list(map(keys, found)) == [["s1/1", "s1/3"]]
    assert agenda.taken == 5


def test_at_the_limit_nothing_is_waited_for() -> None:
    """A queue gives out no more before its messages are settled, and those behind the limit never are."""
    found, _, _ = chunks(item(0), None, None, item(1))
    coming = iter(found)
    assert keys(next(coming)) == ["s1/0"]
    found.is_at_limit = True
    assert list(coming) == [None]  # that was found before


def test_no_object_is_looked_for_before_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "CHUNK_OBJECTS", 2)
    agenda = Given(*map(item, range(9)))
    coming = iter(Chunks(agenda, Journal(NoKeeper()), MANY, threading.Event()))
    next(coming)
    assert agenda.taken == 2
