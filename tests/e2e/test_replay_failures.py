"""What fails while events are sent: nothing is lost, nothing is sent twice unsaid, and every failure is named."""

import base64
import json
import random
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import (
    Context,
    FarSide,
    Handler,
    Reply,
    close_after_running,
    function_error,
    ok,
    service_error,
    throttled,
)
from tests.e2e.far_side_s3 import Answer
from tests.e2e.replays import Replays
from tests.e2e.servers import Cncbops

EVENTS = lakes.make_events(300, 20, seed=7)
POISON = range(5, 300, 12)
POISON_IDS = [json.loads(EVENTS[number][1])["id"] for number in POISON]


def fill(far_side: FarSide, events: Sequence[tuple[str, bytes]] = EVENTS) -> dict[str, bytes]:
    lake = lakes.lake_of(events, 50)
    far_side.add_bucket("lake", lake)
    return lake


def of_one_key(events: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Events that are sent in the order of the lake."""
    return [("the only key", event) for _, event in events]


def ids_in(payload: Any) -> list[str]:
    return [json.loads(base64.b64decode(record["kinesis"]["data"]))["id"] for record in payload["Records"]]


def raising_on(poison: Sequence[str]) -> Handler:
    def handler(payload: Any, _context: Context) -> Reply:
        found = set(poison) & set(ids_in(payload))
        return function_error("ValueError", "card 4111-1111 is poison") if found else ok()

    return handler


def at_random(bad: Reply, share: float, seed: int = 1) -> Handler:
    """Answers so to a share of the invocations, and well to the others."""
    return lambda _payload, context: bad if random.Random(seed + context.number * 7919).random() < share else ok()


def ids(data: Sequence[bytes]) -> list[str]:
    return [json.loads(each)["id"] for each in data]


ALL_IDS = ids([event for _, event in EVENTS])


# Throttling and the service's own failures


def test_throttling_loses_nothing_and_doubles_nothing(far_side: FarSide, replays: Replays) -> None:
    fill(far_side)
    far_side.add_function("fn", at_random(throttled(), 0.3))
    run = replays.execute("--batch-size", "6")
    assert sorted(ids(far_side.delivered_data())) == sorted(ALL_IDS)
    calls = run.summary["invocations"]
    refused = sum(call.outcome == "refused" for call in far_side.invocations)
    assert calls["throttled"] == calls["retried"] == refused > 10
    assert (run.status, run.events["possible_duplicates"]) == ("succeeded", 0)


def test_the_pace_gives_way_to_throttling(far_side: FarSide, replays: Replays) -> None:
    """Four of sixteen find room: without giving way, more than a third of the calls would be refused."""
    events = lakes.make_events(2000, 400, seed=8)
    fill(far_side, events)
    far_side.add_function("fn", lambda _payload, _context: ok().after(0.1), reserved_concurrency=4)
    run = replays.execute("--batch-size", "20", "--concurrency", "16")
    assert sorted(far_side.delivered_data()) == sorted(event for _, event in events)
    calls = run.summary["invocations"]
    assert 0 < calls["throttled"] < calls["succeeded"] / 4


def test_a_throttle_that_says_how_long_is_obeyed(far_side: FarSide, replays: Replays) -> None:
    fill(far_side, EVENTS[:3])
    far_side.add_function("fn", lambda _payload, context: ok() if context.number else throttled(retry_after=1))
    replays.execute("--concurrency", "1")
    refused, taken = (call for call in far_side.invocations if call.records)
    assert taken.started - refused.started >= 1


def test_the_service_may_fail_or_update_the_function_now_and_then(far_side: FarSide, replays: Replays) -> None:
    def handler(_payload: Any, context: Context) -> Reply:
        updating, failing = service_error("ResourceConflictException", 409), service_error("ServiceException", 500)
        return {3: updating, 8: failing, 12: failing, 17: updating}.get(context.number, ok())

    fill(far_side)
    far_side.add_function("fn", handler)
    run = replays.execute("--batch-size", "10")
    assert sorted(ids(far_side.delivered_data())) == sorted(ALL_IDS)
    assert (run.status, run.events["delivered"]) == ("succeeded", 300)
    assert run.summary["invocations"].items() >= {"retried": 4, "failed": 4}.items()


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (service_error("ResourceNotFoundException", 404, "Function not found"), "does not exist"),
        (service_error("AccessDeniedException", 403, "not authorized"), "access denied"),
    ],
    ids=["deleted", "denied"],
)
def test_a_function_that_goes_away_midway_stops_the_run(
    refusal: Reply, words: str, far_side: FarSide, replays: Replays
) -> None:
    fill(far_side)
    far_side.add_function("fn", lambda _payload, context: ok() if context.number < 6 else refusal)
    run = replays.execute("--batch-size", "5", "--concurrency", "4")
    assert (run.code, run.status) == (1, "failed")
    assert run.events["delivered"] == len(far_side.delivered()) == 30
    assert run.events["not_sent"] == run.events["matched"] - 30 > 0
    assert sum(call.outcome == "refused" for call in far_side.invocations) <= 4
    assert words in run.err
    assert run.summary["error"].keys() >= {"what", "next_step"}


# Failures of the function


def test_bisecting_leaves_only_the_poison_and_names_all_of_it(far_side: FarSide, replays: Replays) -> None:
    lake = fill(far_side)
    far_side.add_function("fn", raising_on(POISON_IDS))
    run = replays.execute("--batch-size", "40")
    healthy = [each for each in ALL_IDS if each not in POISON_IDS]
    assert sorted(ids(far_side.delivered_data())) == sorted(healthy)
    counts = {"delivered": 275, "failed": 25, "unknown": 0}
    assert (run.code, run.status) == (3, "partial")
    assert run.events.items() >= counts.items()
    kept = run.kept
    places = {(f"s3://lake/{list(lake)[number // 50]}", number % 50 + 1, ALL_IDS[number]) for number in POISON}
    assert {(each["object"], each["line"], each["event_id"]) for each in kept} == places
    assert {(each["fate"], each["error"]) for each in kept} == {("failed", "ValueError")}
    assert [each for each in kept if each in run.failures] == sorted(run.failures, key=kept.index)
    assert len(run.failures) == 20
    in_ledger = Path(run.summary["ledger"]).read_bytes()
    assert all(each.encode() in in_ledger for each in POISON_IDS)
    assert not [event for _, event in EVENTS if event in in_ledger or base64.b64encode(event) in in_ledger]
    assert b"x" * 20 not in in_ledger


def test_the_text_of_a_run_names_its_failures_and_where_all_of_them_are(far_side: FarSide, replays: Replays) -> None:
    lake = fill(far_side, EVENTS[:50])
    far_side.add_function("fn", raising_on(POISON_IDS[:2]))
    result = replays.text("--execute")
    assert (result.code, result.out) == (3, "")
    for fact in (
        "50 matched = 48 delivered + 2 failed + 0 unknown",
        f"{next(iter(lake))}:6",
        POISON_IDS[1],
        "ValueError",
    ):
        assert fact in result.err
    (shown,) = (line for line in result.err.splitlines() if line.startswith("All of it: cncbops runs show "))
    told = replays.command(*shown.partition("cncbops ")[2].split())
    assert (told.code, [each for each in POISON_IDS[:2] if each in told.out]) == (0, POISON_IDS[:2])
    assert "\x1b" not in result.err
    assert replays.text("--execute", "--quiet", "--limit", "2", "--again").err == ""


def test_without_bisecting_a_batch_fails_as_a_whole_after_its_attempts(far_side: FarSide, replays: Replays) -> None:
    fill(far_side, of_one_key(EVENTS[:100]))
    far_side.add_function("fn", raising_on(POISON_IDS[:1]))
    run = replays.execute("--no-bisect", "--batch-size", "10", "--concurrency", "1", "--max-attempts", "2")
    assert ids(far_side.delivered_data()) == ALL_IDS[10:100]
    assert (run.events["failed"], run.summary["invocations"]["failed"]) == (10, 2)


def reporting(poison: Sequence[str], *, lenient: bool = False) -> Handler:
    """A function that stops at the first poison and names it; a lenient one goes on, and names all."""

    def handler(payload: Any, _context: Context) -> Reply:
        numbers = [record["kinesis"]["sequenceNumber"] for record in payload["Records"]]
        named = [number for number, each in zip(numbers, ids_in(payload), strict=True) if each in poison]
        return ok({"batchItemFailures": [{"itemIdentifier": number} for number in named[: None if lenient else 1]]})

    return handler


@pytest.mark.parametrize("lenient", [False, True], ids=["stops at the first", "goes on"])
def test_what_a_partial_batch_response_names_is_set_aside_and_the_rest_done(
    lenient: bool, far_side: FarSide, replays: Replays
) -> None:
    fill(far_side)
    far_side.add_function(
        "fn", reporting(POISON_IDS, lenient=lenient), mappings=[{"FunctionResponseTypes": ["ReportBatchItemFailures"]}]
    )
    run = replays.execute("--batch-size", "20", "--max-attempts", "2")
    assert run.events.items() >= {"delivered": 275, "failed": 25, "unknown": 0}.items()
    assert {failure["event_id"] for failure in run.failures} <= set(POISON_IDS)
    assert sorted(each["event_id"] for each in run.kept) == sorted(POISON_IDS)
    assert set(ids(far_side.delivered_data())) == set(ALL_IDS)
    assert run.code == 3


def test_a_mapping_that_asks_for_no_partial_responses_has_them_ignored(far_side: FarSide, replays: Replays) -> None:
    fill(far_side)
    far_side.add_function("fn", reporting(POISON_IDS), mappings=[{"FunctionResponseTypes": []}])
    run = replays.execute()
    assert (run.code, run.events["delivered"]) == (0, 300)
    assert Counter(ids(far_side.delivered_data())) == Counter(ALL_IDS)


NONSENSE = (
    {"batchItemFailures": [{"itemIdentifier": ""}]},
    {"batchItemFailures": [{"itemIdentifier": "42"}]},
    {"batchItemFailures": [{"wrong": "1"}]},
)
FINE: tuple[object, ...] = (None, {}, {"batchItemFailures": []}, {"batchItemFailures": None})


def test_a_partial_response_that_makes_no_sense_is_a_failure_of_the_batch(far_side: FarSide, replays: Replays) -> None:
    answers = (*NONSENSE, *FINE)
    fill(far_side, of_one_key(EVENTS[: len(answers)]))
    far_side.add_function(
        "fn",
        lambda _payload, context: ok(answers[context.number]),
        mappings=[{"FunctionResponseTypes": ["ReportBatchItemFailures"]}],
    )
    run = replays.execute("--max-attempts", "1", "--batch-size", "1", "--concurrency", "1")
    assert run.events.items() >= {"delivered": len(FINE), "failed": len(NONSENSE)}.items()
    assert [failure["event_id"] for failure in run.failures] == ALL_IDS[: len(NONSENSE)]


def test_whatever_a_function_without_a_mapping_returns_it_took_its_records(far_side: FarSide, replays: Replays) -> None:
    bodies = (b'"success"', b"success", b"", b"[]", b"42", b"<xml/>")
    fill(far_side, EVENTS[: len(bodies)])
    far_side.add_function(
        "fn", lambda _payload, context: Reply("succeeded", Answer(200, {}, bodies[context.number % len(bodies)]))
    )
    run = replays.execute("--batch-size", "1", "--concurrency", "1")
    assert run.events.items() >= {"delivered": len(bodies), "failed": 0}.items()
    assert run.summary["invocations"]["total"] == len(bodies)


# Lost answers


def test_a_lost_answer_is_sent_again_as_a_possible_duplicate(far_side: FarSide, replays: Replays) -> None:
    fill(far_side)
    far_side.add_function("fn", lambda _payload, context: close_after_running() if context.number in (2, 9) else ok())
    run = replays.execute("--batch-size", "10")
    lost = [call for call in far_side.invocations if call.outcome == "unknown"]
    again = sum(len(call.records) for call in lost)
    counts = {"delivered": 300, "unknown": 0, "failed": 0, "possible_duplicates": again}
    assert run.events.items() >= counts.items()
    assert run.summary["invocations"]["unknown"] == len(lost) == 2
    assert Counter(ids(far_side.delivered_data())) == Counter(ALL_IDS)
    assert run.code == 0


def test_a_lost_answer_is_unknown_and_sent_once_where_that_is_asked_for(far_side: FarSide, replays: Replays) -> None:
    fill(far_side)
    far_side.add_function("fn", at_random(close_after_running(), 0.2))
    run = replays.execute("--batch-size", "10", "--on-unknown", "fail")
    reached = [record.sequence_number for call in far_side.invocations for record in call.records]
    assert len(reached) == len(set(reached)) == 300
    lost = sum(len(call.records) for call in far_side.invocations if call.outcome == "unknown")
    assert run.events.items() >= {"delivered": 300 - lost, "unknown": lost, "failed": 0}.items()
    assert {failure["fate"] for failure in run.failures} == {"unknown"}
    assert (run.code, run.status) == (3, "partial")


def test_an_answer_that_never_comes_is_unknown_not_delivered(far_side: FarSide, replays: Replays) -> None:
    fill(far_side, EVENTS[:2])
    far_side.add_function("fn", lambda _payload, _context: close_after_running())
    run = replays.execute("--concurrency", "1")
    assert run.events.items() >= {"delivered": 0, "unknown": 2, "failed": 0, "possible_duplicates": 4}.items()
    assert run.summary["invocations"].items() >= {"total": 3, "unknown": 3}.items()


IMPATIENT = """
from cncbops import terms
terms.ANSWER_MARGIN_S = 2
from cncbops.cli import main
main()
"""


def test_a_slow_function_is_waited_for_and_never_invoked_twice(far_side: FarSide, tmp_path: Path) -> None:
    """Its timeout of a second gives the client three, with a margin of two; the SDK by itself would send again."""
    fill(far_side, EVENTS[:20])
    far_side.add_function(
        "fn",
        lambda _payload, context: ok().after({0: 4.5, 1: 1.5}.get(context.number, 0)),
        configuration={"Timeout": 1},
    )
    command = Cncbops(tmp_path, (sys.executable, "-c", IMPATIENT))
    run = Replays(command, far_side.url).execute("--batch-size", "1", "--concurrency", "8", "--on-unknown", "fail")
    reached = [record.sequence_number for call in far_side.invocations for record in call.records]
    assert len(reached) == len(set(reached)) == 20
    assert run.events.items() >= {"delivered": 19, "unknown": 1, "failed": 0}.items()


def test_async_events_whose_answer_was_lost_or_throttled_are_counted_alike(far_side: FarSide, replays: Replays) -> None:
    def handler(_payload: Any, context: Context) -> Reply:
        return {1: throttled(), 3: close_after_running()}.get(context.number, ok())

    fill(far_side)
    far_side.add_function("fn", handler)
    run = replays.execute("--async", "--batch-size", "25", "--on-unknown", "fail", "--concurrency", "1")
    far_side.wait_until(lambda: far_side.in_flight == 0)
    assert run.events.items() >= {"delivered": 275, "unknown": 25, "failed": 0}.items()
    assert len(far_side.delivered()) == 275
