"""Limits as an operator types them, and when one is passed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.errors import BadInput
from cncbops.safety.limits import LONGEST_S, PERCENT_AFTER_RECORDS, FailureLimit, Safety, parse_duration

NUMBERS = st.integers(0, 10**12).map(lambda number: FailureLimit(number, None))
PERCENTS = st.integers(0, 100_000).map(lambda thousandths: FailureLimit(None, thousandths / 1000))
UNITS_S = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
COUNTS = st.fixed_dictionaries({}, optional=dict.fromkeys(UNITS_S, st.integers(0, 10**9 - 1)))


@given(NUMBERS | PERCENTS)
def test_a_limit_is_written_as_it_is_read(limit: FailureLimit) -> None:
    assert FailureLimit.parse(str(limit)) == limit


@pytest.mark.parametrize("text", ["0", "20", "0%", "5%", "2.5%", "0.001%", "99.999%", "100%"])
def test_a_limit_is_told_as_it_was_typed(text: str) -> None:
    assert str(FailureLimit.parse(text)) == text
    assert str(FailureLimit.parse(f" {text}\n")) == text


@pytest.mark.parametrize(
    "text",
    ["", "%", "-1", "-5%", "1.5", "5 %", "5%%", "101%", "100.001%", "1e3", "nan%", "1_000", "\u0665%", 5000 * "9"],
)
def test_what_is_no_limit_is_bad_input_with_an_example(text: str) -> None:
    with pytest.raises(BadInput, match=r"is not a limit of failures.*20.*5%"):
        FailureLimit.parse(text)


@given(st.integers(0, 2000), st.integers(0, 2000), st.integers(0, 2000))
def test_a_number_stops_when_more_have_failed_however_few_are_settled(number: int, failed: int, others: int) -> None:
    assert (FailureLimit(number, None).reason(failed, failed + others) is not None) == (failed > number)


@given(st.integers(0, 100), st.integers(0, 3000), st.integers(0, 3000))
def test_a_share_stops_only_once_enough_is_settled(percent: int, failed: int, others: int) -> None:
    settled = failed + others
    passed = settled >= PERCENT_AFTER_RECORDS and failed * 100 > percent * settled
    assert (FailureLimit(None, float(percent)).reason(failed, settled) is not None) == passed


def test_the_reason_says_how_many_of_how_many_and_which_limit() -> None:
    expected = "too many failures: 61 of 1,050 records (5.8 %), more than --max-failures 5%"
    assert FailureLimit.parse("5%").reason(61, 1050) == expected
    expected = "too many failures: 1 of 8 records (12.5 %), more than --max-failures 0"
    assert FailureLimit.parse("0").reason(1, 8) == expected


def test_nothing_settled_is_no_reason() -> None:
    assert FailureLimit.parse("0").reason(0, 0) is None
    assert FailureLimit.parse("0%").reason(0, 0) is None


def test_unless_told_otherwise_only_a_share_of_failures_stops_a_run() -> None:
    assert Safety() == Safety(FailureLimit.parse("5%"), None, (), None)


@given(COUNTS)
def test_a_duration_is_the_sum_of_its_parts(counts: dict[str, int]) -> None:
    text = "".join(f"{counts[unit]}{unit}" for unit in UNITS_S if unit in counts)
    seconds = sum(count * UNITS_S[unit] for unit, count in counts.items())
    if 0 < seconds <= LONGEST_S:
        assert parse_duration(text) == seconds
    else:
        with pytest.raises(BadInput):
            parse_duration(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90.0), ("30m", 1800.0), ("1h30m", 5400.0), ("2d", 172_800.0), (" 1w ", 604_800.0)]
)
def test_durations_of_the_examples(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", " ", "0", "0s", "0h0m", "90", "-5m", "30m1h", "1h 30m", "1.5h", "5M", "\u0665m", "forever", 5000 * "9" + "s"],
)
def test_what_is_no_duration_is_bad_input_with_an_example(text: str) -> None:
    with pytest.raises(BadInput, match=r"is not a duration.*1h30m"):
        parse_duration(text)
