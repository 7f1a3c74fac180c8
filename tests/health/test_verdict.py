"""Verdicts: which rows make a region what, and how many regions must be healthy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.errors import BadInput
from cncbops.health.finding import Row, Status
from cncbops.health.verdict import Required, Verdict, verdict_of
from tests.health.rows import row

ROWS = st.lists(st.builds(row, st.sampled_from(Status), decides=st.booleans()), max_size=6)
VERDICTS = st.lists(st.sampled_from(Verdict), min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([], Verdict.unknown),
        ([row("ok")], Verdict.healthy),
        ([row("warn")], Verdict.healthy),
        ([row("ok"), row("fail"), row("unknown")], Verdict.unhealthy),
        ([row("ok"), row("unknown")], Verdict.unknown),
        ([row("ok"), row("unknown", decides=False)], Verdict.healthy),
        ([row("unknown", decides=False)], Verdict.unknown),
        ([row("ok"), row("fail", decides=False)], Verdict.unhealthy),
    ],
)
def test_a_region_is_as_its_rows(rows: list[Row], verdict: Verdict) -> None:
    assert verdict_of(rows) is verdict


@given(ROWS)
def test_no_region_is_called_healthy_on_silence(rows: list[Row]) -> None:
    statuses = {each.finding.status for each in rows}
    verdict = verdict_of(rows)
    assert (verdict is Verdict.unhealthy) == (Status.fail in statuses)
    assert verdict is not Verdict.healthy or statuses & {Status.ok, Status.warn}


@given(ROWS, st.sampled_from(Status))
def test_one_failure_more_makes_nothing_better(rows: list[Row], status: Status) -> None:
    assert verdict_of([*rows, row("fail")]) is Verdict.unhealthy
    order = [Verdict.unhealthy, Verdict.unknown, Verdict.healthy]
    if status is Status.unknown:
        assert order.index(verdict_of([*rows, row(status)])) <= order.index(verdict_of(rows))


@given(VERDICTS, st.integers(1, 7))
def test_what_is_required_is_counted_of_regions_known_to_be_healthy(verdicts: list[Verdict], count: int) -> None:
    healthy = verdicts.count(Verdict.healthy)
    assert Required.parse("all").is_met(verdicts) == (healthy == len(verdicts))
    assert Required.parse("any").is_met(verdicts) == (healthy > 0)
    assert Required.parse(str(count)).is_met(verdicts) == (healthy >= count)


@given(VERDICTS, st.integers(1, 7))
def test_requiring_more_is_met_by_less(verdicts: list[Verdict], count: int) -> None:
    assert Required(count).is_met(verdicts) or not Required(count + 1).is_met(verdicts)


def test_of_no_region_not_even_all_are_healthy() -> None:
    assert not Required.parse("all").is_met([])


@pytest.mark.parametrize(("text", "told"), [("all", "all"), ("any", "any"), ("1", "any"), ("2", "2")])
def test_what_is_required_is_told_as_it_is_typed(text: str, told: str) -> None:
    assert str(Required.parse(text)) == told


@pytest.mark.parametrize("text", ["", "0", "-1", "most", "ALL", "1.5", "²", "99999", " 2"])
def test_nothing_else_can_be_required(text: str) -> None:
    with pytest.raises(BadInput, match="not a number of regions"):
        Required.parse(text)


def test_no_more_can_be_required_than_there_are() -> None:
    Required.parse("2").require_possible(2)
    Required.parse("all").require_possible(1)
    with pytest.raises(BadInput, match="2 regions must be healthy, but 1 is looked at"):
        Required.parse("2").require_possible(1)
