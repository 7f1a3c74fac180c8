"""Which events are sent: by type, key, shard, pattern, number and time, and what is left out unasked."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import FarSide
from tests.e2e.replays import Replays

Event = dict[str, Any]
FAULT = b'{"type":"fault","timestamp":1523159700000,"tags":{"functionName":"cncb-listener"},"err":{},"uow":{}}'
MIDNIGHT = datetime(2018, 4, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


def number(event: Event) -> int:
    return int(event["thing"]["number"])


EVENTS = lakes.make_events(240, 9, seed=5)


@pytest.fixture
def lake(far_side: FarSide) -> FarSide:
    """EVENTS on three shards, and two faults."""
    objects = lakes.lake_of(EVENTS, 50, shards=3)
    faults = [lakes.envelope(FAULT, f"fault-{n}", lakes.FIRST_SEQUENCE * 2 + n) for n in range(2)]
    far_side.add_bucket("lake", objects | {lakes.firehose_key(index=99): lakes.join(faults)})
    far_side.add_function("fn")
    return far_side


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        ("--type thing-created -t *-[du]*ted -t THING-*", lambda event: True),
        ("-t thing-updated -t THING-DELETED -t create", lambda event: event["type"] == "thing-updated"),
        (
            "--partition-key thing-3 --partition-key thing-5",
            lambda event: event["partitionKey"] in ("thing-3", "thing-5"),
        ),
        ("--limit 77", lambda event: number(event) < 77),
        (
            '--filter {"data":{"thing":{"number":[{"numeric":[">=",100,"<",120]}]}}} '
            '--filter {"partitionKey":["thing-1"],"data":{"type":[{"suffix":"-deleted"}]}}',
            lambda event: (
                100 <= number(event) < 120 or (event["type"] == "thing-deleted" and event["partitionKey"] == "thing-1")
            ),
        ),
        (
            "-t thing-updated --partition-key thing-3 --limit 4 "
            "--from 2018-04-08T03:54:28Z --to 2018-04-08T05:56:28+02:00",
            None,
        ),
    ],
    ids=["globs", "globs are whole and case-sensitive", "keys", "a limit", "patterns", "all of it"],
)
def test_only_the_events_asked_for_are_sent(
    options: str, chosen: Callable[[Event], bool] | None, lake: FarSide, replays: Replays
) -> None:
    chosen = chosen or _in_the_third_and_fourth_minute
    expected = [event for _, event in EVENTS if chosen(json.loads(event))][: 4 if "--limit 4" in options else None]
    run = replays.execute(*options.split(), "--concurrency", "1")
    assert sorted(lake.delivered_data()) == sorted(expected)
    assert expected
    assert run.events["matched"] == len(expected)


def _in_the_third_and_fourth_minute(event: Event) -> bool:
    same = event["type"] == "thing-updated" and event["partitionKey"] == "thing-3"
    return same and 60 <= number(event) < 180


def test_only_the_shards_asked_for_are_sent(lake: FarSide, replays: Replays) -> None:
    replays.execute("--shard", "shardId-000000000000", "--shard", "2")
    wanted = {"shardId-000000000000", "shardId-000000000002"}
    lines = [json.loads(line) for body in lakes.lake_of(EVENTS, 50, shards=3).values() for line in body.splitlines()]
    expected = [line["event"]["id"] for line in lines if line["kinesisRecordMetadata"]["shardId"] in wanted]
    assert sorted(json.loads(data)["id"] for data in lake.delivered_data()) == sorted(expected)
    assert 0 < len(expected) < 240


@pytest.mark.parametrize(("types", "delivered", "left_out"), [([], 240, 2), (["-t", "fau*"], 2, 0)])
def test_faults_are_left_out_and_counted_unless_asked_for(
    types: list[str], delivered: int, left_out: int, lake: FarSide, replays: Replays
) -> None:
    run = replays.execute(*types)
    assert (run.events["delivered"], run.events["faults"]) == (delivered, left_out)
    assert (FAULT in lake.delivered_data()) is (left_out == 0)


def test_what_the_mapping_filters_out_is_not_sent_but_counted(lake: FarSide, replays: Replays) -> None:
    pattern = json.dumps({"data": {"type": [{"prefix": "thing-c"}], "thing": {"number": [{"numeric": ["<", 200]}]}}})
    lake.add_function("fn", mappings=[{"FilterCriteria": {"Filters": [{"Pattern": pattern}]}}])
    plan, run = replays.plan(), replays.execute()
    kept = [event for _, event in EVENTS if json.loads(event)["type"] == "thing-created"]
    kept = [event for event in kept if number(json.loads(event)) < 200]
    assert sorted(lake.delivered_data()) == sorted(kept)
    assert run.events["filtered"] == plan.events["filtered"] == 240 - len(kept)
    assert plan.summary["plan"]["terms"]["mapping_filters"] == [pattern]


def test_a_choice_that_nothing_meets_is_nothing_to_do(lake: FarSide, replays: Replays) -> None:
    run = replays.execute("--type", "no-such-type")
    assert (run.code, run.status, run.events["read"]) == (0, "nothing", 242)
    assert lake.delivered() == []


# Time

LAYOUTS: dict[str, Callable[[datetime], str]] = {
    "cookbook": lambda when: lakes.firehose_key(when=when),
    "joined to a literal": lambda when: f"legacy{when:%Y/%m/%d/%H}/{_name(when)}",
    "hive": lambda when: f"lake/year={when:%Y}/month={when:%m}/day={when:%d}/hour={when:%H}/{_name(when)}",
    "unknown": lambda when: f"exports/batch-{int(when.timestamp()) // 3600}/{_name(when)}",
}


def _name(when: datetime) -> str:
    return lakes.firehose_key(when=when).rpartition("/")[2]


def event_at(when: datetime, name: str) -> bytes:
    timestamp = int(when.timestamp() * 1000)
    return b'{"id":"%b","type":"thing-created","timestamp":%d,"partitionKey":"k"}' % (name.encode(), timestamp)


def three_days(layout: Callable[[datetime], str]) -> dict[str, bytes]:
    """An object for each hour of three days, with an event of its first minute and one of its last."""
    hours = [MIDNIGHT + number * HOUR for number in range(-24, 48)]
    return {
        layout(hour): lakes.join(
            [
                lakes.envelope(event_at(hour + timedelta(seconds=5), f"{hour:%d-%H}-first"), "k", 1),
                lakes.envelope(event_at(hour + timedelta(minutes=59), f"{hour:%d-%H}-last"), "k", 2),
            ]
        )
        for hour in hours
    }


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_window_of_time_is_exact_whatever_the_layout_and_far_hours_are_not_read(
    layout: str, far_side: FarSide, replays: Replays
) -> None:
    objects = three_days(LAYOUTS[layout])
    far_side.add_bucket("lake", objects)
    far_side.add_function("fn")
    run = replays.execute("--from", "2018-04-08T09:30Z", "--to", "2018-04-08T12:00Z")
    sent = [json.loads(data)["id"] for data in far_side.delivered_data()]
    assert sent == ["08-09-last", "08-10-first", "08-10-last", "08-11-first", "08-11-last"]
    assert run.summary["first_event"] == "2018-04-08T09:59:00.000Z"
    read = {request.partition("/lake/")[2] for request in far_side.requests if request.startswith("GET /lake/")}
    near = {LAYOUTS[layout](MIDNIGHT + hour * HOUR) for hour in range(8, 13)}
    expected = set(objects) if layout == "unknown" else near
    assert {unquote(key) for key in read} == expected
    if layout != "unknown":
        assert hours_listed(far_side, LAYOUTS[layout]) == {near_key.rpartition("/")[0] + "/" for near_key in near}


def hours_listed(far_side: FarSide, layout: Callable[[datetime], str]) -> set[str]:
    """The hour folders that were listed; no folder of another day may have been."""
    listings = [request.partition("?")[2] for request in far_side.requests if request.startswith("GET /lake?")]
    prefixes = [parse_qs(listing).get("prefix", [""])[0] for listing in listings]
    assert not [prefix for prefix in prefixes if "04/07/" in prefix or "day=07/" in prefix]
    return {prefix for prefix in prefixes if prefix.count("/") == layout(MIDNIGHT).count("/")}


def test_events_in_the_hours_beside_their_own_are_found(far_side: FarSide, replays: Replays) -> None:
    early = event_at(MIDNIGHT + timedelta(hours=10, seconds=2), "in the object of the hour before")
    late = event_at(MIDNIGHT + timedelta(hours=10, minutes=59, seconds=58), "in the object of the hour after")
    far_side.add_bucket(
        "lake",
        {
            lakes.firehose_key(when=MIDNIGHT + timedelta(hours=9, minutes=59)): lakes.envelope(early, "k", 1),
            lakes.firehose_key(when=MIDNIGHT + 11 * HOUR): lakes.envelope(late, "k", 2),
        },
    )
    far_side.add_function("fn")
    replays.execute("--from", "2018-04-08T10:00Z", "--to", "2018-04-08T11:00Z")
    assert far_side.delivered_data() == [early, late]


def test_a_window_may_be_told_by_age(far_side: FarSide, replays: Replays) -> None:
    now = datetime.now(UTC)
    ages = [timedelta(hours=age) + timedelta(minutes=30) for age in range(5)]
    lake = {
        lakes.firehose_key(when=now - age): lakes.envelope(event_at(now - age, str(n)), "k", n + 1)
        for n, age in enumerate(ages)
    }
    far_side.add_bucket("lake", lake)
    far_side.add_function("fn")
    replays.execute("--from", "-3h", "--to=-1h")
    assert [json.loads(data)["id"] for data in far_side.delivered_data()] == ["2", "1"]
