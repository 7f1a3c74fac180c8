"""The JSON summary: a contract of keys, and one word and one exit code for every end."""

import json
from dataclasses import replace
from typing import Any

import pytest

from cncbops.errors import BadInput, CannotRun
from cncbops.journal import Journal
from cncbops.ledger import NoLedger
from cncbops.summary import Report, by_hour, iso, summary
from cncbops.tally import HOUR_MS, OTHER_HOURS, Failure


def journal(**events: int) -> Journal:
    found = Journal(NoLedger())
    for name, number in events.items():
        setattr(found.tally.events, name, number)
    return found


def report(found: Journal, **more: Any) -> Report:
    return replace(Report("run-1", False, "fn:live", False, ["s3://lake/"], found, 2.0), **more)


def test_the_summary_has_the_keys_of_the_contract() -> None:
    document = json.loads(json.dumps(summary(report(journal(read=3, matched=3, delivered=3)))))
    assert document.keys() >= {
        *("command", "run_id", "dry_run", "status", "function", "invocation", "source", "objects", "events"),
        *("invocations", "first_event", "last_event", "duration_s", "events_per_s", "failures"),
    }
    assert document["objects"].keys() >= {"listed", "read", "skipped", "failed", "bytes"}
    assert document["events"].keys() >= {
        *("read", "matched", "delivered", "failed", "unknown", "malformed", "by_type"),
    }
    assert document["invocations"].keys() >= {"total", "succeeded", "failed", "retried", "throttled", "bytes"}
    assert (document["command"], document["function"], document["invocation"]) == ("replay", "fn:live", "sync")
    assert (document["status"], document["dry_run"], document["source"]) == ("succeeded", False, ["s3://lake/"])
    assert (document["events_per_s"], document["duration_s"], document["first_event"]) == (1.5, 2.0, None)
    assert "error" not in document


ERROR = CannotRun("access denied", "Ask for it")


@pytest.mark.parametrize(
    ("events", "more", "status", "exit_code"),
    [
        ({}, {}, "nothing", 0),
        ({}, {"dry_run": True}, "nothing", 0),
        ({"matched": 2, "delivered": 2}, {}, "succeeded", 0),
        ({"matched": 2, "not_sent": 2}, {"dry_run": True}, "planned", 0),
        ({"matched": 2, "malformed": 1}, {"dry_run": True}, "planned", 3),
        ({"matched": 2, "delivered": 1, "failed": 1}, {}, "partial", 3),
        ({"matched": 2, "delivered": 1, "unknown": 1}, {}, "partial", 3),
        ({"malformed": 1}, {}, "partial", 3),
        ({"matched": 2, "not_sent": 2}, {"stopped": True}, "interrupted", 130),
        ({"matched": 2, "not_sent": 2}, {"error": ERROR}, "failed", 1),
        ({"matched": 2, "not_sent": 2}, {"error": ERROR, "stopped": True}, "failed", 1),
        ({}, {"error": BadInput("no such profile", "Choose another")}, "failed", 2),
    ],
)
def test_every_end_has_its_word_and_its_exit_code(
    events: dict[str, int], more: dict[str, Any], status: str, exit_code: int
) -> None:
    found = report(journal(**events), **more)
    assert (found.status, found.exit_code) == (status, exit_code)


def test_an_object_that_could_not_be_read_makes_the_run_partial() -> None:
    found = journal(matched=1, delivered=1)
    found.tally.objects.failed = 1
    assert report(found).exit_code == 3


def test_an_error_is_told_with_its_next_step() -> None:
    assert summary(report(journal(), error=ERROR))["error"] == {"what": "access denied", "next_step": "Ask for it"}


def test_no_more_than_the_first_twenty_failures_are_told() -> None:
    found = journal()
    found.note(Failure("s3://lake/o", line, 0, None, None, "failed", "E", "m") for line in range(1, 31))
    failures = summary(report(found))["failures"]
    assert [failure["line"] for failure in failures] == list(range(1, 21))
    assert failures[0].keys() >= {"object", "line", "event_id", "error", "message"}


def test_types_are_told_most_frequent_first() -> None:
    found = journal()
    found.tally.by_type.update(["a", "b", "b"])
    assert list(summary(report(found))["events"]["by_type"].items()) == [("b", 2), ("a", 1)]


def test_hours_are_told_in_order_and_without_those_beyond_count() -> None:
    assert by_hour({423100: 1, OTHER_HOURS: 9, 423099: 2}) == {"2018-04-08T03:00Z": 2, "2018-04-08T04:00Z": 1}
    assert 423099 * HOUR_MS < 1523159608123 < 423100 * HOUR_MS


@pytest.mark.parametrize(
    ("moment_ms", "text"),
    [
        (None, None),
        (0, "1970-01-01T00:00:00.000Z"),
        (1523159608123, "2018-04-08T03:53:28.123Z"),
        (4102444799999, "2099-12-31T23:59:59.999Z"),
    ],
)
def test_times_are_iso_8601_in_utc_with_milliseconds(moment_ms: int | None, text: str | None) -> None:
    assert iso(moment_ms) == text


def test_a_run_without_duration_has_no_rate() -> None:
    assert summary(report(journal(matched=1, delivered=1), duration_s=0.0))["events_per_s"] == 0.0
