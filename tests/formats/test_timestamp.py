"""Times as events carry them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.formats.timestamp import event_time_ms

LAST_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        (1_700_611_200_123, 1_700_611_200_123),
        (1_700_611_200_123.75, 1_700_611_200_123),
        ("1700611200123", 1_700_611_200_123),
        ("1700611200123.75", 1_700_611_200_123),
        (0, 0),
        ("0", 0),
        (LAST_MS, LAST_MS),
        (float(LAST_MS), LAST_MS),
        (str(LAST_MS), LAST_MS),
    ],
)
def test_an_event_tells_its_time_as_a_number_or_a_string_of_one(timestamp: object, expected: int) -> None:
    found = event_time_ms(timestamp)
    assert (found, type(found)) == (expected, int)


@pytest.mark.parametrize(
    "timestamp",
    [
        None,
        True,
        False,
        [],
        {},
        b"1700611200123",
        -1,
        -0.5,
        "-1",
        LAST_MS + 1,
        float(LAST_MS + 1),
        str(LAST_MS + 1),
        10**400,
        "9" * 5000,
        float("nan"),
        float("inf"),
        float("-inf"),
        "nan",
        "inf",
        "",
        " 1",
        "1_000",
        "0x10",
        "1e3",
        "1.",
        "١٢٣",
        "2023-11-22T00:00:00Z",
    ],
)
def test_an_event_with_any_other_timestamp_has_no_time(timestamp: object) -> None:
    assert event_time_ms(timestamp) is None


@given(st.integers(0, LAST_MS))
def test_all_spellings_of_an_events_time_agree(time: int) -> None:
    assert event_time_ms(time) == event_time_ms(float(time)) == event_time_ms(str(time)) == time
