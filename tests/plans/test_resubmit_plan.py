"""What a dry-run of a resubmit tells of each function, and of what the operator should look at."""

import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cncbops.aws import Aws, AwsAccess
from cncbops.function_name import parse_function
from cncbops.lake.sources import LocalSource
from cncbops.plans.plan import NOTHING_KEEPS_IT
from cncbops.plans.resubmit_plan import plan_of_resubmit
from cncbops.recipients import Recipient
from cncbops.reports.resubmit_facts import MOST_GROUPS
from cncbops.reports.summary import Report, summary
from cncbops.request import ResubmitRequest
from cncbops.sending import Sending
from cncbops.session.agenda import WholeLake
from cncbops.session.keeper import NoKeeper
from cncbops.session.means import means_of
from cncbops.session.memory import NoMemory
from cncbops.session.resubmitting import faults_undertaking
from cncbops.target import NoSuchFunction, Target
from cncbops.terms import settle
from tests.session.test_units import NOWHERE, RAISED_MS, REDACTED, document

NOTHING: Mapping[str, Any] = {}
RAISED = "1970-01-01T00:16:40.000Z"
BEFORE, SINCE = "1970-01-01T00:00:00.500+0000", "2999-01-01T00:00:00.000+0000"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


def planned(
    folder: Path, *lines: bytes, deployed: str | None = None, of_target: Mapping[str, Any] = NOTHING, **asked: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The plan, and the summary, of a resubmit of these lines to the functions `fn` and `gn`; there is no `gone`."""
    (folder / "faults").write_bytes(b"\n".join(lines))
    request = replace(ResubmitRequest(sources=(LocalSource(folder),), until_ms=2**62), **asked)
    aws = Aws(AwsAccess(region="us-east-1", endpoint_url=NOWHERE))
    with means_of(request, aws, executes=False) as means:
        for name in ("fn", "gn"):
            target = Target(parse_function(name), last_modified=deployed, **of_target)
            means.recipients.add(name, Recipient(target.function, target, settle(request, target, "us-east-1")))
        means.finder.missing["gone"] = NoSuchFunction("there is no function gone", "Check the name")
        undertaking = faults_undertaking(means, NoMemory(), None, WholeLake(request, None))
        sending = Sending(undertaking, aws, NoKeeper(), threading.Event(), plans=True)
        with sending:
            sending.plan()
        assert sending.error is None
        report = Report("resubmit", "run-1", True, None, request.asynchronous, ["faults"], sending.journal, 2.0)
        told = json.loads(json.dumps({"plan": plan_of_resubmit(means)(sending), "summary": summary(report)}))
    return told["plan"], told["summary"]


def test_each_function_is_told_with_its_faults_records_and_newest_fault(tmp_path: Path) -> None:
    of_gn = {"functionname": "gn", "pipeline": "m1"}
    plan, told = planned(
        tmp_path, document(1), document(2, timestamp=RAISED_MS - 5), document(3, tags=of_gn), batch_size=7
    )
    of_fn = plan["functions"]["fn"]
    assert (of_fn["faults"], of_fn["records"], of_fn["newest_fault"]) == (2, 2, RAISED)
    assert (of_fn["batch_size"], of_fn["problem"], plan["functions"]["gn"]["faults"]) == (7, None, 1)
    assert told["functions"]["fn"] == {
        **{"matched": 2, "records": 2, "delivered": 0, "failed": 0, "unknown": 0},
        "newest_fault": RAISED,
    }
    assert "function" not in told
    assert (told["status"], told["events"]["matched"], told["invocations"]["total"]) == ("planned", 3, 2)


@pytest.mark.parametrize(("deployed", "since"), [(None, None), (BEFORE, False), (SINCE, True)])
def test_whether_a_function_was_deployed_since_its_newest_fault_is_told_where_it_is_known(
    deployed: str | None, since: bool | None, tmp_path: Path
) -> None:
    plan, _ = planned(tmp_path, document(1), deployed=deployed)
    assert plan["functions"]["fn"]["deployed_since"] is since
    asked = [each for each in plan["warnings"] if "Is it fixed?" in each]
    assert len(asked) == (since is False)
    assert all(each.startswith("fn was not deployed since its newest fault") and RAISED in each for each in asked)


def test_functions_that_do_not_exist_or_are_not_named_are_problems_with_a_next_step(tmp_path: Path) -> None:
    plan, told = planned(tmp_path, document(1, tags={"functionname": "gone"}), document(2, tags={}), document(3))
    assert plan["functions"]["gone"]["problem"] == {"what": "there is no function gone", "next_step": "Check the name"}
    assert plan["functions"]["gone"]["target"] is None
    assert "--function" in plan["functions"][""]["problem"]["next_step"]
    assert [each for each in plan["warnings"] if "cannot be sent" in each] == [
        "1 fault cannot be sent: there is no function gone. Check the name.",
        "1 fault cannot be sent: these faults name no function. Say it with --function.",
    ]
    assert (told["events"]["matched"], told["events"]["failed"]) == (3, 2)


def test_what_is_left_out_is_warned_of_and_counted_by_its_reason(tmp_path: Path) -> None:
    plan, told = planned(
        tmp_path,
        *(document(1, uow=REDACTED), document(2, timestamp=RAISED_MS + 1), document(3)),
        until_ms=RAISED_MS + 1,
    )
    assert any("redacted or incomplete" in each and "1 fault" in each for each in plan["warnings"])
    assert any("raised after this command began" in each for each in plan["warnings"])
    assert (told["faults"]["not_whole"], told["faults"]["raised_since"], told["events"]["matched"]) == (1, 1, 1)


def test_groups_are_told_the_largest_first_and_no_more_than_a_screenful(tmp_path: Path) -> None:
    rare = [document(each, err={"name": f"E{each}x", "message": "no"}) for each in range(100, 110 + MOST_GROUPS)]
    plan, _ = planned(tmp_path, *rare, document(1), document(2))
    assert len(plan["groups"]) == MOST_GROUPS
    assert (plan["groups"][0]["error"], plan["groups"][0]["count"]) == ("Error", 2)


def test_of_asynchronous_invocations_it_is_said_that_they_say_nothing(tmp_path: Path) -> None:
    assert not any("asynchronous" in each for each in planned(tmp_path, document(1))[0]["warnings"])
    plan, told = planned(tmp_path, document(1), asynchronous=True)
    assert any("asynchronous" in each for each in plan["warnings"])
    assert (told["invocation"], plan["terms"]["ordered"]) == ("async", False)


LOST = f"What fails asynchronously at fn is lost: {NOTHING_KEEPS_IT}."


@pytest.mark.parametrize(
    ("of_target", "is_warned"),
    [
        ({}, True),
        ({"dead_letter": "arn:aws:sqs:us-east-1:1:dlq"}, False),
        ({"on_failure": "arn:aws:sqs:us-east-1:1:failed"}, False),
        ({"unchecked": ["its on-failure destination"]}, False),
        ({"unchecked": ["its configuration"]}, False),
    ],
)
def test_where_nothing_keeps_what_fails_asynchronously_that_is_said_of_the_function(
    tmp_path: Path, of_target: Mapping[str, Any], is_warned: bool
) -> None:
    plan, _ = planned(tmp_path, document(1), of_target=of_target, asynchronous=True)
    assert (LOST in plan["warnings"]) == is_warned
    assert not any("gn" in each.split() for each in plan["warnings"])
    assert LOST not in planned(tmp_path, document(1), of_target=of_target)[0]["warnings"]


def test_the_terms_and_the_estimate_are_those_of_the_request(tmp_path: Path) -> None:
    lines = [document(each) for each in range(1, 6)]
    plan, _ = planned(tmp_path, *lines, one_by_one=True, concurrency=2, rate=2.0)
    assert (plan["terms"]["one_by_one"], plan["terms"]["concurrency"], plan["terms"]["rate"]) == (True, 2, 2.0)
    assert (plan["estimate"]["duration_s"], plan["estimate"]["rounds"]) == (2.5, 3)


def test_where_there_is_no_fault_the_plan_is_of_nothing(tmp_path: Path) -> None:
    plan, told = planned(tmp_path, b'{"id":"e-1","type":"thing-created"}')
    assert (plan["functions"], plan["groups"], plan["warnings"]) == ({}, [], [])
    assert (told["status"], told["functions"], told["faults"]["others"]) == ("nothing", {}, 1)
