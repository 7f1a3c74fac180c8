"""Objects added up by the time that their keys name."""

from datetime import UTC, datetime

import pytest

from cncbops.inspection import volumes as subject
from cncbops.inspection.volumes import Volumes
from cncbops.lake.objects import LakeObject

WRITTEN = datetime(2023, 11, 23, 5, 30, tzinfo=UTC)


def added(*keys: str, size: int = 10, storage_class: str = "STANDARD", written: datetime = WRITTEN) -> Volumes:
    volumes = Volumes()
    for key in keys:
        volumes.add(LakeObject(f"s3://lake/{key}", "lake", key, size, "e", written, storage_class))
    return volumes


def test_hours_add_up_to_their_days_in_order() -> None:
    facts = added("s/2023/11/22/23/b", "s/2023/11/22/00/a", "s/2023/11/22/23/c", "s/2023/11/21/23/d").facts()
    assert facts["by_hour"] == {
        "2023-11-21T23:00Z": {"objects": 1, "bytes": 10},
        "2023-11-22T00:00Z": {"objects": 1, "bytes": 10},
        "2023-11-22T23:00Z": {"objects": 2, "bytes": 20},
    }
    assert facts["by_day"] == {
        "2023-11-21": {"objects": 1, "bytes": 10},
        "2023-11-22": {"objects": 3, "bytes": 30},
    }
    assert list(facts["by_hour"]) == sorted(facts["by_hour"])


def test_a_key_without_time_counts_by_when_it_was_written() -> None:
    facts = added("export/part-1", "s/2023/11/22/00/a").facts()
    assert facts["without_time"] == 1
    assert list(facts["by_hour"]) == ["2023-11-22T00:00Z", "2023-11-23T05:00Z"]


def test_what_was_written_before_1970_is_counted_too() -> None:
    facts = added("a", written=datetime(1960, 1, 1, tzinfo=UTC)).facts()
    assert facts["by_hour"] == facts["by_day"] == {"(others)": {"objects": 1, "bytes": 10}}


def test_a_hostile_lake_has_no_more_hours_and_classes_than_memory_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "MOST_HOURS", 3)
    volumes = added(*(f"s/2023/11/22/{hour:02}/a" for hour in range(24)))
    facts = volumes.facts()
    assert facts["by_hour"]["(others)"] == {"objects": 21, "bytes": 210}
    assert len(facts["by_hour"]) == 4
    for number in range(200):
        volumes.add(LakeObject("s3://lake/k", "lake", "k", 1, "e", WRITTEN, f"CLASS{number}"))
    classes = volumes.facts()["storage_classes"]
    assert len(classes) == 101
    assert sum(sums["objects"] for sums in classes.values()) == 224
