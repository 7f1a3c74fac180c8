"""What a run did, in words."""

import io
from typing import Any

import pytest
from cncbops.commands._summary_view import flawed, left_out, nothing_matches, show_next_steps, show_summary
from rich.console import Console

NONE: dict[str, Any] = {
    "others": 0,
    "not_chosen": 0,
    "raised_since": 0,
    "sent_before": 0,
    "sent_again": 0,
    "came_back": 0,
    "still_broken": 0,
    "repeated": 0,
    "broken": 0,
    "without_record": 0,
    "not_whole": 0,
}
FATES = {"matched": 3, "delivered": 2, "failed": 1, "unknown": 0, "not_sent": 0}
EVENTS = {**FATES, "malformed": 0, "possible_duplicates": 0}
NO_EVENTS = {**EVENTS, **dict.fromkeys(FATES, 0)}
BOTH = ["failed", "unknown"]
REDRIVE = {"command": "runs redrive", "fates": ["failed"]}
NO_OBJECT = {"listed": 0, "read": 0, "failed": 0, "left_out": 0}
CHANGED = {"listed": 0, "read": 0, "failed": 2, "left_out": 2}
CALLS = {"total": 2, "succeeded": 1, "failed": 1, "throttled": 0, "unknown": 0, "retried": 0}


