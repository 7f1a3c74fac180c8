"""A region is taken out only while another is known to carry its traffic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.failover.rules import LAST_HEALTHY, OTHERS_UNKNOWN, Other, broken_rule

VERDICTS = st.sampled_from(["healthy", "unhealthy", "unknown"])
OTHERS = st.lists(st.builds(Other, st.sampled_from(["us-west-2", "eu-west-1"]), VERDICTS, st.just(""), st.booleans()))


@given(OTHERS)
def test_a_rule_is_broken_exactly_where_no_other_region_is_healthy_and_in_service(others: list[Other]) -> None:
    carried = any(other.verdict == "healthy" and not other.is_out for other in others)
    assert (broken_rule("us-east-1", others) is None) == carried


@pytest.mark.parametrize(
    ("others", "name", "why"),
    [
        ([], OTHERS_UNKNOWN, "no other region is named"),
        ([Other("us-west-2", "unknown", "check: hangs", False)], OTHERS_UNKNOWN, "us-west-2 is unknown (check: hangs)"),
        ([Other("us-west-2", "unhealthy", "check: 503", False)], LAST_HEALTHY, "us-west-2 is unhealthy (check: 503)"),
        ([Other("us-west-2", "healthy", "", True)], LAST_HEALTHY, "us-west-2 is taken out itself"),
    ],
)
def test_it_says_which_rule_and_why(others: list[Other], name: str, why: str) -> None:
    rule = broken_rule("us-east-1", others)
    assert rule
    assert rule.name == name
    assert why in rule.why
    assert "--force" in rule.next_step
