"""Two sides walked along together: each key of either once, in order, with what each side has under it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cncbops.errors import CannotRun
from cncbops.inspection.sides import Listed, Side, as_folders, pairs
from cncbops.lake.layout import TimeWindow
from cncbops.lake.sources import LocalSource, S3Source, parse_source
from tests.examples import more_examples
from tests.lake.conftest import client  # noqa: F401  a fixture
from tests.lake.listings import far

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ALWAYS = TimeWindow(None, None)
KEYS = st.sets(st.text("a-0/\u00e9\uffff\U0001f4a5", min_size=1, max_size=4).filter(lambda key: key[-1] != "/"))


@settings(more_examples(2), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(KEYS, KEYS, st.sampled_from(["a/", "a", "a/x/"]), st.integers(1, 7))
def test_each_key_of_either_side_comes_once_and_in_order(
    client: "S3Client",  # noqa: F811
    lake: set[str],
    copy: set[str],
    prefix: str,
    page: int,
) -> None:
    listed = Listed()
    with far(client, {f"{prefix}{key}" for key in lake} | {f"b/{key}" for key in copy}, page) as side:
        sides = Side(S3Source("lake", prefix), side.s3), Side(S3Source("lake", "b/"), side.s3)
        found = list(pairs(*sides, ALWAYS, listed))
    assert [each.key for each in found] == sorted(lake | copy)
    assert {each.key for each in found if each.lake} == lake
    assert {each.key for each in found if each.recovery} == copy
    assert (listed.lake, listed.recovery) == (len(lake), len(copy))
    for each in found:
        assert each.lake is None or each.lake.key == prefix + each.key
        assert each.recovery is None or each.recovery.key == f"b/{each.key}"


def test_names_that_are_no_utf_8_have_their_place_in_the_order(tmp_path: Path) -> None:
    names = [b"a", b"\x80", "\u00e9".encode(), "\u2028".encode(), "\U0001f4a5".encode(), b"\xff"]
    for folder, held in (("lake", names), ("copy", names[1:])):
        (tmp_path / folder).mkdir()
        for name in held:
            Path(os.fsdecode(os.fsencode(tmp_path / folder) + b"/" + name)).touch()
    lake, copy = (Side(LocalSource(tmp_path / folder)) for folder in ("lake", "copy"))
    found = list(pairs(lake, copy, ALWAYS, Listed()))
    assert [os.fsencode(each.key) for each in found] == sorted(names)
    assert [os.fsencode(each.key) for each in found if not each.recovery] == [b"a"]


def test_a_listing_without_order_is_refused(client: "S3Client") -> None:  # noqa: F811
    with far(client, ["b/1", "b/2", "b/3"]) as side:
        side.bucket._keys.reverse()
        lake = Side(S3Source("lake", ""), side.s3)
        with pytest.raises(CannotRun, match="does not list its keys in order"):
            list(pairs(lake, Side(S3Source("lake", ""), side.s3), ALWAYS, Listed()))


@pytest.mark.parametrize(
    ("lake", "recovery", "prefixes"),
    [
        ("s3://lake", "s3://copy/p", ("", "p/")),
        ("s3://lake/p", "s3://copy/", ("p/", "")),
        ("s3://lake/p", "s3://copy/q", ("p", "q")),
        ("s3://lake/p/", "s3://copy/q", ("p/", "q/")),
        ("s3://lake/p/", "s3://copy/q/", ("p/", "q/")),
    ],
)
def test_a_prefix_beside_a_folder_is_one(lake: str, recovery: str, prefixes: tuple[str, str]) -> None:
    found = as_folders(parse_source(lake), parse_source(recovery))
    assert tuple(each.prefix for each in found if isinstance(each, S3Source)) == prefixes


def test_the_root_of_a_folder_of_this_machine_ends_with_one_slash() -> None:
    assert [Side(LocalSource(Path(path))).root for path in ("/", ".", "a/b")] == ["/", "./", "a/b/"]
