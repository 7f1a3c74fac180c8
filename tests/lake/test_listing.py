import inspect
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from cncbops.errors import CannotRun
from cncbops.lake.layout import TimeWindow, reading_range
from cncbops.lake.listing import list_objects
from cncbops.lake.sources import LocalSource, S3Source
from tests.examples import more_examples

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

HOUR = timedelta(hours=1)


def window(start: datetime, hours: int = 3) -> TimeWindow:
    begin = int(start.replace(tzinfo=UTC).timestamp() * 1000)
    return TimeWindow(begin, begin + hours * 3_600_000)


def put(_: "S3Client", *keys: str) -> None:
    """Not by the client: hundreds of requests would go into it, and it is the listing that is asked about."""
    for key in keys:
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object("lake", key, b"{}")


def keys(s3: "S3Client", prefix: str = "", asked: TimeWindow | None = None) -> list[str]:
    return [obj.key for obj in list_objects(S3Source("lake", prefix), s3, asked)]


def local_keys(folder: Path, asked: TimeWindow | None = None) -> list[str]:
    return [os.path.relpath(obj.key, folder) for obj in list_objects(LocalSource(folder), None, asked)]


def count_lists(s3: "S3Client") -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []

    def count(params: dict[str, Any], **_: object) -> None:
        calls.append(params["query_string"])

    s3.meta.events.register("before-call.s3.ListObjectsV2", count)
    return calls


HOSTILE = ["a b", "a+b", "a%b", "a%2Fb", "a\nb", "a/é", "a-b", "a/b", "a//b", "日本", "\U0001f600", "\uffff", "a&<>\"'"]


def test_keys_of_any_characters_come_as_they_are_in_byte_order(s3: "S3Client") -> None:
    put(s3, *HOSTILE)
    assert keys(s3) == sorted(HOSTILE, key=str.encode)
    assert keys(s3, asked=window(datetime(2018, 4, 8))) == sorted(HOSTILE, key=str.encode)


def test_an_object_carries_what_the_listing_says(s3: "S3Client") -> None:
    put(s3, "a b")
    s3.put_object(Bucket="lake", Key="cold", Body=b"{}", StorageClass="GLACIER")
    obj, cold = list_objects(S3Source("lake", ""), s3)
    assert (obj.uri, obj.bucket, obj.key, obj.size) == ("s3://lake/a b", "lake", "a b", 2)
    assert obj.etag == "99914b932bd37a50b983c5e7c90ae93b"
    assert obj.last_modified.tzinfo is not None
    assert (obj.storage_class, cold.storage_class) == ("STANDARD", "GLACIER")


def test_more_keys_than_a_page_are_pulled_page_by_page(s3: "S3Client") -> None:
    put(s3, *(f"x/{number:04}" for number in range(1_100)))
    calls = count_lists(s3)
    listing = list_objects(S3Source("lake", "x/"), s3)
    next(listing)
    assert len(calls) == 1
    assert len(list(listing)) == 1_099
    assert len(calls) == 2


def hourly(prefix: str, start: datetime, days: int, hours: tuple[int, ...]) -> list[str]:
    dates = (start + timedelta(days=day, hours=hour) for day in range(days) for hour in hours)
    return [f"{prefix}{date:%Y/%m/%d/%H}/x" for date in dates]


def test_three_hours_of_a_year_take_about_ten_list_calls(s3: "S3Client") -> None:
    put(
        s3, *hourly("s1/", datetime(2018, 1, 1), 365, (2, 23)), *hourly("s1/", datetime(2018, 4, 8), 1, (0, 1, 3, 4, 5))
    )
    calls = count_lists(s3)
    found = keys(s3, "s1/", window(datetime(2018, 4, 8, 1)))
    assert found == [f"s1/2018/04/08/{hour:02}/x" for hour in range(5)]
    assert len(calls) <= 10


def test_a_day_wholly_inside_is_listed_at_once(s3: "S3Client") -> None:
    put(s3, *hourly("s1/", datetime(2018, 4, 1), 30, (0, 5, 23)))
    calls = count_lists(s3)
    found = keys(s3, "s1/", window(datetime(2018, 4, 7, 1), hours=70))
    assert found == hourly("s1/", datetime(2018, 4, 7), 3, (0, 5, 23))
    assert len(calls) <= 8


def test_an_open_window_lists_the_months_it_covers_at_once(s3: "S3Client") -> None:
    put(s3, *hourly("s1/", datetime(2018, 1, 1), 365, (0,)))
    calls = count_lists(s3)
    start = window(datetime(2018, 11, 30, 1)).start_ms
    assert keys(s3, "s1/", TimeWindow(start, None)) == hourly("s1/", datetime(2018, 11, 30), 32, (0,))
    assert len(calls) <= 6