@pytest.fixture(autouse=True)
def usual(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger is where the shell looks for it, and need not be named."""
    monkeypatch.setenv("CNCBOPS_STATE_DIR", "/state")


def document(**changed: Any) -> dict[str, Any]:
    """What a resubmit from a bucket tells, of which one fault failed."""
    return {
        "command": "resubmit",
        "run_id": "run-1",
        "status": "partial",
        "reason": None,
        "invocation": "sync",
        "source": ["s3://lake/"],
        "ledger": "/state/ledger.db",
        "run": None,
        "fates": None,
        "next_step": None,
        "next_step_when": None,
        "workers": {"cluster": None, "count": 1, "lost": 0},
        "objects": {"listed": 2, "read": 2, "failed": 0, "left_out": 0},
        "events": EVENTS,
        "functions": {"fn": {"delivered": 2, "failed": 1, "unknown": 0}},
        "faults": NONE,
        "invocations": CALLS,
        "duration_s": 1.5,
        "events_per_s": 2.0,
        "failures": [],
        **changed,
    }


def shown(of: dict[str, Any]) -> str:
    console = Console(file=io.StringIO(), width=240)
    show_summary(console, of)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def next_steps(of: dict[str, Any]) -> str:
    console = Console(file=io.StringIO(), width=240)
    show_next_steps(console, of)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_why_faults_are_left_out_is_told_for_those_that_are() -> None:
    assert left_out(NONE) == flawed(NONE) == ""
    assert left_out({**NONE, "sent_before": 2_000, "came_back": 1}) == (
        "2,000 sent before (see --again), 1 came back after they were sent (see --again)"
    )
    assert left_out({**NONE, "repeated": 1, "sent_again": 7}).startswith("1 met twice, or another pipeline's")
    assert flawed({**NONE, "broken": 1, "not_whole": 3}) == "1 broken, 3 not whole"


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ({}, "no fault matches"),
        ({"not_chosen": 3}, "no fault matches"),
        ({"sent_before": 2}, "2 faults sent before, no other matches"),
        ({"came_back": 1, "sent_before": 2}, "1 fault came back, nothing else matches"),
    ],
)
def test_nothing_to_do_has_its_reason(faults: dict[str, int], said: str) -> None:
    assert nothing_matches(document(faults={**NONE, **faults})) == said
    told = document(status="nothing", faults={**NONE, **faults}, events=NO_EVENTS)
    assert shown(told).startswith(f"nothing to do: {said}\n")


def test_without_faults_it_is_events_that_do_not_match() -> None:
    assert nothing_matches(document(command="replay", faults=None)) == "no event matches"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"objects": NO_OBJECT}, "no object was found under s3://lake/"),
        ({"objects": NO_OBJECT, "source": ["s3://a/", "/b"]}, "no object was found under s3://a/ or /b"),
        ({"objects": NO_OBJECT, "source": ["sqs://dead-letters"]}, "no fault matches"),
        ({"command": "runs resume"}, "nothing is left of it that can be sent"),
        ({"command": "runs redrive", "fates": ["failed"]}, "nothing that failed is left of it"),
        ({"command": "runs redrive", "fates": BOTH}, "nothing that failed or is unknown is left of it"),
        ({**REDRIVE, "objects": CHANGED}, "all that failed lies in objects that changed or are gone"),
        (
            {**REDRIVE, "fates": BOTH, "objects": CHANGED},
            "all that failed or is unknown lies in objects that changed or are gone",
        ),
        ({"command": "runs resume", "objects": CHANGED}, "nothing is left of it that can be sent"),
    ],
)
def test_where_nothing_was_come_to_that_is_what_is_told(more: dict[str, Any], said: str) -> None:
    assert nothing_matches(document(events=NO_EVENTS, **more)) == said


def test_a_resubmit_of_which_only_came_back_what_was_sent_before_says_so() -> None:
    delivered = {**EVENTS, "delivered": 3, "failed": 0}
    of = document(events=delivered, faults={**NONE, "came_back": 1})
    assert shown(of).startswith("done: but faults came back after they were sent\n")
    earlier = document(command="runs resume", events=delivered)  # what failed did so in an earlier session
    assert shown(earlier).startswith("done: but not everything could be delivered\n")
    unread = document(events=delivered, objects={"listed": 2, "read": 1, "failed": 1, "left_out": 0})
    assert shown(unread).startswith("done: but not everything could be delivered\n")
    assert shown(document(status="succeeded", events=delivered)).startswith("done: every fault was delivered\n")


def test_what_lambda_has_taken_into_its_queue_is_told_as_that() -> None:
    queued = document(status="succeeded", invocation="async")
    assert shown(queued).startswith("done: every fault was delivered into Lambda's queue\n")


def test_groups_that_keep_coming_back_are_told_with_what_sends_them_all_the_same() -> None:
    group = {"count": 2, "fingerprint": "0123456789ab", "function": "fn", "error": "Error", "shape": "no"}
    said = shown(document(came_back=[group]))
    assert "keeps coming back: 2 in group 0123456789ab: fn: Error: no\n" in said
    assert "or with --again" in said


def test_a_queue_is_told_with_what_others_hold_of_it() -> None:
    queue = {"queue": "q1", "deleted": 2, "left": 1, "not_deleted": 0, "in_flight_before": 4}
    said = shown(document(queues=[queue]))
    assert "q1: 2 deleted, 1 left; about 4 in flight elsewhere when this began" in said


def test_no_more_is_called_sent_twice_than_there_was_and_repeats_are_among_the_invocations() -> None:
    said = shown(document(events={**EVENTS, "possible_duplicates": 1_600}, invocations={**CALLS, "retried": 2}))
    assert "up to 3 may have arrived twice: sent again, as no answer came" in said
    assert "2: 1 succeeded, 1 failed; 2 of them sent something again" in said
    assert "up to 2 may have" in shown(document(events={**EVENTS, "possible_duplicates": 2}))


def test_what_goes_on_from_here_is_told_with_when_to_type_it() -> None:
    step = {"next_step": "cncbops runs redrive run-1 --execute", "next_step_when": "Once the cause is mended"}
    assert next_steps(document(**step)) == (
        "Once the cause is mended: cncbops runs redrive run-1 --execute\nAll of it: cncbops runs show run-1\n"
    )


def test_faults_that_were_delivered_before_and_sent_again_are_told() -> None:
    assert "sent again" in shown(document(faults={**NONE, "sent_again": 2}))
    assert "2 faults of those delivered before" in shown(document(faults={**NONE, "sent_again": 2}))
    assert "sent again" not in shown(document())


def test_of_faults_that_were_sent_again_and_failed_it_is_said_what_their_report_takes() -> None:
    step = {"next_step": "cncbops runs redrive run-1 --execute", "next_step_when": "Once the cause is mended"}
    hint = "A resubmit of its report takes --again, too"
    assert hint in next_steps(document(**step, faults={**NONE, "sent_again": 2}))
    assert hint not in next_steps(document(**step))
    assert hint not in next_steps(document(**step, faults={**NONE, "sent_again": 2}, events={**EVENTS, "failed": 0}))


def test_a_ledger_that_is_elsewhere_is_named() -> None:
    said = next_steps(document(ledger="/a night's/ledger.db"))
    assert said == "All of it: cncbops runs show run-1 --state-dir '/a night'\"'\"'s'\n"


def test_where_all_that_is_left_was_left_out_it_is_said_what_helps() -> None:
    said = next_steps(document(run={**FATES, "objects_left_out": 1}))
    assert said.startswith("What is left lies in objects that changed or are gone: put them back and resume, or see ")
    assert next_steps(document(run={**FATES, "objects_left_out": 0})) == "All of it: cncbops runs show run-1\n"


def test_objects_that_were_left_out_are_not_called_unreadable() -> None:
    objects = {"listed": 5, "read": 2, "failed": 3, "left_out": 2}
    assert "1 not readable, 2 left out" in shown(document(objects=objects))


@pytest.mark.parametrize(("error", "said"), [("Changed", "changed: "), ("NoSuchKey", "gone: ")])
def test_an_object_that_is_not_what_it_was_is_called_that(error: str, said: str) -> None:
    failure = {"object": "s3://lake/o", "line": 0, "event_id": None, "fate": "unreadable", "message": "no more"}
    assert f"\n{said}s3://lake/o: no more\n" in shown(document(failures=[{**failure, "error": error}]))
    broken = shown(document(failures=[{**failure, "error": "NotZip"}]))
    assert "\nunreadable: s3://lake/o: NotZip: no more\n" in broken


def test_without_a_ledger_there_is_no_next_step() -> None:
    assert next_steps(document(ledger=None)) == ""


def test_functions_that_take_nothing_are_told_once_and_not_for_each_fault() -> None:
    failure = {"object": "s3://lake/o", "line": 1, "event_id": "f-1", "fate": "failed", "error": "NotDeliverable"}
    failures = [{**failure, "line": line, "message": "there is no function gone"} for line in (1, 2)]
    said = shown(document(failures=failures))
    assert said.count("there is no function gone") == 1
    assert "--map OLD=NEW" in said
