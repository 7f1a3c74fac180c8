"""What the ledger keeps of which events a run sends, and which objects it has listed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cncbops.ledger.ledger import Ledger
from cncbops.session.entry import Entry
from cncbops.session.id_claims import CLAIM_BYTES
from cncbops.session.picks import Picked
from cncbops.tally import of_object
from tests.ledger.runs import begin, lake_object


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "state") as found:
        yield found


def claims(entry: Entry, ordinal: int, count: int = 1) -> bytes:
    return b"".join(place.to_bytes(8) + b"%016d" % place for place in entry.places(ordinal, count))


def test_ids_are_kept_with_the_objects_that_they_are_of(ledger: Ledger) -> None:
    run, other = begin(ledger), begin(ledger, "20260102T000000Z-bbbbbb")
    one, two = Entry(0, 0, lake_object(0)), Entry(1, 0, lake_object(1))
    ledger.run_writer(run, 1).write([two, one], [], [], [claims(two, 0), claims(one, 0, 3), claims(two, 5, 2)])
    ledger.run_writer(other, 1).write([one], [], [], [claims(one, 7)])
    kept = [claims(one, 0, 3), claims(two, 0), claims(two, 5, 2)]
    assert list(ledger.choices(run).claimed()) == kept
    assert {len(each) % CLAIM_BYTES for each in kept} == {0}


def test_many_ids_are_given_out_page_by_page(ledger: Ledger) -> None:
    run, entry = begin(ledger), Entry(0, 0, lake_object(0))
    kept = [claims(entry, number) for number in range(1_201)]
    ledger.run_writer(run, 1).write([entry], [], [], kept)
    assert list(ledger.choices(run).claimed()) == kept


def test_what_is_picked_is_kept_with_all_objects_and_failures(ledger: Ledger) -> None:
    run = begin(ledger)
    assert not ledger.choices(run).has_picked()
    objects = [Entry(number, 0, lake_object(number), read=9, ended=number != 1) for number in range(3)]
    objects[2].error = "Archived"
    failures = [(2, of_object(objects[2].object, "Archived", "in Glacier"))]
    objects[1].error = "Changed"
    picks = [b"", b"\x05", b""]
    ledger.run_writer(run, 1).pick(zip(objects, picks, strict=True), failures)
    run = ledger.find(run.run_id)
    assert (run.listed, ledger.choices(run).has_picked()) == (True, True)
    picked = Picked(b"\x05", broken="Changed")
    assert [ledger.choices(run).picked(number) for number in range(3)] == [None, picked, None]
    assert [entry.number for entry in ledger.known(run).entries(unfinished=True)] == [1]
    assert (ledger.known(run).counts().read, ledger.known(run).counts().objects_unreadable) == (27, 2)
    assert [kept.failure.error for kept in ledger.known(run).failures()] == ["Archived"]


def test_objects_that_runs_have_listed_are_known_by_name_and_etag(ledger: Ledger) -> None:
    runs = [begin(ledger, f"2026010{number}T000000Z-aaaaaa") for number in range(1, 4)]
    for number, run in enumerate(runs):
        objects = [Entry(at, 0, lake_object(at), matched=1) for at in (number, number + 1)]
        ledger.run_writer(run, 1).write(objects, [], [])
    listed = ledger.listed(runs[:2])
    assert [listed.knows(lake_object(number)) for number in range(4)] == ["same", "same", "same", None]
    assert listed.knows(replace(lake_object(1), etag="another")) == "changed"
    assert listed.knows(replace(lake_object(1), bucket="copy")) is None
    assert [listed.has_all_of(run.id) for run in runs] == [True, True, False]
