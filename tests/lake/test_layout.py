from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.lake.layout import TimeWindow, date_start, find_date, object_time, reading_range, skip_reason
from cncbops.lake.layout import stream_folder as stream_of_key
from tests.lake.conftest import lake_object

HOUR = 3_600_000
UUID = "0f9d2f0a-6c1e-4b57-9a55-0c3a1f6f2f10"


def ms(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc, arg-type]


def test_the_neighbouring_hours_are_read_too() -> None:
    window = TimeWindow(ms(2018, 4, 8, 3, 15), ms(2018, 4, 8, 5))
    assert reading_range(window) == TimeWindow(ms(2018, 4, 8, 2), ms(2018, 4, 8, 6))


def test_an_open_side_stays_open() -> None:
    assert reading_range(TimeWindow(None, None)) == TimeWindow(None, None)


@given(st.integers(-(10**12), 10**13), st.integers(1, 10**9))
def test_the_reading_range_is_whole_hours_around_the_window(start: int, length: int) -> None:
    reading = reading_range(TimeWindow(start, start + length))
    assert reading.start_ms is not None
    assert reading.end_ms is not None
    assert reading.start_ms % HOUR == reading.end_ms % HOUR == 0
    assert HOUR <= start - reading.start_ms < 2 * HOUR
    assert HOUR <= reading.end_ms - (start + length) < 2 * HOUR


FIREHOSE = f"john-cncb-event-stream-s1/2018/04/08/03/john-cncb-DeliveryStream-1-2018-04-08-03-53-28-{UUID}"


@pytest.mark.parametrize(
    ("key", "time"),
    [
        (FIREHOSE, ms(2018, 4, 8, 3, 53, 28)),
        (FIREHOSE + ".gz", ms(2018, 4, 8, 3, 53, 28)),
        (FIREHOSE.replace("08-03-53-28", "31-03-53-28").replace("2018-04", "2018-02"), ms(2018, 4, 8, 3)),
        ("stream1/2018/04/08/03/" + UUID + ".json", ms(2018, 4, 8, 3)),
        ("2018/04/08/03/x", ms(2018, 4, 8, 3)),
        ("legacy2018/04/08/03/x", ms(2018, 4, 8, 3)),
        ("s12018/04/08/03/x", ms(2018, 4, 8, 3)),
        ("year=2018/month=04/day=8/hour=03/x", ms(2018, 4, 8, 3)),
        ("a/YYYY=2018/mm=04/DD=08/hh=03/x", ms(2018, 4, 8, 3)),
        ("y=2018/m=4/d=8/h=3/x", ms(2018, 4, 8, 3)),
        ("dt=2018-04-08/hour=03/x", ms(2018, 4, 8, 3)),
        ("date=2018-04-08/x", ms(2018, 4, 8)),
        ("2018/04/08/x", ms(2018, 4, 8)),
        ("2018/04/08/03/deeper/x", ms(2018, 4, 8, 3)),
        ("2018/04/08/24/x", ms(2018, 4, 8)),
        ("backup/2020/01/01/lake/2018/04/08/03/x", ms(2018, 4, 8, 3)),
        ("2018/04/x", None),
        ("2018/02/30/03/x", None),
        ("2018/4/8/3/x", None),
        ("1818/04/08/03/x", None),
        ("2018/٠٤/08/03/x", None),
        ("year=2018/04/08/03/x", None),
        ("dt=2018-13-08/hour=03/x", None),
        ("x", None),
        ("", None),
    ],
)
def test_the_time_of_an_object_is_read_from_its_key(key: str, time: int | None) -> None:
    assert object_time(key) == time


@pytest.mark.parametrize(
    ("key", "stream"),
    [
        (FIREHOSE, "john-cncb-event-stream-s1"),
        ("a/s1/2018/04/08/03/x", "s1"),
        ("s1/processing-failed/2018/04/08/03/x", "s1"),
        ("s1/processing-failed2018/04/08/03/x", "s1"),
        ("processing-failed/2018/04/08/03/x", None),
        ("s1/legacy2018/04/08/03/x", None),
        ("2018/04/08/03/x", None),
        ("/2018/04/08/03/x", None),
        ("s1/year=2018/month=04/day=08/hour=03/x", None),
        ("s1/x", None),
    ],
)
def test_the_folder_before_the_date_names_the_stream(key: str, stream: str | None) -> None:
    assert stream_of_key(key) == stream


@pytest.mark.parametrize(
    ("key", "size", "reason"),
    [
        ("2018/04/08/03/x", 1, None),
        ("2018/04/08/03/x", 0, "empty"),
        ("2018/04/08/03/", 0, "folder"),
        ("us-east-1/claimchecks/2018/04/08/03/e-1", 1, "claim check"),
        ("claimchecks/2018/04/08/03/e-1", 1, "claim check"),
        ("claimchecks/2018/04/08/e-1", 1, None),
        ("myclaimchecks/2018/04/08/03/e-1", 1, None),
        ("claimchecks/e-1", 1, None),
        (f"claimchecks/2018/04/08/03/claimchecks-1-2018-04-08-03-00-00-{UUID}", 1, None),
    ],
)
def test_only_what_holds_no_events_is_skipped(key: str, size: int, reason: str | None) -> None:
    assert skip_reason(lake_object(key, size)) == reason


@given(st.datetimes(datetime(1901, 1, 1), datetime(2098, 12, 31)), st.integers(1, 4))
def test_a_folder_date_spans_exactly_the_times_written_under_it(time: datetime, depth: int) -> None:
    folders = time.strftime("%Y/%m/%d/%H").split("/")[:depth]
    found = find_date(folders)
    assert found is not None
    start, end = found.date.span
    for moment in (time, time.replace(minute=0, second=0, microsecond=0)):
        assert start <= moment.replace(tzinfo=UTC).timestamp() * 1000 < end
    for beside in (start - 1, end):
        shown = datetime.fromtimestamp(beside / 1000, UTC).strftime("%Y/%m/%d/%H").split("/")[:depth]
        assert shown != folders


@pytest.mark.parametrize(
    ("folder", "day"),
    [("2019/12/31", (2018, 12, 31)), ("2020/01/01", (2021, 1, 1)), ("2022/12/26", (2021, 12, 26))],
)
def test_days_around_new_year_may_lie_under_the_year_of_their_week(folder: str, day: tuple[int, int, int]) -> None:
    hours = TimeWindow(ms(*day, 3), ms(*day, 4))
    year, month, date = folder.split("/")
    found = date_start(year)
    while found is not None and not found.has_day:
        assert found.may_lie_in(hours)
        found = found.below(month if found.is_year else date)
    assert found is not None
    assert found.may_lie_in(hours)
    assert not found.may_lie_in(TimeWindow(ms(2025, 6, 1), ms(2025, 6, 2)))
