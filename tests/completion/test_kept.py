"""Names are kept for a while, each question's for itself; what is spoilt is as if it had never been kept."""

import json
import os
import stat
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.completion.kept import LONGEST_S, Kept

NAMES = [("lake", ""), ("ø 'x'", "what it is")]


def the_file(folder: Path) -> Path:
    (path,) = folder.glob("*.json")
    return path


def test_names_are_those_of_the_question(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert Kept(folder, "buckets").names() is None
    Kept(folder, "buckets").keep(NAMES, 10)
    assert (Kept(folder, "buckets").names(), Kept(folder, "functions").names()) == (NAMES, None)
    Kept(folder, "buckets").keep([], 10)
    assert Kept(folder, "buckets").names() == []
    assert stat.S_IMODE(the_file(folder).stat().st_mode) == 0o600


@pytest.mark.parametrize("seconds", [-1, 0, LONGEST_S + 60])
def test_names_are_kept_for_a_minute_at_most(seconds: float, tmp_path: Path) -> None:
    Kept(tmp_path, "buckets").keep(NAMES, seconds)
    assert Kept(tmp_path, "buckets").names() is None


def test_what_is_over_is_swept_away(tmp_path: Path) -> None:
    Kept(tmp_path, "buckets").keep(NAMES, 10)
    old = the_file(tmp_path)
    os.utime(old, (0, time.time() - LONGEST_S - 1))
    Kept(tmp_path, "functions").keep(NAMES, 10)
    assert the_file(tmp_path) != old


@given(
    st.one_of(st.binary(), st.recursive(st.none() | st.text() | st.floats(), st.lists).map(json.dumps).map(str.encode))
)
def test_a_spoilt_file_is_none(tmp_path_factory: pytest.TempPathFactory, spoilt: bytes) -> None:
    folder = tmp_path_factory.mktemp("kept")
    Kept(folder, "buckets").keep(NAMES, 10)
    the_file(folder).write_bytes(spoilt)
    assert Kept(folder, "buckets").names() is None


def test_a_folder_that_cannot_be_made_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    Kept(tmp_path / "file" / "x", "buckets").keep(NAMES, 10)
    assert Kept(tmp_path / "file" / "x", "buckets").names() is None
