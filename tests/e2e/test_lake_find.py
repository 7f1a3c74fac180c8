"""`cncbops lake find`: where an event lies, found without reading on."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import FarSide
from tests.e2e.far_side_s3 import StoredObject
from tests.e2e.servers import Cncbops, Result

FIXTURES = Path(__file__).parents[2] / "fixtures" / "lakes"
PAIRS = lakes.make_events(300, 7)
EVENTS = [event for _, event in PAIRS]
IDS = [json.loads(event)["id"] for event in EVENTS]


def rows(result: Result) -> list[Any]:
    return [json.loads(line) for line in result.out.splitlines()]


@pytest.fixture
def lake(far_side: FarSide) -> FarSide:
    far_side.add_bucket("lake", lakes.lake_of(PAIRS, 3))
    return far_side


def test_an_event_is_found_by_its_id_with_all_that_the_lake_knows_of_it(lake: FarSide, cncbops: Cncbops) -> None:
    result = cncbops("lake", "find", "s3://lake/", "--id", IDS[7], "-o", "json", endpoint=lake.url)
    assert (result.code, result.err) == (0, "")
    (found,) = rows(result)
    key = sorted(lakes.lake_of(PAIRS, 3))[2]
    assert (found["object"], found["line"], found["part"]) == (f"s3://lake/{key}", 2, 0)
    assert (found["event_id"], found["partition_key"]) == (IDS[7], PAIRS[7][0])
    assert found["sequence_number"] == str(lakes.FIRST_SEQUENCE + 7 * 16)
    assert found["shard"] == "shardId-000000000000"
    assert (found["time"], found["arrival"], found["synthesized"]) == (*["2018-04-08T03:53:35.000Z"] * 2, False)
    assert result.out.encode().endswith(b'"event":' + EVENTS[7] + b"}\n")


def test_it_stops_as_soon_as_it_has_what_it_looks_for(lake: FarSide, cncbops: Cncbops) -> None:
    assert cncbops("lake", "find", "s3://lake/", "--id", IDS[1], endpoint=lake.url).code == 0
    assert sum(request.startswith("GET /lake/") for request in lake.requests) < 30
    assert len(rows(cncbops("lake", "find", "s3://lake/", "-o", "json", endpoint=lake.url))) == 10
    limited = cncbops("lake", "find", "s3://lake/", "--limit", "12", "-o", "json", endpoint=lake.url)
    assert [row["event_id"] for row in rows(limited)] == IDS[:12]


def test_events_are_found_by_what_they_hold_and_when(lake: FarSide, cncbops: Cncbops) -> None:
    pattern = '{"data":{"thing":{"number":[{"numeric":[">=",40,"<",60]}]}}}'
    window = ("--from", "2018-04-08T03:54:20Z", "--to", "2018-04-08T03:55:00Z")
    asked = ("--filter", pattern, *window, "-o", "json", "--limit", "100")
    found = rows(cncbops("lake", "find", "s3://lake/", *asked, endpoint=lake.url))
    assert [row["event"]["thing"]["number"] for row in found] == list(range(52, 60))


def test_an_id_may_come_more_than_once(cncbops: Cncbops, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(lakes.join([b'{"id":"e","type":"t"}{"id":"e","type":"t"}', b'{"id":"e","type":"t"}']))
    (first,) = rows(cncbops("lake", "find", tmp_path, "--id", "e", "-o", "json"))
    assert (first["line"], first["part"], first["synthesized"]) == (1, 0, True)
    three = rows(cncbops("lake", "find", tmp_path, "--id", "e", "--limit", "5", "-o", "json"))
    assert [(row["line"], row["part"]) for row in three] == [(1, 0), (1, 1), (2, 0)]


def test_a_fault_is_found_if_it_is_named(cncbops: Cncbops, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b'{"id":"f-1","type":"fault"}\n{"type":"t"}\n')
    assert rows(cncbops("lake", "find", tmp_path, "--id", "f-1", "-o", "json"))[0]["type"] == "fault"
    assert [row["type"] for row in rows(cncbops("lake", "find", tmp_path, "-o", "json"))] == ["t"]
    assert cncbops("lake", "find", tmp_path, "--id", "f-1", "--type", "t").code == 1


def test_what_is_found_is_shown_readably_with_no_value_changed(cncbops: Cncbops) -> None:
    source = FIXTURES / "cookbook"
    result = cncbops("lake", "find", source, "--type", "thing-updated")
    assert result.code == 0
    first, *told = result.out.splitlines()
    assert first.endswith("-4f0f0c0a-5a5e-4a0e-8f3e-0a3a2c1d9b11:3")
    assert "partition key    thing-42" in told
    assert '    "price": 1.5e0' in "\n".join(told)
    assert result.err == "1 event of 5 read, 1 object read\n"


@pytest.mark.parametrize("mode", [[], ["-o", "json"], ["-q"]], ids=["text", "json", "quiet"])
def test_where_nothing_is_found_that_is_said(mode: list[str], cncbops: Cncbops) -> None:
    result = cncbops("lake", "find", FIXTURES / "cookbook", "--type", "none", *mode)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: no event fits, of 5 read in 1 object. ")
    assert "`cncbops lake stats SOURCE`" in result.err
    assert len(result.err.splitlines()) == 1


def test_where_faults_alone_would_fit_that_is_said(cncbops: Cncbops, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b'{"type":"fault"}\n')
    result = cncbops("lake", "find", tmp_path)
    assert (result.code, result.out) == (1, "")
    assert "of 1 read in 1 object; 1 fault event left out, which --type fault asks for. " in result.err


def test_where_not_all_could_be_read_nothing_found_is_no_proof(far_side: FarSide, cncbops: Cncbops) -> None:
    far_side.add_bucket("lake", {"a": StoredObject(b"{}", vanished=True), "b": b'{"type":"t"}'})
    result = cncbops("lake", "find", "s3://lake/", "--id", "e", endpoint=far_side.url)
    assert (result.code, result.out) == (3, "")
    assert [line.split(":")[0] for line in result.err.splitlines()] == ["NoSuchKey", "error"]
    found = cncbops("lake", "find", "s3://lake/", "--type", "t", "-o", "json", endpoint=far_side.url)
    assert (found.code, len(rows(found))) == (3, 1)


def test_nothing_in_an_event_gives_orders(cncbops: Cncbops, tmp_path: Path) -> None:
    evil = "\x9b31m\u202e[red]"
    (tmp_path / "a").write_bytes(b'{"id":"%b","type":"t","text":"\\u001b[31m%b"}' % (evil.encode(), evil.encode()))
    text = cncbops("lake", "find", tmp_path).out
    assert not {"\x1b", "\x9b", "\u202e"} & set(text)
    assert r"id               \x9b31m\u202e[red]" in text
