"""The lane of a key: any key has one, always the same, in the order of Kinesis' hash keys."""

import hashlib
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.kinesis.record import lane_of

KEYS = [f"thing-{number}" for number in range(3_000)]


def hash_key(key: str) -> int:
    """The number by which Kinesis gives a record to a shard."""
    return int(hashlib.md5(key.encode()).hexdigest(), 16)


def shard_of(key: str, shards: int) -> int:
    """The shard of a stream whose shards are even parts of the hash keys, as Kinesis makes them."""
    return hash_key(key) * shards >> 128


@given(st.text(), st.integers(1, 2_000))
def test_any_key_has_a_lane_and_without_order_the_only_one(key: str, lanes: int) -> None:
    assert lane_of(key, lanes) in range(lanes)
    assert lane_of(key, 0) == 0


@pytest.mark.parametrize(
    ("key", "digits"), [("thing-1", "81"), ("thing-2", "35"), ("r\u00e4ksm\u00f6rg\u00e5s", "e4"), ("", "d4")]
)
def test_a_lane_is_the_same_in_another_process_and_version(key: str, digits: str) -> None:
    """Marks in a ledger speak of lanes: how a key falls into one must never change."""
    assert lane_of(key, 256) == int(digits, 16)
    assert lane_of(key, 16) == int(digits[0], 16)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=30), st.integers(1, 2_000))
def test_lanes_are_in_the_order_of_hash_keys(keys: list[str], lanes: int) -> None:
    found = [lane_of(key, lanes) for key in sorted(keys, key=hash_key)]
    assert found == sorted(found)


@pytest.mark.parametrize("shards", [1, 2, 4, 16, 64])
def test_shards_take_neighbouring_lanes_and_none_of_anothers(shards: int) -> None:
    for key in KEYS:
        assert lane_of(key, 256) * shards // 256 == shard_of(key, shards)


@pytest.mark.parametrize("shards", [3, 7, 100])
def test_of_any_number_of_shards_two_have_at_most_the_lane_between_them_in_common(shards: int) -> None:
    lanes = [{lane_of(key, 256) for key in of_shard} for of_shard in by_shard(shards)]
    for lower, upper in pairwise(lanes):
        assert max(lower) <= min(upper)


def by_shard(shards: int) -> Sequence[Sequence[str]]:
    found: list[list[str]] = [[] for _ in range(shards)]
    for key in KEYS:
        found[shard_of(key, shards)].append(key)
    return found


def test_keys_spread_evenly_over_the_lanes() -> None:
    counts = [0] * 16
    for key in KEYS:
        counts[lane_of(key, 16)] += 1
    assert min(counts) > 0.7 * len(KEYS) / 16


@given(st.text(st.characters(exclude_characters="\0", codec="utf-8")), st.integers(1, 2_000))
def test_functions_have_lanes_of_their_own(key: str, lanes: int) -> None:
    assert len({lane_of(key, lanes, function) for function in ("", "f", "g")}) == 3
    assert lane_of(key, lanes, "f") & 0xFFFF == lane_of(key, lanes)
    assert lane_of(f"arn:aws:kinesis:us-east-1:123456789012:stream/s\0{key}", lanes, "f") == lane_of(key, lanes, "f")


@given(st.text(), st.integers(1, 2_000))
def test_a_key_of_a_function_has_one_lane_whatever_is_in_it(key: str, lanes: int) -> None:
    assert lane_of(key, lanes, "f") >> 16 == lane_of("", lanes, "f") >> 16
    assert lane_of(key, lanes, "f") & 0xFFFF < lanes
