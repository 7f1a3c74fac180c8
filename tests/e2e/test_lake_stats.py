"""`cncbops lake stats`: the installed command, checked by counting the same lakes with a few lines of plain Python."""

import json
import random
import re
import signal
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import FarSide
from tests.e2e.servers import Cncbops, Result

EVIL = "\x1b]0;owned\x07\x9b1m\u202e[red]"
TYPES = ("thing-created", "thing-updated", "thing-deleted", "fault")
HOUR_MS = 3_600_000


def put(folder: Path, lake: Mapping[str, bytes]) -> Path:
    for key, body in lake.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return folder


def a_lake(n_events: int, seed: int, left_out: Iterable[int] = ()) -> dict[str, bytes]:
    """A cookbook lake of one event every 20 s, an object for 30 of them; ids repeat, near and far apart."""
    chance, ids = random.Random(seed), [f"first-{seed}"]
    lines = []
    for number in range(n_events):
        again = chance.random() < 0.05
        event_id = chance.choice(ids[:200]) if again else f"id-{seed}-{number}"
        ids.append(event_id)
        key = f"thing-{int(chance.paretovariate(0.8)) % 500}"
        event = {
            "id": event_id,
            "type": chance.choice(TYPES),
            "timestamp": int(lakes.START.timestamp() * 1000) + number * 20_000 - chance.randrange(5_000),
            "partitionKey": key,
            "tags": {"source": f"source-{chance.randrange(3)}", "region": "elsewhere"},
            "pad": "ä" * chance.randrange(300),
        }
        if chance.random() < 0.1:
            del event[chance.choice(["id", "tags"])]
        text = json.dumps(event, ensure_ascii=False).encode()
        arrival = int(lakes.START.timestamp() * 1000) + number * 20_000
        lines.append(lakes.envelope(text, key, lakes.FIRST_SEQUENCE + number * 16, chance.randrange(3), arrival))
    kept = sorted(set(range(n_events)) - set(left_out))
    return {
        lakes.firehose_key(when=lakes.START + timedelta(seconds=20 * start), index=start): lakes.join(
            lines[number] for number in kept if start <= number < start + 30
        )
        for start in range(0, n_events, 30)
        if any(start <= number < start + 30 for number in kept)
    }


