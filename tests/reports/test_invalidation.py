"""What an invalidation costs, in plans and after sessions that may have ended early."""

from typing import Any

import pytest

from cncbops.cdn.batches import cut
from cncbops.cdn.session import Calls, Requests
from cncbops.reports.invalidation import InvalidationReport, summary

ITEMS = [*(f"/{number}" for number in range(2_400)), "/a/*"]
GIVEN = {"to_send": 2_401, "before_collapse": 2_500, "not_nameable": 0}


def cost_of(created: int, *, dry_run: bool) -> tuple[int, int]:
    requests = Requests(cut(ITEMS, "E1", "run-1"), {number: f"I{number}" for number in range(created)})
    facts: dict[str, Any] = {"distribution": {"id": "E1"}, "sources": [], "given": GIVEN, "requests": requests}
    report = InvalidationReport("invalidate", "run-1", dry_run, **facts, calls=Calls(), waits=False, duration_s=1.0)
    cost = summary(report)["cost"]
    assert cost["usd_at_most"] == round(cost["paths"] * 0.005, 3)
    return cost["paths"], cost["paths_before_collapse"]


@pytest.mark.parametrize(
    ("created", "dry_run", "paths", "before"),
    [
        (0, True, 2_401, 2_500),
        (1, True, 1_400, 1_499),
        (0, False, 0, 0),
        (1, False, 1_001, 1_001),
        (3, False, 2_401, 2_500),
    ],
)
def test_a_plan_tells_what_the_rest_costs_and_a_run_what_was_sent_did(
    created: int, dry_run: bool, paths: int, before: int
) -> None:
    assert cost_of(created, dry_run=dry_run) == (paths, before)
