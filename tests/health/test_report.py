"""What a round means, as data: the document, and what changed since the round before."""

from datetime import timedelta

from cncbops.health.finding import Row
from cncbops.health.report import Judged, changes, document, judged
from cncbops.health.running import Region, Round
from cncbops.health.verdict import Required
from cncbops.watched import Watched
from tests.health.conftest import NOW
from tests.health.rows import row

EAST, WEST = Region("us-east-1", Watched()), Region("us-west-2", Watched())


def looked(*rows: Row, require: str = "all") -> Judged:
    return judged(Round(rows, {}, frozenset()), [EAST, WEST], Required.parse(require))


def test_the_document_has_every_region_and_every_row() -> None:
    found = looked(row("ok"), row("warn", subject="t2"), row("fail", region="us-west-2"))
    told = document(found, NOW + timedelta(seconds=1.25), 0.12345, executed=True)
    rows = told.pop("rows")
    assert told == {
        "command": "health",
        "status": "unhealthy",
        "required": "all",
        "regions": {
            "us-east-1": {"verdict": "healthy", "counts": {"ok": 1, "warn": 1, "fail": 0, "unknown": 0}},
            "us-west-2": {"verdict": "unhealthy", "counts": {"ok": 0, "warn": 0, "fail": 1, "unknown": 0}},
        },
        "executed": True,
        "duration_s": 0.123,
    }
    assert rows[0] == {
        "region": "us-east-1",
        "probe": "table read",
        "subject": "t1",
        "status": "ok",
        "why": "it is ok",
        "checked": "2023-11-22T00:30:00.000Z",
        "age_s": 1.2,
        "duration_ms": 200.0,
        "facts": {},
    }


def test_one_healthy_region_is_enough_where_any_is() -> None:
    rows = (row("ok"), row("fail", region="us-west-2"))
    assert [looked(*rows, require=each).status for each in ("all", "any", "2")] == ["unhealthy", "healthy", "unhealthy"]


def test_a_region_without_rows_is_unknown() -> None:
    assert looked(row("ok")).verdicts["us-west-2"] == "unknown"


def reasons(*rows: Row) -> list[list[str]]:
    """The subjects of the rows that are the reasons for each region's verdict."""
    found = looked(*rows)
    return [[row.finding.subject for row in found.reasons(region)] for region in found.verdicts]


def test_the_reasons_are_the_rows_that_decide() -> None:
    west = "us-west-2"
    assert reasons(row("unknown"), row("fail", subject="t2"), row("ok", region=west)) == [["t2"], []]
    assert reasons(row("fail", decides=False), row("fail", subject="t2")) == [["t2", "t1"], []]
    assert reasons(row("unknown", decides=False), row("unknown", subject="t2"), row("unknown", region=west)) == [
        ["t2"],
        ["t1"],
    ]
    assert reasons(row("unknown", decides=False)) == [["t1"], []]


def test_of_the_first_round_all_is_new() -> None:
    told = list(changes(None, looked(row("ok"), row("fail", region="us-west-2")), NOW))
    assert [(each["change"], each["before"]) for each in told] == [
        ("row", None),
        ("row", None),
        ("region", None),
        ("region", None),
        ("all", None),
    ]


def test_then_only_what_changes_is_told() -> None:
    before = looked(row("ok"), row("ok", subject="gone"), row("ok", region="us-west-2"))
    after = looked(row("fail"), row("warn", subject="new"), row("ok", region="us-west-2"))
    told = [
        (each["change"], each.get("subject"), each["before"], each.get("status"))
        for each in changes(before, after, NOW)
    ]
    assert told == [
        ("row", "t1", "ok", "fail"),
        ("row", "new", None, "warn"),
        ("row", "gone", "ok", None),
        ("region", None, "healthy", None),
        ("all", None, "healthy", "unhealthy"),
    ]
    assert list(changes(after, after, NOW)) == []