class Plain:
    """The independent count: every line of every object, decoded by the standard library."""

    def __init__(self, bodies: Iterable[bytes]) -> None:
        lines = [line for body in bodies for line in body.split(b"\n") if line]
        documents = [(json.loads(line), line) for line in lines]
        self.read = len(documents)
        chosen = [(each, line) for each, line in documents if each["event"]["type"] != "fault"]
        events = [each["event"] for each, _ in chosen]
        records = [each["kinesisRecordMetadata"] for each, _ in chosen]
        times = [event["timestamp"] for event in events]
        self.matched = len(events)
        self.types = Counter(event["type"] for event in events)
        self.sources = Counter(event.get("tags", {}).get("source", "not-specified") for event in events)
        self.shards = Counter(record["shardId"] for record in records)
        self.keys = Counter(record["partitionKey"] for record in records)
        self.hours = Counter(time // HOUR_MS for time in times)
        self.seconds = Counter(time // 1_000 for time in times)
        self.times = min(times), max(times)
        self.sizes = sorted(line.index(b',"kinesisRecordMetadata"') - len(b'{"event":') for _, line in chosen)
        self.ids = Counter(event["id"] for event in events if "id" in event)


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def document(result: Result, code: int = 0) -> Any:
    assert (result.code, result.err) == (code, "")
    return result.json


@pytest.mark.parametrize("seed", [1, 2])
def test_every_figure_is_what_plain_counting_finds(seed: int, cncbops: Cncbops, far_side: FarSide) -> None:
    lake = a_lake(5_000, seed)
    far_side.add_bucket("lake", lake)
    found = document(cncbops("lake", "stats", "s3://lake/", "-o", "json", endpoint=far_side.url))
    plain = Plain(lake.values())
    events = found["events"]
    assert (found["command"], found["source"], found["status"]) == ("lake stats", ["s3://lake/"], "succeeded")
    assert (events["read"], events["matched"], events["faults"]) == (
        plain.read,
        plain.matched,
        plain.read - plain.matched,
    )
    assert events["by_type"] == plain.types
    assert events["by_source"] == plain.sources
    assert events["by_shard"] == plain.shards
    assert events["by_region"] == {"us-east-1": plain.matched}
    assert found["by_hour"] == {f"{iso(hour * HOUR_MS)[:16]}Z": count for hour, count in plain.hours.items()}
    assert (found["first_event"], found["last_event"]) == tuple(map(iso, plain.times))
    check_rates(found["rates"], plain)
    check_sizes(found["sizes"], plain, lake)
    check_keys(found["partition_keys"], plain)
    repeated = found["repeated_ids"]
    assert repeated["ids"] == sum(count > 1 for count in plain.ids.values())
    assert repeated["events"] == sum(count - 1 for count in plain.ids.values())
    assert repeated["events_without_id"] == plain.matched - sum(plain.ids.values())
    assert all(plain.ids[each] > 1 for each in repeated["examples"])
    assert len(repeated["examples"]) == 10
    assert found["objects"]["bytes"] == sum(map(len, lake.values()))


def check_rates(rates: Any, plain: Plain) -> None:
    seconds = (plain.times[1] - plain.times[0]) / 1_000
    assert rates["mean_events_per_s"] == pytest.approx(plain.matched / seconds, rel=1e-5)
    assert rates["mean_events_per_hour"] == pytest.approx(plain.matched / seconds * 3_600, rel=1e-5)
    assert rates["peak_events_per_s"] == max(plain.seconds.values())
    assert rates["peak_events_per_hour"] == max(plain.hours.values())
    assert rates["peak_second_is_exact"] is True


def check_sizes(sizes: Any, plain: Plain, lake: Mapping[str, bytes]) -> None:
    assert sizes["sum_bytes"] == sum(plain.sizes)
    assert sizes["mean_bytes"] == pytest.approx(sum(plain.sizes) / plain.matched, abs=0.06)
    assert sizes["median_bytes"] == pytest.approx(median(plain.sizes), abs=2)
    assert sizes["p99_bytes"] == plain.sizes[-(-99 * plain.matched // 100) - 1]
    assert (sizes["largest_bytes"], sizes["rank_error"]) == (plain.sizes[-1], 0.0)
    place = sizes["largest_event"]
    line = lake[place["object"].removeprefix("s3://lake/")].split(b"\n")[place["line"] - 1]
    assert line.index(b',"kinesisRecordMetadata"') - len(b'{"event":') == plain.sizes[-1]


def check_keys(keys: Any, plain: Plain) -> None:
    assert keys["distinct"] == keys["distinct_low"] == keys["distinct_high"] == len(plain.keys)
    ranked = sorted(plain.keys.items(), key=lambda each: (-each[1], each[0]))[:10]
    assert [(hot["partition_key"], hot["events"]) for hot in keys["hottest"]] == ranked
    assert keys["hottest"][0]["share"] == pytest.approx(ranked[0][1] / plain.matched, abs=1e-6)


def test_what_was_chosen_is_counted_and_nothing_else(cncbops: Cncbops, tmp_path: Path) -> None:
    lake = put(tmp_path / "lake", a_lake(500, 3))
    chosen = document(cncbops("lake", "stats", lake, "-t", "thing-*", "--shard", "1", "--limit", "20", "-o", "json"))
    assert chosen["events"]["matched"] == 20
    assert set(chosen["events"]["by_shard"]) == {"shardId-000000000001"}
    faults = document(cncbops("lake", "stats", lake, "-t", "fault", "-o", "json"))["events"]
    assert set(faults["by_type"]) == {"fault"}
    assert faults["matched"] > 0
    nothing = document(cncbops("lake", "stats", lake, "-t", "no-such", "-o", "json"))
    assert (nothing["status"], nothing["events"]["matched"], nothing["first_event"]) == ("nothing", 0, None)


def test_where_there_is_nothing_to_count_it_says_so_in_place_of_zeros(cncbops: Cncbops, tmp_path: Path) -> None:
    (empty := tmp_path / "empty").mkdir()
    none = cncbops("lake", "stats", empty)
    assert (none.code, none.out) == (0, f"Nothing to count: no object was found under {empty}.\n\n")
    lake = put(tmp_path / "lake", a_lake(50, 3))
    unfit = cncbops("lake", "stats", lake, "-t", "no-such")
    assert (unfit.code, unfit.out.startswith("Nothing to count: no event matches.\n")) == (0, True)
    assert "0 matched of" in unfit.out


def test_gaps_are_those_of_the_lake_whatever_is_chosen(cncbops: Cncbops, tmp_path: Path) -> None:
    # An object of 30 events covers 10 minutes; 180 events an hour, from 03:53:28 on.
    left_out = [*range(20, 380), 700, 701, 900]
    lake = put(tmp_path / "lake", a_lake(1_200, 4, left_out))
    gaps = document(cncbops("lake", "stats", lake, "-t", "thing-deleted", "-o", "json"))["gaps"]
    assert gaps["hours_without_object"] == 1
    (hole,) = gaps["without_object"]
    assert hole == {
        "prefix": f"{lake}/{lakes.STREAM}/",
        "from": "2018-04-08T04:00:00.000Z",
        "to": "2018-04-08T05:00:00.000Z",
        "hours": 1,
    }
    (sequence,) = gaps["sequences"]
    assert (sequence["shard"], sequence["step"], sequence["present"]) == (None, 16, 1_200 - len(left_out))
    assert sequence["missing"] == len(left_out)
    assert [run["missing"] for run in sequence["runs"]] == [360, 2, 1]
    assert sequence["runs"][1]["after"] == str(lakes.FIRST_SEQUENCE + 699 * 16)
    assert sequence["runs"][1]["before"] == str(lakes.FIRST_SEQUENCE + 702 * 16)


def test_objects_that_are_empty_or_cannot_be_read_are_objects(cncbops: Cncbops, tmp_path: Path) -> None:
    bodies = [lakes.join([lakes.raw(b"{}")]), b"", b"\x1f\x8b\x08cut", lakes.join([lakes.raw(b"{}")])]
    keys = [lakes.firehose_key(when=lakes.START + timedelta(hours=hour)) for hour in (0, 1, 2, 4)]
    lake = put(tmp_path / "lake", dict(zip(keys, bodies, strict=True)))
    found = cncbops("lake", "stats", lake, "-o", "json")
    assert (found.code, found.json["objects"]["failed"]) == (3, 1)
    (hole,) = found.json["gaps"]["without_object"]
    assert (hole["from"], hole["hours"]) == ("2018-04-08T06:00:00.000Z", 1)


def test_a_shard_is_silent_in_hours_in_which_there_are_objects(cncbops: Cncbops, tmp_path: Path) -> None:
    shards = {0: [0, 1, 2, 3, 4], 1: [0, 3, 4], 2: [1, 2]}
    body: dict[int, list[bytes]] = {hour: [] for hour in range(5)}
    for shard, hours in shards.items():
        for hour in hours:
            when = int(lakes.START.timestamp() * 1000) + hour * HOUR_MS
            body[hour].append(lakes.envelope(b'{"type":"t"}', "k", 10**55 + hour * 7**hour, shard, when))
    lake = {lakes.firehose_key(when=lakes.START + timedelta(hours=h)): lakes.join(ls) for h, ls in body.items()}
    gaps = document(cncbops("lake", "stats", put(tmp_path / "lake", lake), "-o", "json"))["gaps"]
    assert (gaps["hours_without_object"], gaps["silent_shard_hours"], gaps["sequences"]) == (0, 2, [])
    (silence,) = gaps["silent_shards"]
    assert (silence["shard"], silence["hours"]) == ("shardId-000000000001", 2)
    assert (silence["from"], silence["to"]) == ("2018-04-08T04:00:00.000Z", "2018-04-08T06:00:00.000Z")


def test_sources_and_regions_are_those_of_each_format(cncbops: Cncbops, tmp_path: Path) -> None:
    tagged = b'{"type":"t","tags":{"source":"by-tag","region":"eu-west-1"}}'
    lines = [
        lakes.eventbridge(b'{"type":"t","tags":{"source":"not this"}}', "t", "e-1"),
        lakes.raw(tagged),
        lakes.raw(b'{"type":"t","tags":{"source":7}}'),
        lakes.raw(b'{"type":"t","tags":"none"}'),
        lakes.raw(b'{"type":"t","tags":null}'),
        lakes.raw(rb'{"type":"t","lone":"\ud800","tags":{"source":"by-tag"}}'),
        lakes.firehose_error(tagged),
        lakes.envelope(tagged, "k", 1),
    ]
    put(tmp_path, {"lake/all": lakes.join(lines)})
    found = document(cncbops("lake", "stats", tmp_path / "lake", "-o", "json"))
    assert found["events"]["by_source"] == {"by-tag": 4, "not-specified": 2, "7": 1, "custom": 1}
    assert found["events"]["by_region"] == {"(none)": 4, "eu-west-1": 2, "us-east-1": 2}
    assert found["events"]["synthesized"] == 7
    assert found["gaps"]["objects_without_hour"] == 1


def test_a_shard_that_the_lake_did_not_keep_is_none_of_its_shards(cncbops: Cncbops, tmp_path: Path) -> None:
    event = b'{"type":"t","timestamp":1523159608123}'
    lines = [lakes.envelope(event, "k", 1), lakes.envelope(event, "k", 2, shard=1), *[lakes.raw(event)] * 3]
    put(tmp_path, {"lake/all": lakes.join(lines)})
    found = document(cncbops("lake", "stats", tmp_path / "lake", "-o", "json"))
    assert found["events"]["by_shard"] == {"(none)": 3, "shardId-000000000000": 1, "shardId-000000000001": 1}
    metrics = cncbops("lake", "stats", tmp_path / "lake", "--metrics").out.splitlines()
    values = {re.search(r"shard:([^,]+)", line)[1]: line.split("|")[2] for line in metrics}  # type: ignore[index]
    assert values == {"not-specified": "3", "000000000000": "1", "000000000001": "1"}


def test_events_without_a_time_of_their_own_are_told_of(cncbops: Cncbops, tmp_path: Path) -> None:
    odd = [b"null", b'"soon"', b"-1", b"1e300", b'"-5"', b"true", b'"2018-04-08T00:00:00Z"']
    times = [*odd, b"1523159608123", b'"1523159608123"', b"0", b"5.5"]
    lines = [b'{"type":"t","timestamp":%b}' % each for each in times]
    put(tmp_path, {"lake/all": lakes.join([*lines, b'{"type":"t"}']), "plain/all": lines[-4]})
    found = document(cncbops("lake", "stats", tmp_path / "lake", "-o", "json"))
    assert (found["events"]["matched"], found["events"]["without_time"]) == (12, 8)
    shown = cncbops("lake", "stats", tmp_path / "lake").out
    assert re.search(r"^undated +8 events without a time of the event's own: arrival counts, else", shown, re.MULTILINE)
    plain = cncbops("lake", "stats", tmp_path / "plain").out
    assert "1 matched" in plain
    assert "undated" not in plain


def test_hostile_names_do_no_harm(cncbops: Cncbops, tmp_path: Path) -> None:
    names = [EVIL, "a|b,c#d e\nf\u2028g", "x" * 5_000]
    events = [
        json.dumps({"type": name, "id": name, "partitionKey": name[:256], "tags": {"source": name, "region": name}})
        for name in names
        for _ in range(2)
    ]
    put(tmp_path, {"lake/all": lakes.join([event.encode() for event in events] + lakes.hostile_events())})
    shown = cncbops("lake", "stats", tmp_path / "lake")
    assert shown.code == 0
    assert not set(shown.out) & set(map(chr, [*range(10), *range(11, 32), *range(127, 160), 0x202E]))
    metrics = cncbops("lake", "stats", tmp_path / "lake", "--metrics")
    for line in metrics.out.splitlines():
        assert re.fullmatch(r"MONITORING\|\d+\|\d+\|count\|domain\.event\|#([a-z]+:[^|,#\s]+,){5}type:[^|,#\s]+", line)
    assert "source:a_b_c_d_e_f_g," in metrics.out
    assert max(map(len, metrics.out.splitlines())) < 2_000


def test_metric_lines_are_the_books_and_their_values_add_up(cncbops: Cncbops, tmp_path: Path) -> None:
    lake = a_lake(2_000, 5)
    result = cncbops("lake", "stats", put(tmp_path / "lake", lake), "--metrics")
    assert result.code == 0
    expected: Counter[str] = Counter()
    for body in lake.values():
        for line in filter(None, body.split(b"\n")):
            each = json.loads(line)
            event, record = each["event"], each["kinesisRecordMetadata"]
            tags = (
                f"account:123456789012,region:us-east-1,stream:{lakes.STREAM},shard:{record['shardId'][8:]},"
                f"source:{event.get('tags', {}).get('source', 'not-specified')},type:{event['type']}"
            )
            expected[f"{event['timestamp'] // HOUR_MS * 3_600}|{tags}"] += event["type"] != "fault"
    found = Counter()
    for line in result.out.splitlines():
        head, moment, value, kind, name, tags = line.split("|")
        assert (head, kind, name) == ("MONITORING", "count", "domain.event")
        found[f"{moment}|{tags.removeprefix('#')}"] += int(value)
    assert found == +expected
    assert len(result.out.splitlines()) == len(found)
    assert "2,000 read" in result.err


def test_metrics_and_json_exclude_each_other(cncbops: Cncbops, tmp_path: Path) -> None:
    result = cncbops("lake", "stats", tmp_path, "--metrics", "-o", "json")
    assert (result.code, result.json["status"]) == (2, "failed")
    assert "Leave out --metrics" in result.err


def test_what_is_broken_is_told_and_the_rest_counted(cncbops: Cncbops, tmp_path: Path) -> None:
    put(tmp_path, {"lake/a": b'{"type":"t"}\nno JSON\n', "lake/b.gz": b"\x1f\x8bbroken", "lake/c": b'{"type":"t"}\n'})
    result = cncbops("lake", "stats", tmp_path / "lake")
    assert result.code == 3
    assert "NotJson: " in result.err
    assert "CorruptObject: " in result.err
    assert "2 matched of 2 read" in result.out
    found = document(cncbops("lake", "stats", tmp_path / "lake", "-o", "json"), code=3)
    assert (found["status"], found["events"]["matched"], found["objects"]["failed"]) == ("partial", 2, 1)
    assert [failure["line"] for failure in found["failures"]] == [2, 0]


def test_people_see_hours_as_a_chart_with_its_gaps(cncbops: Cncbops, tmp_path: Path) -> None:
    def lake_of(*hours: int) -> dict[str, bytes]:
        starts = [lakes.START.replace(hour=0) + timedelta(hours=hour) for hour in hours]
        line = b'{"type":"t","timestamp":%d}\n'
        return {lakes.firehose_key(when=when): line % int(when.timestamp() * 1000) for when in starts}

    few = cncbops("lake", "stats", put(tmp_path / "few", lake_of(0, 2)))
    assert re.search(r"T00:00Z  1  █+\n2018-04-08T01:00Z  0\n2018-04-08T02:00Z  1  █+\n", few.out)
    assert "1 hour without an object" in few.out
    many = cncbops("lake", "stats", put(tmp_path / "many", lake_of(0, 5, 24, 119)))
    assert "2018-04-08  █····█··················  2\n" in many.out
    assert "2018-04-09  █·······················  1\n            2 days without events\n2018-04-12  ·" in many.out
    assert "115 hours without an object" not in many.out
    assert "116 hours without an object" in many.out


@pytest.mark.parametrize("output", ["json", "text"])
def test_an_interrupt_shows_what_was_counted_so_far(output: str, cncbops: Cncbops, far_side: FarSide) -> None:
    lake = lakes.make_lake(400, 3, 1)
    far_side.add_bucket("lake", lake)
    held = sorted(lake)[200]
    middle = far_side.hold(f"GET /lake/{held}")
    process = cncbops.start("lake", "stats", "s3://lake/", "-o", output, endpoint=far_side.url)
    far_side.wait_until(lambda: any(held in request for request in far_side.requests))
    process.send_signal(signal.SIGINT)
    middle.set()
    result = cncbops.finish(process)
    assert (result.code, result.err) == (130, "")
    if output == "json":
        assert result.json["status"] == "interrupted"
        assert 0 < result.json["events"]["matched"] < 400
    else:
        assert result.out.rstrip().endswith("Interrupted: this is what was counted until then.")


def test_nothing_more_is_listed_after_an_interrupt(cncbops: Cncbops, far_side: FarSide) -> None:
    far_side.add_bucket("lake", {f"{number:05}": b"" for number in range(5_000)})
    second = far_side.hold("GET /lake?list-type=2&prefix=&continuation-token")
    process = cncbops.start("lake", "stats", "s3://lake/", "-o", "json", endpoint=far_side.url)
    far_side.wait_until(lambda: any("continuation-token" in request for request in far_side.requests))
    process.send_signal(signal.SIGINT)
    second.set()
    result = cncbops.finish(process)
    assert (result.code, result.json["status"]) == (130, "interrupted")
    assert result.json["objects"]["listed"] <= 1_000


def test_an_error_is_one_line_also_when_the_process_ends(cncbops: Cncbops, tmp_path: Path) -> None:
    # A process of its own: what libraries say at the end of one is seen there alone.
    result = cncbops("lake", "stats", tmp_path / "absent", env={"PYTHONUNBUFFERED": "1"})
    assert result.code == 1
    assert re.fullmatch(r"error: .*absent' cannot be listed: .*\n", result.err)
