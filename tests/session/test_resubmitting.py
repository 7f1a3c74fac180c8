"""A killed resubmit is told of until it is taken up, or another has gone over all that it was for."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cncbops.faults.selection import FaultSelection
from cncbops.faults.sources import parse_fault_source
from cncbops.frozen_resubmit import freeze_resubmit
from cncbops.function_name import parse_function
from cncbops.inventory.listed import listed_from
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.lock import RunLock
from cncbops.ledger.rows import Run
from cncbops.ledger.worker import now_ms, this_worker
from cncbops.likeness import likeness_of_faults
from cncbops.request import ResubmitRequest
from cncbops.session.in_doubt import most_in_flight
from cncbops.session.resubmitting import beside, killed, terms_of
from cncbops.terms import Room
from tests.ledger.runs import NO_PROCESS, begin

SOME = FaultSelection(errors=("TypeError",))
MANIFEST = "s3://inventories/inv/lake/daily/2018-04-09T00-00Z/manifest.json"


def asked(*uris: str, inventory: str | None = None, **more: Any) -> ResubmitRequest:
    sources = listed_from(map(parse_fault_source, uris or ("s3://faults/2018/",)), inventory)
    return ResubmitRequest(sources=sources, **more)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path) as opened:
        yield opened


def begun(ledger: Ledger, run_id: str, request: ResubmitRequest, status: str = "") -> Run:
    """A resubmit that ended so, or was killed."""
    alike = likeness_of_faults(request, region="", endpoint_url=None)
    run = begin(ledger, run_id, command="resubmit", arguments=freeze_resubmit(request), likeness=alike.key)
    if status:
        ledger.run_writer(run, 1).finish(status, None, {}, listed=True)
    return run


def told(ledger: Ledger) -> list[str]:
    return [run.run_id for run in killed(ledger, likeness_of_faults(asked(), region="", endpoint_url=None))]


WHOLE = asked()
OTHER = parse_function("other")
CASES = [
    (WHOLE, WHOLE, "succeeded", []),
    (WHOLE, WHOLE, "nothing", []),
    (WHOLE, WHOLE, "partial", ["killed"]),
    (WHOLE, WHOLE, "interrupted", ["killed"]),
    (WHOLE, asked("s3://faults/"), "succeeded", []),
    (WHOLE, asked("s3://faults/2018/04/"), "succeeded", ["killed"]),
    (WHOLE, replace(WHOLE, limit=9), "succeeded", ["killed"]),
    (WHOLE, replace(WHOLE, choice=SOME), "succeeded", ["killed"]),
    (replace(WHOLE, choice=SOME), replace(WHOLE, choice=SOME), "succeeded", []),
    (replace(WHOLE, choice=SOME), WHOLE, "succeeded", []),
    (WHOLE, asked(inventory=MANIFEST), "succeeded", ["killed"]),
    (replace(WHOLE, function=OTHER), WHOLE, "succeeded", ["killed"]),
    (replace(WHOLE, function=OTHER), replace(WHOLE, function=OTHER), "succeeded", []),
    (WHOLE, replace(WHOLE, renames=(("fn", OTHER),)), "succeeded", ["killed"]),
    (WHOLE, replace(WHOLE, qualifier="live"), "succeeded", ["killed"]),
    (replace(WHOLE, again=True), WHOLE, "nothing", ["killed"]),
    (WHOLE, replace(WHOLE, again=True), "succeeded", []),
    (asked(inventory=MANIFEST), WHOLE, "succeeded", []),
    (asked("s3://faults/", "sqs://q"), asked("s3://faults/", "sqs://q"), "succeeded", ["killed"]),
]


@pytest.mark.parametrize(("first", "second", "status", "expected"), CASES)
def test_it_is_told_of_until_another_has_gone_over_all_that_it_was_for(
    ledger: Ledger, first: ResubmitRequest, second: ResubmitRequest, status: str, expected: list[str]
) -> None:
    begun(ledger, "killed", first)
    begun(ledger, "other", second, status)
    assert told(ledger) == expected


def test_it_is_told_of_where_it_was_taken_up_since_and_killed_once_more(ledger: Ledger) -> None:
    run = begun(ledger, "killed", WHOLE)
    begun(ledger, "other", WHOLE, "succeeded")
    assert told(ledger) == []
    now = now_ms()
    while now_ms() == now:
        pass
    ledger.take_up(run, "resume", replace(this_worker(None), process=NO_PROCESS))
    assert told(ledger) == ["killed"]


def test_one_that_went_before_it_has_not_gone_over_it(ledger: Ledger) -> None:
    begun(ledger, "other", WHOLE, "succeeded")
    begun(ledger, "killed", WHOLE)
    assert told(ledger) == ["killed"]


def test_one_that_sends_from_other_sources_is_beside_it_while_it_does(ledger: Ledger) -> None:
    def told() -> list[str]:
        return [run.run_id for run in beside(ledger, likeness_of_faults(asked(), region="", endpoint_url=None))]

    begun(ledger, "ended", asked("s3://lake/"), "succeeded")
    begun(ledger, "other", asked("s3://lake/"))
    begun(ledger, "same", asked("s3://faults/"))
    assert told() == []
    with RunLock(ledger.folder, "other"), RunLock(ledger.folder, "same"):
        assert told() == ["other"]


@pytest.mark.parametrize(
    ("more", "most"), [({}, 800), ({"batch_size": 20}, 160), ({"batch_size": 20, "one_by_one": True}, 8)]
)
def test_as_much_may_be_under_way_as_its_batches_hold(ledger: Ledger, more: dict[str, Any], most: int) -> None:
    terms = terms_of(asked(concurrency=8, **more), Room(16, "the default"))
    assert most_in_flight(begin(ledger, "run", command="resubmit", terms=terms)) == most
