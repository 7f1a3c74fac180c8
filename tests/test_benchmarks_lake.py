"""The benchmarks' lakes are what cncbops takes for lakes."""

import gzip
import hashlib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.lake import object_key, write_lake
from benchmarks.shape import FUNCTION, Shape
from cncbops.faults.decoding import decode_fault
from cncbops.faults.fault import Records
from cncbops.formats.decoding import decode
from cncbops.formats.event import LakeEvent
from cncbops.lake.layout import find_date, object_time
from cncbops.lake.lines import Block
from cncbops.lake.listing import list_objects
from cncbops.lake.sources import LocalSource

SMALL = Shape(objects=6, events=40, keys=17, shards=3, hours=3)


def _contents(bucket: Path) -> list[bytes]:
    paths = [Path(obj.key) for obj in list_objects(LocalSource(bucket), None)]
    return [gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes() for path in paths]


def _events(bucket: Path) -> list[LakeEvent]:
    events: list[LakeEvent] = []
    for content in _contents(bucket):
        found, malformed = decode(Block(content, 1, 0))
        assert not malformed
        events += found
    return events


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("format_", ["envelope", "eventbridge", "raw"])
def test_every_line_is_an_event_with_its_own_id(tmp_path: Path, format_: str, packed: bool) -> None:
    shape = replace(SMALL, format=format_, gzip=packed)
    write_lake(tmp_path, shape)
    events = _events(tmp_path)
    assert len(events) == shape.total
    assert len({event.event_id for event in events}) == shape.total
    assert len({event.partition_key for event in events}) == shape.keys
    assert all(len(line) == shape.line_bytes for line in _contents(tmp_path)[0].splitlines(keepends=True))


def test_a_key_is_on_the_shard_of_its_md5_and_a_shard_s_numbers_rise(tmp_path: Path) -> None:
    write_lake(tmp_path, SMALL)
    last: dict[str, int] = {}
    for event in _events(tmp_path):
        assert event.partition_key
        assert event.shard_id
        assert event.sequence_number
        share = int(hashlib.md5(event.partition_key.encode()).hexdigest(), 16) / 2**128
        assert event.shard_id == f"shardId-{int(share * 3):012d}"
        assert int(event.sequence_number) > last.get(event.shard_id, 0)
        last[event.shard_id] = int(event.sequence_number)
    assert len(last) == SMALL.shards


def test_keys_are_firehose_s_and_in_the_order_of_time() -> None:
    shape = replace(SMALL, objects=10_000)
    keys = [object_key(shape, number) for number in range(shape.objects)]
    assert keys == sorted(keys)
    times = [object_time(key) or 0 for key in keys]
    assert all(earlier <= later for earlier, later in pairwise(times))
    hours = {found.date for found in map(find_date, (key.split("/")[:-1] for key in keys)) if found}
    assert len(hours) == shape.hours


def test_bodies_are_repeated_without_their_room(tmp_path: Path) -> None:
    write_lake(tmp_path, replace(SMALL, distinct=2))
    objects = list(list_objects(LocalSource(tmp_path), None))
    assert len(objects) == SMALL.objects
    assert len({Path(obj.key).stat().st_ino for obj in objects}) == 2
    assert len(_events(tmp_path)) == SMALL.total


@pytest.mark.parametrize("format_", ["fault", "fault-document"])
def test_a_fault_names_one_function_and_keeps_one_record(tmp_path: Path, format_: str) -> None:
    write_lake(tmp_path, replace(SMALL, format=format_))
    lines = [line for content in _contents(tmp_path) for line in content.splitlines()]
    assert len(lines) == SMALL.total
    for line in lines:
        faults = decode_fault(line)
        assert isinstance(faults, list)
        assert [fault.function for fault in faults] == [FUNCTION]
        assert isinstance(faults[0].unit, Records)
        assert len(faults[0].unit.records) == 1
