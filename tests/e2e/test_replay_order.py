"""Order within a partition key, and how fast: invocations at a time, events per second."""

import random
import threading
from typing import Any

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import Context, FarSide, Handler, Reply, function_error, ok, throttled
from tests.e2e.rates import assert_held
from tests.e2e.replays import Replays


def by_key(events: list[tuple[str, bytes]]) -> dict[str, list[bytes]]:
    lanes: dict[str, list[bytes]] = {}
    for key, event in events:
        lanes.setdefault(key, []).append(event)
    return lanes


def taking_up_to(longest_s: float) -> Handler:
    """A function that takes its time, another in each run."""
    return lambda _payload, context: ok().after(random.Random(context.number).random() * longest_s)


def meeting(parties: int) -> Handler:
    """A function whose first invocations wait until so many of them are under way at once."""
    together = threading.Barrier(parties)

    def handler(_payload: Any, context: Context) -> Reply:
        if context.number < parties:
            together.wait(timeout=60)
        return ok()

    return handler


def test_the_events_of_a_key_keep_their_order_with_sixteen_in_flight(far_side: FarSide, replays: Replays) -> None:
    events = lakes.make_events(2000, 100)
    far_side.add_bucket("lake", lakes.lake_of(events, 150, shards=4))
    far_side.add_function("fn", taking_up_to(0.02))
    run = replays.execute("--batch-size", "8")
    assert far_side.by_key() == by_key(events)
    assert far_side.overlaps_within_key() == []
    assert 8 <= far_side.max_concurrency <= 16
    assert run.events["delivered"] == 2000


def test_order_holds_while_some_invocations_are_throttled_and_some_fail(far_side: FarSide, replays: Replays) -> None:
    """A key's later events wait for its earlier ones, whatever these meet."""

    def handler(_payload: Any, context: Context) -> Reply:
        fate = random.Random(context.number).random()
        if fate < 0.1:
            return throttled()
        return (function_error("Error", "now and then") if fate < 0.15 else ok()).after(fate / 50)

    events = lakes.make_events(600, 30, seed=1)
    far_side.add_bucket("lake", lakes.lake_of(events, 60))
    far_side.add_function("fn", handler)
    run = replays.execute("--batch-size", "6", "--max-attempts", "9")
    assert far_side.by_key() == by_key(events)
    assert far_side.overlaps_within_key() == []
    assert run.summary["invocations"]["throttled"] > 0
    assert run.summary["invocations"]["failed"] > 0


def test_unordered_invocations_of_one_key_overlap(far_side: FarSide, replays: Replays) -> None:
    events = lakes.make_events(80, 1)
    far_side.add_bucket("lake", lakes.lake_of(events, 40))
    far_side.add_function("fn", meeting(4))
    run = replays.execute("--unordered", "--batch-size", "10", "--concurrency", "4")
    assert sorted(far_side.delivered_data()) == sorted(event for _, event in events)
    assert far_side.overlaps_within_key()
    assert run.events["delivered"] == 80


@pytest.mark.parametrize(
    ("option", "reserved", "at_once"),
    [(["--concurrency", "3"], 8, 3), ([], 8, 4), ([], None, 16)],
    ids=["as asked", "half of the reserved", "sixteen"],
)
def test_so_many_invocations_are_in_flight_and_no_more(
    option: list[str], reserved: int | None, at_once: int, far_side: FarSide, replays: Replays
) -> None:
    far_side.add_bucket("lake", lakes.make_lake(600, 200, 200))
    far_side.add_function("fn", meeting(at_once), reserved_concurrency=reserved)
    replays.execute(*option, "--batch-size", "5")
    assert far_side.max_concurrency == at_once
    assert len(far_side.delivered()) == 600


def test_a_rate_is_held(far_side: FarSide, replays: Replays) -> None:
    far_side.add_bucket("lake", lakes.make_lake(440, 60, 100))
    far_side.add_function("fn", taking_up_to(0.02))
    run = replays.execute("--rate", "200", "--batch-size", "20")
    calls = [call for call in far_side.invocations if call.records]
    assert_held(calls, 200)
    assert run.events["delivered"] == 440
