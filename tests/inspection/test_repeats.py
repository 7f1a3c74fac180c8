"""Repeated ids are counted exactly, in memory and on disk."""

import random
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.inspection.repeats import EXAMPLES, Repeats


def counted(ids: list[str]) -> tuple[int, int]:
    """By a few lines of plain Python."""
    counts = Counter(ids).values()
    return sum(count > 1 for count in counts), sum(count - 1 for count in counts)


def repeats_of(ids: list[str], in_memory: int, together: int) -> Repeats:
    repeats = Repeats(in_memory)
    for start in range(0, len(ids), together):
        repeats.add(ids[start : start + together])
    return repeats


@given(st.lists(st.text(max_size=2), max_size=100), st.integers(5, 50), st.integers(1, 60))
def test_as_many_repeat_as_plain_counting_finds(ids: list[str], in_memory: int, together: int) -> None:
    repeats = repeats_of(ids, in_memory, together)
    assert repeats.counted() == counted(ids)
    assert (repeats.ids, repeats.is_disk_full) == (len(ids), False)
    repeats.close()


def test_many_ids_are_counted_exactly_from_disk() -> None:
    chance = random.Random(4)
    ids = [f"id-{chance.randrange(4_000_000)}" for _ in range(200_000)]
    repeats = repeats_of(ids, 1 << 15, 8_192)
    assert repeats.counted() == counted(ids)
    repeats.close()


def test_some_that_came_again_soon_are_named() -> None:
    ids = [f"id-{number}" for number in range(1_000)]
    repeats = repeats_of([*ids, *ids[:3], "x" * 1_000, "x" * 1_000], 1 << 16, 100)
    assert list(repeats.examples) == ["id-0", "id-1", "id-2", "x" * 256]
    repeats = repeats_of(ids * 2, 1 << 16, 100)
    assert len(repeats.examples) == EXAMPLES


def test_without_room_on_disk_the_first_are_counted_and_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "there is no such folder"))
    repeats = repeats_of(["a", "b", "a", "c", "b", "b", "b"], 4, 1)
    assert repeats.is_disk_full
    assert (repeats.ids, repeats.counted()) == (4, (1, 1))
