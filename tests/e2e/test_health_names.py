"""`cncbops health`: what it is told to look at, by the file, options and a stage; and what it cannot be told."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.far_side_health import DENIED, HealthSide, Refusal, stack
from tests.e2e.looks import rows, verdicts


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--require", "3"), "3 regions must be healthy, but 2 are looked at"),
        (("--require", "most"), "--require 'most' is not a number of regions"),
        (("--timeout", "0s"), "'--timeout': '0s' is not a duration"),
        (("ap-south-1",), "nothing of ap-south-1 is named to look at"),
        (("--config", "/nowhere.toml"), "/nowhere.toml cannot be read"),
        (("--check", "abc/check"), "'abc/check' is no check endpoint"),
        (("--profile", "nobody"), "The config profile (nobody) could not be found"),
    ],
)
def test_what_cannot_be_meant_is_told_in_a_line(
    health: Any, toml: Path, health_side: HealthSide, arguments: tuple[str, ...], error: str
) -> None:
    result = health(*arguments)
    assert (result.code, result.out) == (2, "")
    assert error in result.err
    assert len(result.err.splitlines()) == 1
    assert health_side.calls == []


def test_nothing_named_is_a_hint_and_no_empty_table(health: Any, health_side: HealthSide) -> None:
    result = health("-o", "json")
    assert result.code == 2
    assert result.json["command"] == "health"
    assert result.json["status"] == "failed"
    assert "--check URL" in result.json["error"]["next_step"]
    assert health_side.calls == []


def test_a_key_that_the_file_may_not_have_is_told_with_the_nearest(health: Any, tmp_path: Path) -> None:
    (tmp_path / "cncbops.toml").write_text('[health.us-east-1]\ntabels = ["t1"]\n')
    result = health()
    assert result.code == 2
    assert result.err.endswith("cncbops.toml: unknown key health.us-east-1.tabels. Did you mean tables?\n")


def test_a_region_named_for_a_failover_alone_has_nothing_to_look_at(health: Any, tmp_path: Path) -> None:
    (tmp_path / "cncbops.toml").write_text('[health.us-east-1]\ncheck_functions = ["fn"]\n')
    result = health()
    assert (result.code, result.out) == (2, "")
    assert "nothing of us-east-1 is named that health looks at" in result.err


def test_a_stage_tells_what_to_look_at(health: Any, health_side: HealthSide) -> None:
    def stacks(call: Any) -> Any:
        name = call.asked["StackName"]
        if name == "cncb-regional-failover-check-john":
            return stack(ServiceEndpoint=f"{health_side.url}/{call.region}", ApiHealthCheckId="hc-1")
        return (
            stack(streamName="john-s1")
            if name == "cncb-event-stream-john"
            else Refusal("ValidationError", "does not exist")
        )

    health_side.on("cloudformation.DescribeStacks", stacks, "us-east-1")
    result = health("us-east-1", "us-west-2", "--stage", "john", "--table", "us-west-2=t1", "-o", "json")
    told = [(row["region"], row["probe"], row["subject"], row["status"]) for row in result.json["rows"]]
    assert told == [
        ("us-east-1", "check", health_side.check("us-east-1"), "ok"),
        ("us-east-1", "health check", "hc-1", "ok"),
        ("us-east-1", "stream", "john-s1", "ok"),
        ("us-west-2", "names", "stage john", "unknown"),
        ("us-west-2", "table read", "t1", "ok"),
        ("us-west-2", "replicas", "t1", "ok"),
    ]
    assert verdicts(result) == {"us-east-1": "healthy", "us-west-2": "unknown"}


def test_a_stage_in_the_region_in_force_is_not_taken_for_all_of_it(health: Any, health_side: HealthSide) -> None:
    health_side.on("cloudformation.DescribeStacks", stack(streamName="john-s1"))
    result = health("--stage", "john")
    assert result.err == (
        "note: only us-east-1, the region in force, is looked at; to look at more, name them: "
        "cncbops health us-east-1 REGION... --stage john\n"
    )
    assert result.out.splitlines()[-1].endswith("all must be healthy")
    assert health("us-east-1", "--stage", "john").err == ""


def test_names_that_a_sick_region_does_not_tell_spoil_that_region_only(
    health: Any, toml: Path, health_side: HealthSide
) -> None:
    health_side.on("cloudformation", stack(streamName="john-s1"), "us-east-1")
    health_side.on("cloudformation.DescribeStackResource", Refusal("ValidationError", "does not exist"), "us-east-1")
    health_side.on("cloudformation", DENIED, "us-west-2")
    result = health("--stage", "john", "-o", "json")
    assert verdicts(result) == {"us-east-1": "healthy", "us-west-2": "unknown"}
    (row,) = rows(result, region="us-west-2", status="unknown")
    assert (row["probe"], row["subject"]) == ("names", "stage john")
    assert "Ask for cloudformation:" in row["why"]


def test_a_stage_that_is_nowhere_is_told(health: Any) -> None:
    result = health("--stage", "jon")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: no stack of stage jon in us-east-1 tells what to look at.")