@pytest.mark.parametrize(
    "prefix", ["", "s", "s1/", "s1/20", "s1/2018/0", "s1/2018/04/", "s1/2018/04/0", "s1/2018/04/08/0"]
)
def test_a_prefix_may_end_anywhere_in_a_date(s3: "S3Client", prefix: str) -> None:
    put(s3, *hourly("s1/", datetime(2018, 3, 30), 40, (1, 3, 12)))
    assert keys(s3, prefix, window(datetime(2018, 4, 8, 3))) == ["s1/2018/04/08/03/x"]


def test_a_prefix_beside_a_date_is_listed_whole(s3: "S3Client") -> None:
    put(s3, "2018/04/08/shards/03/x", "2018/04/08/shards/15/x")
    assert len(keys(s3, "2018/04/08/shards/", window(datetime(2018, 4, 8, 3)))) == 2


def test_an_hour_given_outside_the_window_holds_nothing(s3: "S3Client") -> None:
    put(s3, "s1/2018/04/08/03/x")
    assert keys(s3, "s1/2018/04/08/03/", window(datetime(2018, 4, 9))) == []


@pytest.mark.parametrize(
    "form",
    [
        "%Y/%m/%d/%H/x", "region/%Y/%m/%d/%H/x", "legacy%Y/%m/%d/%H/x", "s1/processing-failed/%Y/%m/%d/%H/x",
        "year=%Y/month=%m/day=%d/hour=%H/x", "dt=%Y-%m-%d/hour=%H/x", "Date=%Y-%m-%d/HH=%H/x", "y=%Y/m=%m/d=%d/h=%H/x",
    ],
)  # fmt: skip
def test_every_date_layout_is_pruned_to_the_hour(s3: "S3Client", form: str) -> None:
    times = [datetime(2018, 4, 7) + hour * HOUR for hour in range(0, 24 * 60, 6)]
    put(s3, *(time.strftime(form) for time in times))
    wanted = [time.strftime(form) for time in times if time == datetime(2018, 5, 8, 6)]
    calls = count_lists(s3)
    assert keys(s3, "", window(datetime(2018, 5, 8, 6), hours=1)) == wanted
    assert len(calls) <= 10


NOT_DATES = [
    ["reports2018/summary.csv"],
    ["2018/notes/x", "2018/01/05/03/x"],
    ["2018/01/05/03/x", "2018/13/05/03/x"],
    ["2018/098/03/x"],
    ["2018/04/08/03/x", "2018/04/098/03/x"],
    ["2018/04/20/24/x", "2018/04/20/13/x"],
    ["customers/2018/45/x", "customers/2018/01/x"],
    ["a/b/c/d/e/f/x"],
    ["2018/x"],
    ["year=2018/week=14/x"],
    ["/x", "a//x", "//2018/x/y"],
]


@pytest.mark.parametrize("layout", NOT_DATES, ids=lambda layout: layout[0])
def test_what_is_no_date_layout_is_listed_whole(s3: "S3Client", layout: list[str]) -> None:
    put(s3, *layout)
    assert keys(s3, "", window(datetime(2018, 4, 20))) == sorted(layout)


@pytest.mark.parametrize("year", [1, 1899, 1900, 2099, 2100, 9999])
def test_a_window_may_begin_and_end_in_any_year(s3: "S3Client", year: int) -> None:
    put(s3, "2018/04/08/03/x", "y")
    asked = TimeWindow(*(int(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1000) + ms for ms in (0, 364 * 86_400_000)))
    assert keys(s3, "", asked) == ["y"]


def test_a_lake_of_many_unknown_folders_is_listed_flat(s3: "S3Client") -> None:
    lake = [f"{first:03}/{second}/x" for first in range(101) for second in range(2)]
    put(s3, *lake)
    calls = count_lists(s3)
    assert keys(s3, "", window(datetime(2018, 4, 8))) == lake
    assert [call["prefix"] for call in calls].count("") == 2
    assert len(calls) == 2 + len(["2018/", "2018/04/", "2018/04/07/", "2018/04/08/"])  # it might have been one of days


def test_the_search_for_dates_in_an_unknown_lake_is_bounded(s3: "S3Client") -> None:
    lake = [f"{first:02}/{second:02}/x" for first in range(25) for second in range(12)]
    put(s3, *lake)
    calls = count_lists(s3)
    assert keys(s3, "", window(datetime(2018, 4, 8))) == lake
    assert len(calls) <= 401


# Properties: a lake of any mixture, the same on S3 and on the disk.

times = st.datetimes(datetime(2017, 11, 1), datetime(2019, 2, 1))
date_forms = st.sampled_from(
    ["s1/%Y/%m/%d/%H/x", "s1/%Y/%m/%d/%H/y", "%Y/%m/%d/%H/x", "old%Y/%m/%d/%H/x", "h/year=%Y/month=%m/day=%d/hour=%H/x",
     "h/dt=%Y-%m-%d/hour=%H/x", "s1/processing-failed/%Y/%m/%d/%H/x", "s-1/%Y/%m/%d/%H/x"]
)  # fmt: skip
dated = st.builds(lambda time, form: (time.strftime(form), time), times, date_forms)
unknown = st.sampled_from(
    ["z", "a/b/c/d/e/x", "reports2018/x", "n2018/notes/x", "c/2018/45/x", "j/2018/098/x", "s1/readme", "2018/x"]
).map(lambda key: (key, None))
lakes = st.lists(st.one_of(dated, unknown), max_size=12).map(dict)
windows = st.builds(window, times, st.integers(1, 2_000))


