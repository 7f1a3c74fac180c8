"""What is made up where the lake kept nothing: the same each time, unique, and in lake order."""

import hashlib
import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.formats.decoding import decode
from cncbops.formats.event import LakeEvent
from cncbops.kinesis.origin import Origin, origin_of
from cncbops.kinesis.synthesis import SHARD_ID, complete, kept_shard
from cncbops.lake.lines import Block
from cncbops.lake.objects import LakeObject
from tests.e2e.lakes import DELIVERY_STREAM, STREAM, envelope

MODIFIED = datetime(2018, 4, 8, 3, 53, 28, 123000, tzinfo=UTC)
VALID = re.compile(r"0|[1-9]\d{0,128}", re.ASCII)
LARGEST = 10**9 - 1

places = st.tuples(st.integers(1, LARGEST), st.integers(0, LARGEST))
HOUR = datetime(2018, 4, 8, 3, tzinfo=UTC)
firehose_keys = st.builds(
    lambda after, name: f"{STREAM}/2018/04/08/03/{DELIVERY_STREAM}-1-{HOUR + after:%Y-%m-%d-%H-%M-%S}-{name}",
    st.timedeltas(timedelta(0), timedelta(minutes=30)),
    st.uuids(),
)


def origin(key: str) -> Origin:
    return origin_of(LakeObject(f"s3://lake/{key}", "lake", key, 1, "", MODIFIED))


def bare(line: int = 1, part: int = 0, data: bytes = b'{"type":"t"}', event_id: str | None = None) -> LakeEvent:
    return LakeEvent(data, line, part, event_id, "t", None)


def completed(event: LakeEvent, key: str = "some/key") -> LakeEvent:
    complete([event], origin(key))
    return event


def sequence(key: str, line: int, part: int) -> str:
    number = completed(bare(line, part), key).sequence_number
    assert number is not None
    return number


@given(firehose_keys | st.text(max_size=20), places)
def test_a_sequence_number_is_a_valid_one_and_always_the_same(key: str, place: tuple[int, int]) -> None:
    assert VALID.fullmatch(sequence(key, *place))
    assert sequence(key, *place) == sequence(key, *place)


@given(firehose_keys, st.lists(places, unique=True, min_size=2))
def test_sequence_numbers_rise_with_line_and_part_within_an_object(key: str, found: list[tuple[int, int]]) -> None:
    numbers = [int(sequence(key, *place)) for place in sorted(found)]
    assert numbers == sorted(set(numbers))


@given(st.lists(firehose_keys, unique=True, min_size=2), places, places)
def test_sequence_numbers_rise_with_the_keys_of_a_folder(
    keys: list[str], first: tuple[int, int], second: tuple[int, int]
) -> None:
    for earlier, later in zip(sorted(keys), sorted(keys)[1:], strict=False):
        if earlier[:-23] != later[:-23]:  # names that differ within the 48 bits of the UUID that count
            assert int(sequence(earlier, *first)) < int(sequence(later, *second))


def test_objects_of_one_second_are_told_apart_by_their_uuid() -> None:
    stem = f"{STREAM}/2018/04/08/03/{DELIVERY_STREAM}-1-2018-04-08-03-53-28-"
    low, high = stem + str(uuid.UUID(int=1 << 80)), stem + str(uuid.UUID(int=2 << 80))
    assert int(sequence(low, 9, 9)) < int(sequence(high, 1, 0))


def test_sequence_numbers_rise_with_the_names_of_a_folder_that_hold_no_uuid() -> None:
    keys = [f"2024/01/01/05/f{number}.json" for number in range(8)]
    numbers = [int(sequence(key, line, 0)) for key in keys for line in (1, 2)]
    assert numbers == sorted(set(numbers))


def test_a_copy_of_an_object_gives_the_same_sequence_numbers() -> None:
    later = LakeObject("s3://copy/a.jsonl", "copy", "a.jsonl", 1, "", MODIFIED + timedelta(days=9))
    assert origin_of(later).order == origin("a.jsonl").order


def test_objects_without_a_date_or_uuid_are_told_apart_by_their_key() -> None:
    assert sequence("a.jsonl", 1, 0) != sequence("b.jsonl", 1, 0)


def test_an_object_from_before_1970_still_gets_valid_numbers() -> None:
    old = LakeObject("s3://lake/old", "lake", "old", 1, "", datetime(1960, 1, 1, tzinfo=UTC))
    event = bare()
    complete([event], origin_of(old))
    assert VALID.fullmatch(event.sequence_number or "")


@pytest.mark.parametrize(
    ("partition_key", "event_id", "expected"),
    [
        ("thing-42", "e-1", "thing-42"),
        (None, "e-1", "e-1"),
        ("k" * 300, "e-1", "k" * 256),
        (None, "i" * 300, "i" * 256),
        ("\U0001f4a5" * 300, None, "\U0001f4a5" * 256),
        (None, None, hashlib.sha256(b'{"type":"t"}').hexdigest()),
    ],
)
def test_a_partition_key_comes_from_key_id_or_bytes_and_is_never_too_long(
    partition_key: str | None, event_id: str | None, expected: str
) -> None:
    event = bare(event_id=event_id)
    event.partition_key = partition_key
    assert completed(event).partition_key == expected


def test_what_the_lake_kept_is_left_as_it_is_and_not_counted() -> None:
    event = LakeEvent(b"{}", 1, 0, None, None, 5, "k" * 256, "7", "shardId-000000000009", 8)
    assert completed(event) == LakeEvent(b"{}", 1, 0, None, None, 5, "k" * 256, "7", "shardId-000000000009", 8)


@pytest.mark.parametrize(("key", "number"), [(None, "7"), ("k" * 257, "7"), ("k", None)])
def test_a_record_with_a_made_up_key_or_number_is_counted(key: str | None, number: str | None) -> None:
    assert completed(LakeEvent(b"{}", 1, 0, None, None, 5, key, number, "s", 8)).synthesized


@pytest.mark.parametrize(
    ("timestamp", "arrival_ms"),
    [
        (1700611200123, 1700611200123),
        ("1700611200123", 1700611200123),
        (None, 1523159608123),
        ("soon", 1523159608123),
        (10**40, 1523159608123),
    ],
)
def test_the_arrival_is_the_event_s_own_time_else_the_object_s(timestamp: object, arrival_ms: int) -> None:
    event = bare()
    event.timestamp = timestamp
    assert completed(event).arrival_ms == arrival_ms


def test_shard_is_the_first_one() -> None:
    assert completed(bare()).shard_id == "shardId-000000000000"


def test_an_object_s_time_is_that_of_its_key_where_it_has_one() -> None:
    assert origin(f"{STREAM}/2018/04/08/05/object").time_ms == 1523163600000
    assert origin("object").time_ms == 1523159608123
    assert origin(f"{STREAM}/2018/04/08/05/object").stream_name == STREAM
    assert origin("object").stream_name is None


def test_a_key_that_is_no_unicode_has_a_rank() -> None:
    assert origin("caf\udce9.jsonl").order != origin("cafe.jsonl").order


def test_a_shard_that_is_made_up_is_told_from_an_equal_one_that_the_lake_kept() -> None:
    line = envelope(b'{"type":"t"}', "key", 7, shard=0)
    (kept,), _ = decode(Block(line, 1, 0))
    complete([kept], origin("some/key"))
    made_up = completed(bare())
    assert kept.shard_id == made_up.shard_id == SHARD_ID
    assert (kept_shard(kept), kept_shard(made_up)) == (SHARD_ID, None)
