"""Regions as text: on terminals of any width nothing is cut off."""

import io
import re
from datetime import timedelta

import pytest
from cncbops.commands._health_view import change_lines, table_of, verdicts
from rich.console import Console

from cncbops.health.finding import Finding, Row, Status
from cncbops.health.report import changes, judged
from cncbops.health.running import Region, Round
from cncbops.health.verdict import Required
from cncbops.watched import Watched
from tests.health.conftest import NOW

URL = "https://abc123.execute-api.us-east-1.amazonaws.com/john/check"
WHY = "502: its function does not load, or does not answer as it must"


def row(status: Status, why: str, region: str = "us-east-1") -> Row:
    return Row(region, "check", Finding(URL, status, why), NOW, 0.2)


ROWS = [row(Status.fail, WHY), row(Status.ok, "200 in 35 ms", "us-west-2")]
REGIONS = [Region("us-east-1", Watched()), Region("us-west-2", Watched())]


def drawn(width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    with console.capture() as captured:
        console.print(table_of(ROWS, NOW + timedelta(seconds=12), console.width))
    return captured.get().splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 99, 100, 120, 240])
def test_nothing_is_cut_off_at_any_width(width: int) -> None:
    lines = drawn(width)
    whole = re.sub(r"\s", "", "".join(lines))
    assert max(map(len, lines)) <= width
    for told in ("us-east-1", "us-west-2", "fail", "12s", "200in35ms"):
        assert told in whole
    if width in (60, 240):  # elsewhere a column beside it stands between its parts
        assert URL in whole
        assert re.sub(r"\s", "", WHY) in whole


def test_a_wide_terminal_has_a_line_for_each_row() -> None:
    assert drawn(240)[1].split("  ")[0] == "us-east-1"
    assert len(drawn(240)) == 3


@pytest.mark.parametrize(
    ("require", "told"), [("all", "all must be healthy"), ("any", "one must be healthy"), ("2", "2 must be healthy")]
)
def test_the_verdict_says_who_and_why_and_what_is_required(require: str, told: str) -> None:
    found = judged(Round(ROWS, {}, frozenset()), REGIONS, Required.parse(require))
    assert verdicts(found).plain == f"us-east-1 NOT healthy (check: {WHY}), us-west-2 healthy; {told}"


def test_where_there_are_more_reasons_their_number_is_told() -> None:
    silent = Row("us-west-2", "stream", Finding("s1", Status.unknown, "no answer"), NOW, 0.2)
    rows = [*ROWS, Row("us-east-1", "queue", Finding("dlq", Status.fail, "gone"), NOW, 0.2), silent]
    found = judged(Round(rows, {}, frozenset()), REGIONS, Required(1))
    told = (
        f"us-east-1 NOT healthy (check: {WHY}, and 1 more), us-west-2 unknown (stream: no answer); one must be healthy"
    )
    assert verdicts(found).plain == told


def test_what_is_gone_is_told_too() -> None:
    one = judged(Round(ROWS, {}, frozenset()), REGIONS, Required(1))
    other = judged(Round(ROWS[1:], {}, frozenset()), REGIONS, Required(1))
    lines = list(change_lines(changes(one, other, NOW)))
    assert lines == [
        f"2023-11-22T00:30:00.000Z us-east-1 check {URL}: fail -> gone: not found any more",
        "2023-11-22T00:30:00.000Z us-east-1: unhealthy -> unknown",
    ]
