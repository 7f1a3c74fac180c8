"""`cncbops lake ls`: the objects that a replay would read, one by one or added up."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.e2e import lakes
from tests.e2e.far_side import FarSide
from tests.e2e.far_side_s3 import StoredObject
from tests.e2e.servers import Cncbops, Result

START = datetime(2023, 11, 22, 22, 10, 5, tzinfo=UTC)
WRITTEN = datetime(2023, 11, 24, 1, 2, 3, tzinfo=UTC)
EVIL = "\x1b[31m\x9b1m\n\u202e[red]"


def rows(result: Result) -> list[Any]:
    return [json.loads(line) for line in result.out.splitlines()]


def stored(size: int, storage_class: str = "STANDARD") -> StoredObject:
    return StoredObject(b"x" * size, last_modified=WRITTEN, storage_class=storage_class)


def hourly(far_side: FarSide) -> dict[str, int]:
    """A lake of five hours with objects of different sizes, and what is no object of events; sizes by key."""
    keys = [lakes.firehose_key(when=START + timedelta(minutes=25 * number), index=number) for number in range(12)]
    sizes = {key: 100 + number for number, key in enumerate(keys)}
    objects = {key: stored(size, "GLACIER" if size == 103 else "STANDARD") for key, size in sizes.items()}
    others = {f"{lakes.STREAM}/": stored(0), f"{lakes.STREAM}/empty": stored(0)}
    claim = {f"{lakes.STREAM}/claimchecks/2023/11/22/22/e-1": stored(50)}
    far_side.add_bucket("lake", objects | others | claim)
    return sizes


def test_each_object_is_a_line_of_json_with_what_its_listing_tells(far_side: FarSide, cncbops: Cncbops) -> None:
    sizes = hourly(far_side)
    result = cncbops("lake", "ls", "s3://lake/", "-o", "json", endpoint=far_side.url)
    assert (result.code, result.err) == (0, "")
    assert {row["object"]: row["bytes"] for row in rows(result)} == {f"s3://lake/{key}": sizes[key] for key in sizes}
    first, fourth = rows(result)[0], rows(result)[3]
    assert (first["from"], first["to"]) == ("2023-11-22T22:10:05.000Z", "2023-11-24T01:02:03.000Z")
    assert (first["storage_class"], fourth["storage_class"]) == ("STANDARD", "GLACIER")
    assert not any(request.startswith("GET /lake/") for request in far_side.requests)


def test_a_piped_list_is_a_line_an_object_and_what_is_left_out_is_told(far_side: FarSide, cncbops: Cncbops) -> None:
    hourly(far_side)
    result = cncbops("lake", "ls", "s3://lake/", endpoint=far_side.url)
    first, *others = result.out.splitlines()
    key = lakes.firehose_key(when=START)
    assert first == f"2023-11-22T22:10:05Z  2023-11-24T01:02:03Z  100 bytes  STANDARD  s3://lake/{key}"
    assert len(others) == 11
    assert result.err == "12 objects, 1.3 KB, 3 skipped (1 folder, 1 claim check, 1 empty)\n"
    assert cncbops("lake", "ls", "s3://lake/", "-q", endpoint=far_side.url) == Result(0, result.out, "")


def test_a_time_leaves_out_what_a_replay_of_it_would_not_list(far_side: FarSide, cncbops: Cncbops) -> None:
    hourly(far_side)
    window = ("--from", "2023-11-23T01:00Z", "--to", "2023-11-23T02:00Z")
    found = rows(cncbops("lake", "ls", "s3://lake/", *window, "-o", "json", endpoint=far_side.url))
    hours = Counter(row["from"][11:13] for row in found)
    assert set(hours) == {"00", "01", "02"}
    limited = rows(cncbops("lake", "ls", "s3://lake/", *window, "--limit", "2", "-o", "json", endpoint=far_side.url))
    assert limited == found[:2]


def test_a_summary_adds_up_by_day_and_hour(far_side: FarSide, cncbops: Cncbops) -> None:
    sizes = hourly(far_side)
    result = cncbops("lake", "ls", "s3://lake/", "--summary", "-o", "json", endpoint=far_side.url)
    assert (result.code, result.err) == (0, "")
    document = result.json
    assert (document["command"], document["source"]) == ("lake ls", ["s3://lake/"])
    assert document["objects"].keys() == {"listed", "skipped", "skipped_as", "bytes"}
    assert document["objects"]["listed"] - document["objects"]["skipped"] == 12
    assert document["objects"]["bytes"] == sum(sizes.values())
    assert document["objects"]["skipped_as"] == {"folder": 1, "claim check": 1, "empty": 1}
    counted = Counter((START + timedelta(minutes=25 * number)).strftime("%Y-%m-%dT%H:00Z") for number in range(12))
    assert {hour: sums["objects"] for hour, sums in document["by_hour"].items()} == counted
    by_day = {day: [sums["objects"], sums["bytes"]] for day, sums in document["by_day"].items()}
    assert by_day == {"2023-11-22": [5, 510], "2023-11-23": [7, 756]}
    assert document["storage_classes"]["GLACIER"] == {"objects": 1, "bytes": 103}


def test_a_summary_for_people_has_a_bar_an_hour(far_side: FarSide, cncbops: Cncbops) -> None:
    hourly(far_side)
    result = cncbops("lake", "ls", "s3://lake/", "--summary", endpoint=far_side.url)
    text = result.out.splitlines()
    assert text[0] == "objects  12, 1.3 KB, 3 skipped (1 folder, 1 claim check, 1 empty)"
    assert text[1] == "classes  STANDARD 11, 1.2 KB; GLACIER 1, 103 bytes"
    assert text[4].split() == ["2023-11-22", "5", "510", "bytes"]
    assert text[5].split()[:4] == ["22:00Z", "2", "201", "bytes"]
    assert len(text) == 4 + 2 + 5
    bars = {line.split()[2]: line.count("█") for line in text[4:]}
    assert (bars["510"], bars["309"], bars["324"], bars["201"]) == (0, 19, 20, 12)


def test_without_a_time_in_their_keys_objects_count_by_when_they_were_written(
    far_side: FarSide, cncbops: Cncbops
) -> None:
    far_side.add_bucket("lake", {"export/part-1": stored(10)})
    (row,) = rows(cncbops("lake", "ls", "s3://lake/", "-o", "json", endpoint=far_side.url))
    assert (row["from"], row["to"]) == (None, "2023-11-24T01:02:03.000Z")
    assert cncbops("lake", "ls", "s3://lake/", endpoint=far_side.url).out.startswith("-    ")
    text = cncbops("lake", "ls", "s3://lake/", "--summary", endpoint=far_side.url).out
    assert "1 object by when written, as the keys name no time" in text
    assert "2023-11-24" in text


def test_nothing_there_is_an_empty_list(far_side: FarSide, cncbops: Cncbops) -> None:
    far_side.add_bucket("lake", {})
    assert cncbops("lake", "ls", "s3://lake/", endpoint=far_side.url) == Result(0, "", "0 objects, 0 bytes\n")
    summary = cncbops("lake", "ls", "s3://lake/", "--summary", endpoint=far_side.url)
    assert summary == Result(0, "objects  0, 0 bytes\n", "")


def test_a_year_of_hours_is_told_by_day(far_side: FarSide, cncbops: Cncbops) -> None:
    keys = [lakes.firehose_key(when=START + timedelta(days=number)) for number in range(40)]
    far_side.add_bucket("lake", dict.fromkeys(keys, stored(10)))
    text = cncbops("lake", "ls", "s3://lake/", "--summary", endpoint=far_side.url).out.splitlines()
    assert len([line for line in text if line.startswith("20")]) == 40
    assert text[-1] == "Hours: with -o json, or for a shorter time with --from and --to"


def test_a_key_gives_no_orders_and_is_one_line(far_side: FarSide, cncbops: Cncbops) -> None:
    far_side.add_bucket("lake", {f"k/{EVIL}": stored(10), "k/z": stored(10)})
    result = cncbops("lake", "ls", "s3://lake/", endpoint=far_side.url)
    assert len(result.out.splitlines()) == 2
    assert not {"\x1b", "\x9b", "\u202e"} & set(result.out)
    assert rows(cncbops("lake", "ls", "s3://lake/", "-o", "json", endpoint=far_side.url))[0]["object"].endswith(EVIL)


def test_whoever_reads_a_list_may_stop_at_any_time(far_side: FarSide, cncbops: Cncbops) -> None:
    far_side.add_bucket("lake", {f"k/{'x' * 500}{number:05}": stored(1) for number in range(12_000)})
    process = cncbops.start("lake", "ls", "s3://lake/", endpoint=far_side.url)
    assert process.stdout
    assert b"00000" in process.stdout.readline()
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert len(far_side.requests) < 12


def test_a_choice_of_events_is_refused_as_a_listing_reads_none(cncbops: Cncbops) -> None:
    refused = cncbops("lake", "ls", "s3://lake/", "--type", "thing-created")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == (
        "error: No such option: --type: cncbops lake ls reads no events, as `cncbops lake stats` and `lake find` do. "
        "See `cncbops lake ls --help`\n"
    )
    assert "(Possible options: --" in cncbops("lake", "ls", "s3://lake/", "--tp", "x").err


def test_help_breaks_no_sentence_before_its_line_is_full(cncbops: Cncbops) -> None:
    shown = cncbops("lake", "ls", "--help", env={"COLUMNS": "80"}).out
    assert " key names (by Firehose, " in shown
    assert "JSON lines on stdout" in shown


def test_an_error_is_one_line_and_in_a_summary_one_document(far_side: FarSide, cncbops: Cncbops) -> None:
    listed = cncbops("lake", "ls", "s3://none/", "-o", "json", endpoint=far_side.url)
    assert (listed.code, listed.out, len(listed.err.splitlines())) == (1, "", 1)
    summary = cncbops("lake", "ls", "s3://none/", "--summary", "-o", "json", endpoint=far_side.url)
    assert (summary.code, summary.json["status"]) == (1, "failed")
    assert summary.json["error"]["what"] == "cannot list s3://none/: it does not exist"
