"""The JSON summary: a contract of keys, and one word, one reason and one exit code for every end."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from cncbops.errors import BadInput, CannotRun
from cncbops.ledger.rows import Counts
from cncbops.reports.summary import Report, by_hour, iso, summary
from cncbops.session.entry import Entry
from cncbops.session.findings import Findings
from cncbops.session.journal import Journal
from cncbops.session.keeper import NoKeeper
from cncbops.tally import HOUR_MS, OTHER_HOURS, Failure
from tests.delivery.batches import OBJECT


def journal(**events: int) -> Journal:
    found = Journal(NoKeeper())
    for name, number in events.items():
        setattr(found.tally.events, name, number)
    return found


def report(found: Journal, **more: Any) -> Report:
    return structs.replace(Report("replay", "run-1", False, "fn:live", False, ["s3://lake/"], found, 2.0), **more)


def test_the_summary_has_the_keys_of_the_contract() -> None:
    document = json.loads(json.dumps(summary(report(journal(read=3, matched=3, delivered=3)))))
    assert document.keys() >= {
        *("command", "run_id", "dry_run", "status", "reason", "function", "invocation", "source", "objects"),
        *("events", "invocations", "first_event", "last_event", "duration_s", "events_per_s", "failures"),
        *("run", "ledger"),
    }
    assert document["objects"].keys() >= {"listed", "read", "skipped", "failed", "bytes"}
    assert document["events"].keys() >= {
        *("read", "matched", "delivered", "failed", "unknown", "malformed", "by_type"),
    }
    assert document["invocations"].keys() >= {"total", "succeeded", "failed", "retried", "throttled", "bytes"}
    assert (document["command"], document["function"], document["invocation"]) == ("replay", "fn:live", "sync")
    assert (document["status"], document["dry_run"], document["source"]) == ("succeeded", False, ["s3://lake/"])
    assert (document["events_per_s"], document["duration_s"], document["first_event"]) == (1.5, 2.0, None)
    assert (document["reason"], document["run"], document["ledger"]) == (None, None, None)
    assert "error" not in document


def test_the_totals_of_the_run_and_the_place_of_its_ledger_are_told() -> None:
    totals = Counts(
        9, 7, 1, 1, read=110, matched=100, malformed=2, delivered=80, failed=7, unknown=3, failed_left_out=2
    )
    document = json.loads(json.dumps(summary(report(journal(), totals=totals, ledger=Path("/state/ledger.db")))))
    assert document["ledger"] == "/state/ledger.db"
    assert document["run"] == {
        **{
            "objects": 9,
            "objects_done": 7,
            "objects_unreadable": 1,
            "objects_left_out": 1,
            "read": 110,
            "matched": 100,
            "malformed": 2,
        },
        **{"delivered": 80, "failed": 7, "unknown": 3, "failed_left_out": 2, "unknown_left_out": 0},
        **{"not_sent_left_out": 0, "not_sent": 10},
    }


ERROR = CannotRun("access denied", "Ask for it")


@pytest.mark.parametrize(
    ("events", "more", "status", "exit_code"),
    [
        ({}, {}, "nothing", 0),
        ({}, {"dry_run": True}, "nothing", 0),
        ({"matched": 2, "delivered": 2}, {}, "succeeded", 0),
        ({"matched": 2, "not_sent": 2}, {"dry_run": True}, "planned", 0),
        ({"matched": 2, "malformed": 1}, {"dry_run": True}, "planned", 3),
        ({"malformed": 1}, {"dry_run": True}, "nothing", 3),
        ({"matched": 2, "delivered": 1, "failed": 1}, {}, "partial", 3),
        ({"matched": 2, "delivered": 1, "unknown": 1}, {}, "partial", 3),
        ({"malformed": 1}, {}, "partial", 3),
        ({"matched": 2, "not_sent": 2}, {"interrupted": True}, "interrupted", 130),
        ({"matched": 2, "failed": 1, "not_sent": 1}, {"interrupted": True}, "interrupted", 130),
        ({}, {"interrupted": True}, "interrupted", 130),
        ({"matched": 2, "failed": 1, "not_sent": 1}, {"halted": "too many failures"}, "stopped", 5),
        ({"matched": 2, "delivered": 2}, {"halted": "it lasted too long"}, "stopped", 5),
        ({}, {"halted": "an alarm"}, "stopped", 5),
        ({"matched": 2, "not_sent": 2}, {"halted": "an alarm", "interrupted": True}, "stopped", 5),
        ({"matched": 2, "not_sent": 2}, {"error": ERROR}, "failed", 1),
        ({"matched": 2, "not_sent": 2}, {"error": ERROR, "interrupted": True}, "failed", 1),
        ({"matched": 2, "not_sent": 2}, {"error": ERROR, "halted": "an alarm"}, "failed", 1),
        ({}, {"error": BadInput("no such profile", "Choose another")}, "failed", 2),
    ],
)
def test_every_end_has_its_word_and_its_exit_code(
    events: dict[str, int], more: dict[str, Any], status: str, exit_code: int
) -> None:
    found = report(journal(**events), **more)
    assert (found.status, found.exit_code) == (status, exit_code)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({}, None),
        ({"interrupted": True}, None),
        ({"halted": "too many failures"}, "too many failures"),
        ({"error": ERROR}, "access denied. Ask for it"),
        ({"error": ERROR, "halted": "too many failures"}, "access denied. Ask for it"),
    ],
)
def test_an_end_that_its_word_does_not_explain_has_a_reason(more: dict[str, Any], reason: str | None) -> None:
    assert summary(report(journal(matched=2, delivered=2), **more))["reason"] == reason


FLAWED = Counts(1, 1, 0, read=3, matched=3, delivered=2, failed=1)


@pytest.mark.parametrize(
    ("command", "totals", "status", "exit_code"),
    [
        ("runs resume", FLAWED, "partial", 3),
        ("runs resume", structs.replace(FLAWED, delivered=3, failed=0), "succeeded", 0),
        ("runs resume", structs.replace(FLAWED, delivered=3, failed=0, malformed=1), "partial", 3),
        ("runs resume", structs.replace(FLAWED, delivered=3, failed=0, objects_unreadable=1), "partial", 3),
        ("runs redrive", FLAWED, "succeeded", 0),
    ],
)
def test_a_run_that_is_resumed_is_as_good_as_all_its_sessions_and_a_redrive_as_itself(
    command: str, totals: Counts, status: str, exit_code: int
) -> None:
    found = report(journal(matched=1, delivered=1), command=command, totals=totals)
    assert (found.status, found.exit_code) == (status, exit_code)


@pytest.mark.parametrize(
    ("events", "more", "nothing"),
    [
        ({}, {"error": ERROR}, True),
        ({"matched": 1}, {"error": ERROR}, False),
        ({"malformed": 1}, {"error": ERROR}, False),
        ({}, {}, False),
    ],
)
def test_an_error_says_it_all_where_nothing_was_found(
    events: dict[str, int], more: dict[str, Any], nothing: bool
) -> None:
    assert report(journal(**events), **more).came_to_nothing is nothing


def test_an_object_that_could_not_be_read_makes_the_run_partial() -> None:
    found = journal(matched=1, delivered=1)
    found.tally.objects.failed = 1
    assert report(found).exit_code == 3


def test_an_error_is_told_with_its_next_step() -> None:
    assert summary(report(journal(), error=ERROR))["error"] == {"what": "access denied", "next_step": "Ask for it"}


def test_no_more_than_the_first_twenty_failures_are_told() -> None:
    found = journal()
    findings = Findings()
    failures = (Failure("s3://lake/o", line, 0, None, None, "failed", "E", "m") for line in range(1, 31))
    findings.note(Entry(0, 0, OBJECT), failures)
    found.take_in(findings)
    told = summary(report(found))["failures"]
    assert [failure["line"] for failure in told] == list(range(1, 21))
    assert told[0].keys() >= {"object", "line", "event_id", "error", "message"}


def test_types_are_told_most_frequent_first() -> None:
    found = journal()
    found.tally.by_type.update(["c", "a", "b", "b"])
    assert list(summary(report(found))["events"]["by_type"].items()) == [("b", 2), ("a", 1), ("c", 1)]


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
