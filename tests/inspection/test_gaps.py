"""Where an object belongs: what stands before its date, and its hour."""

from datetime import UTC, datetime

import pytest

from cncbops.inspection.gaps import MOST_PREFIXES, Gaps, place_of
from tests.inspection.chunks import object_at

HOUR = int(datetime(2023, 11, 22, 7, tzinfo=UTC).timestamp()) // 3_600
NAME = "ds-1-2023-11-22-08-59-59-00000000-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("key", "prefix", "hour"),
    [
        ("stream/2023/11/22/07/x", "stream/", HOUR),
        ("2023/11/22/07/x", "", HOUR),
        ("legacy2023/11/22/07/x", "legacy", HOUR),
        ("lake/year=2023/month=11/day=22/hour=07/x", "lake/", HOUR),
        ("lake/dt=2023-11-22/hour=07/x", "lake/", HOUR),
        (f"stream/2023/11/22/07/{NAME}", "stream/", HOUR + 1),
        (NAME, "", HOUR + 1),
        ("stream/2023/11/22/x", "stream/", None),
        ("stream/x", "stream/", None),
    ],
)
def test_an_objects_prefix_and_hour(key: str, prefix: str, hour: int | None) -> None:
    assert place_of(object_at(key)) == (f"s3://lake/{prefix}", hour)


def test_hours_are_missing_of_each_prefix_by_itself() -> None:
    gaps = Gaps()
    for stream, hours in (("a", (1, 2, 5)), ("b", (3, 4, 10))):
        for hour in hours:
            gaps.meet(object_at(f"{stream}/2023/11/22/{hour:02}/x"))
    gaps.meet(object_at("c/x"))
    found = {prefix: [hole.missing for hole in folder.hours.holes()] for prefix, folder in gaps.folders.items()}
    assert found == {"s3://lake/a/": [2], "s3://lake/b/": [5], "s3://lake/c/": []}
    assert (gaps.undated, gaps.is_complete) == (1, True)


def test_more_prefixes_than_are_told_apart_are_told() -> None:
    gaps = Gaps()
    for number in range(MOST_PREFIXES + 1):
        gaps.meet(object_at(f"{number}/2023/11/22/07/x"))
    assert (len(gaps.folders), gaps.is_complete) == (MOST_PREFIXES, False)