def write_locally(folder: Path, names: list[str]) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"{}")


@more_examples(5)
@given(lakes, windows)
@example({"s1/2019/12/31/03/x": None}, window(datetime(2018, 12, 31, 3)))
@example({"s1/2020/01/01/03/x": None}, window(datetime(2021, 1, 1, 3)))
def test_pruning_keeps_the_order_and_loses_nothing_wanted(
    tmp_path_factory: pytest.TempPathFactory, lake: dict[str, datetime | None], asked: TimeWindow
) -> None:
    folder = tmp_path_factory.mktemp("lake")
    write_locally(folder, list(lake))
    full, pruned = local_keys(folder), local_keys(folder, asked)
    assert full == sorted(lake, key=str.encode)
    assert pruned == [key for key in full if key in set(pruned)]
    assert {key for key, time in lake.items() if in_reading_range(time, asked)} <= set(pruned)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lakes, windows)
def test_a_folder_is_listed_as_the_same_keys_on_s3_are(
    s3: "S3Client", tmp_path_factory: pytest.TempPathFactory, lake: dict[str, datetime | None], asked: TimeWindow
) -> None:
    folder = tmp_path_factory.mktemp("lake")
    write_locally(folder, list(lake))
    for key in keys(s3):
        s3.delete_object(Bucket="lake", Key=key)
    put(s3, *lake)
    assert local_keys(folder) == keys(s3)
    assert local_keys(folder, asked) == keys(s3, asked=asked)


def in_reading_range(time: datetime | None, asked: TimeWindow) -> bool:
    if time is None:
        return True
    hour = int(time.replace(tzinfo=UTC, minute=0, second=0, microsecond=0).timestamp() * 1000)
    return reading_range(asked).covers(hour, hour + 3_600_000)


names = st.text(st.sampled_from("ab-/.0é\U0001f600\uffff "), min_size=1, max_size=6).filter(
    lambda name: all(part not in ("", ".", "..") for part in name.split("/"))
)


@more_examples(3)
@given(st.sets(names, max_size=10))
def test_local_order_is_the_order_of_s3(tmp_path_factory: pytest.TempPathFactory, given_names: set[str]) -> None:
    files = [n for n in given_names if not any(other.startswith(n + "/") for other in given_names)]
    folder = tmp_path_factory.mktemp("lake")
    write_locally(folder, files)
    assert local_keys(folder) == sorted(files, key=str.encode)


def test_a_local_file_is_a_source_of_one_object(tmp_path: Path) -> None:
    path = tmp_path / "a b.json"
    path.write_bytes(b"{}\n")
    (obj,) = list_objects(LocalSource(path), None, window(datetime(2018, 4, 8)))
    info = path.stat()
    assert (obj.uri, obj.bucket, obj.key, obj.size) == (str(path), "", str(path), 3)
    assert obj.etag == f"{info.st_mtime_ns:x}-3"


def test_a_local_root_may_lie_inside_a_date(tmp_path: Path) -> None:
    write_locally(tmp_path, hourly("s1/", datetime(2018, 4, 1), 30, (3, 5)))
    assert local_keys(tmp_path / "s1/2018/04", window(datetime(2018, 4, 8, 3), 1)) == ["08/03/x"]


def test_links_to_files_are_followed_and_links_to_folders_are_not(tmp_path: Path) -> None:
    write_locally(tmp_path, ["a/x"])
    (tmp_path / "file").symlink_to(tmp_path / "a/x")
    (tmp_path / "a/loop").symlink_to(tmp_path)
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    os.mkfifo(tmp_path / "pipe")
    assert local_keys(tmp_path) == ["a/x", "file"]


def test_a_folder_deeper_than_the_stack_is_no_trouble(tmp_path: Path) -> None:
    deep = "/".join("d" * 300)
    write_locally(tmp_path, [f"{deep}/x"])
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 100)
    try:
        assert local_keys(tmp_path) == [f"{deep}/x"]
    finally:
        sys.setrecursionlimit(limit)


def fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("make", [lambda path: path, fifo], ids=["missing", "a pipe"])
def test_a_local_path_that_cannot_be_listed_ends_the_run(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    with pytest.raises(CannotRun) as refused:
        list(list_objects(LocalSource(make(tmp_path / "x")), None))
    assert str(tmp_path / "x") in refused.value.what
    assert refused.value.next_step


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_may_not_be_read_ends_the_run(tmp_path: Path) -> None:
    write_locally(tmp_path, ["a/x"])
    (tmp_path / "a").chmod(0)
    with pytest.raises(CannotRun, match="cannot be listed"):
        list(list_objects(LocalSource(tmp_path), None))
