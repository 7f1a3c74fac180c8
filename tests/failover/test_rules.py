"""A region is taken out only while another is known to carry its traffic."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.failover.rules import LAST_HEALTHY, OTHERS_UNKNOWN, Other, broken_rule, other_of
from cncbops.health.finding import Finding, Row, Status
from cncbops.health.verdict import Verdict

OTHERS = st.lists(st.builds(Other, st.sampled_from(["us-west-2", "eu-west-1"]), st.sampled_from(Verdict), st.just("")))


@given(OTHERS)
def test_a_rule_is_broken_exactly_where_no_other_region_is_known_to_be_healthy(others: list[Other]) -> None:
    carried = any(other.verdict == "healthy" for other in others)
    assert (broken_rule("us-east-1", others) is None) == carried


@pytest.mark.parametrize(
    ("others", "name", "why"),
    [
        ([], OTHERS_UNKNOWN, "no other region is named"),
        ([Other("us-west-2", Verdict.unknown, "check: hangs")], OTHERS_UNKNOWN, "us-west-2 is unknown (check: hangs)"),
        ([Other("us-west-2", Verdict.unhealthy, "check: 503")], LAST_HEALTHY, "us-west-2 is unhealthy (check: 503)"),
    ],
)
def test_it_says_which_rule_and_why(others: list[Other], name: str, why: str) -> None:
    rule = broken_rule("us-east-1", others)
    assert rule
    assert rule.name == name
    assert why in rule.why
    assert "--force" in rule.next_step


def row(region: str, status: Status, why: str) -> Row:
    return Row(region, "check", Finding("https://check", status, why), datetime.now(UTC), 0.1)


def test_another_region_is_judged_by_its_own_rows_and_says_what_is_wrong() -> None:
    rows = [
        row("us-west-2", Status.fail, "503"),
        row("us-west-2", Status.ok, "fine"),
        row("eu-west-1", Status.ok, "fine"),
    ]
    assert other_of("us-west-2", rows) == Other("us-west-2", Verdict.unhealthy, "check: 503")
    assert other_of("eu-west-1", rows).carries
    assert other_of("ap-south-1", rows) == Other("ap-south-1", Verdict.unknown, "nothing of it is watched")
