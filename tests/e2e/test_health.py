"""`cncbops health` as it is typed: what it asks, what it says, and its exit code, whatever the regions do."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.far_side_health import DENIED, HANG, HANG_UP, READS, HealthSide, Refusal, alarm, checked
from tests.e2e.looks import REGIONS, rows, statuses, verdicts
from tests.e2e.servers import Cncbops, Result

PROBES = ["check", "alarm", "health check", "table read", "replicas", "stream", "function", "queue", "faults"]


def test_two_healthy_regions_are_told_row_by_row(health: Any, toml: Path) -> None:
    result = health("-o", "json")
    assert (result.code, result.err) == (0, "")
    assert result.json["status"] == "healthy"
    assert verdicts(result) == dict.fromkeys(REGIONS, "healthy")
    assert [(row["region"], row["probe"]) for row in result.json["rows"]] == [
        (region, probe) for region in REGIONS for probe in PROBES
    ]
    assert {row["status"] for row in result.json["rows"]} == {"ok"}
    for row in result.json["rows"]:
        assert row.keys() == {"region", "probe", "subject", "status", "why", "checked", "age_s", "duration_ms", "facts"}
        assert 0 <= row["age_s"] < 60
    assert rows(result, probe="check")[0]["facts"]["region"] == "us-east-1"


def test_people_read_a_table_and_a_verdict(health: Any, toml: Path, health_side: HealthSide) -> None:
    health_side.on("check", checked(503, timestamp=1700611200123, region="us-west-2"), "us-west-2")
    result = health()
    lines = result.out.splitlines()
    assert (result.code, result.err) == (4, "")
    assert lines[0].split() == ["region", "probe", "subject", "status", "age", "why"]
    assert len(lines) == 1 + 2 * len(PROBES) + 1
    (check,) = [line for line in lines if health_side.check("us-west-2") in line]
    assert "  fail " in check
    assert check.endswith("503: it says that it is not healthy")
    assert lines[-1] == (
        "us-east-1 healthy, us-west-2 NOT healthy (check: 503: it says that it is not healthy); all must be healthy"
    )
    assert not [line for line in lines if line != line.rstrip()]


def test_quiet_the_exit_code_tells(health: Any, toml: Path, health_side: HealthSide) -> None:
    assert health("-q") == Result(0, "", "")
    health_side.on("kinesis", Refusal("ResourceNotFoundException"), "us-east-1")
    assert health("-q") == Result(4, "", "")


def test_without_execute_nothing_is_written(health: Any, toml: Path, health_side: HealthSide) -> None:
    assert health("--stage", "john").code == 4
    assert {call.operation for call in health_side.calls} <= READS


def test_with_execute_the_check_table_is_written_in_each_region_and_nothing_else(
    health: Any, toml: Path, health_side: HealthSide
) -> None:
    result = health("--execute", "-o", "json")
    assert (result.code, result.json["executed"]) == (0, True)
    assert statuses(result, "us-west-2")["table write"] == "ok"
    assert {call.operation for call in health_side.calls} - READS == {"dynamodb.PutItem"}
    assert [health_side.count("dynamodb.PutItem", region) for region in REGIONS] == [1, 1]


def test_a_denied_service_costs_its_own_rows(health: Any, toml: Path, health_side: HealthSide) -> None:
    health_side.on("kinesis", DENIED, "us-west-2")
    result = health("-o", "json")
    assert result.code == 4
    assert verdicts(result) == {"us-east-1": "healthy", "us-west-2": "unknown"}
    (row,) = rows(result, region="us-west-2", status="unknown")
    assert (row["probe"], row["why"]) == (
        "stream",
        "access denied. Ask for kinesis:DescribeStreamSummary, or use --role-arn",
    )


def test_a_dead_region_leaves_the_other_alone(health: Any, toml: Path, health_side: HealthSide) -> None:
    for service in ("check", "monitoring", "dynamodb", "kinesis", "sqs", "s3", "cloudformation"):
        health_side.on(service, HANG, "us-west-2")
    result = health("--timeout", "20s", "--require", "any", "-o", "json")
    assert (result.code, result.json["status"]) == (0, "healthy")
    assert verdicts(result) == {"us-east-1": "healthy", "us-west-2": "unknown"}
    assert set(statuses(result, "us-east-1").values()) == {"ok"}
    assert [row["probe"] for row in rows(result, region="us-west-2", status="ok")] == ["health check"]
    assert len(rows(result, region="us-west-2", status="unknown")) == len(PROBES) - 1


def test_silence_is_told_after_three_tries_of_a_second_and_costs_nobody_else(
    health: Any, toml: Path, health_side: HealthSide
) -> None:
    health_side.on("check", HANG, "us-east-1")
    health_side.on("dynamodb.GetItem", HANG)
    health_side.on("sqs", HANG_UP, "us-east-1")
    result = health("--timeout", "10s", "-o", "json")
    silent = {(row["region"], row["probe"]): row["why"] for row in rows(result, status="unknown")}
    assert list(silent) == [
        ("us-east-1", "check"),
        ("us-east-1", "table read"),
        ("us-east-1", "queue"),
        ("us-west-2", "table read"),
    ]
    assert silent["us-east-1", "check"] == "does not answer within 1 s, 3 tries"
    assert silent["us-west-2", "table read"] == "no answer within 1 s, 3 tries"
    assert health_side.count("check.GET", "us-east-1") == health_side.count("sqs.GetQueueUrl", "us-east-1") == 3
    assert len(rows(result, status="ok")) == 2 * len(PROBES) - len(silent)


def test_an_interrupt_ends_it_at_once(cncbops: Cncbops, toml: Path, health_side: HealthSide) -> None:
    health_side.on("check", HANG)
    process = cncbops.start("health", "--timeout", "10m", endpoint=health_side.url)
    health_side.wait_until(lambda: health_side.count("check.GET") > 0)
    process.send_signal(signal.SIGTERM)
    assert cncbops.finish(process) == Result(130, "", "interrupted\n")


def test_credentials_that_are_never_found_hold_up_neither_the_check_nor_the_end(
    health: Any, toml: Path, tmp_path: Path
) -> None:
    never = tmp_path / "never"
    os.mkfifo(never)
    config = tmp_path / "config"
    config.write_text(f"[profile stuck]\ncredential_process = cat {never}\n")
    result = health("--profile", "stuck", "--timeout", "4s", "-o", "json", env={"AWS_CONFIG_FILE": str(config)})
    os.close(os.open(never, os.O_RDWR))  # lets the programs go that wait for credentials
    assert result.code == 4
    assert [row["probe"] for row in rows(result, status="ok")] == ["check", "check"]
    assert {row["why"] for row in rows(result, status="unknown")} == {"no answer within 4 s"}


def test_without_credentials_the_check_is_still_made(health: Any, toml: Path) -> None:
    nobody = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    result = health("-o", "json", env=nobody)
    assert [row["probe"] for row in rows(result, status="ok")] == ["check", "check"]
    assert {row["why"] for row in rows(result, status="unknown")} == {"no usable AWS credentials"}


def test_a_role_is_taken_on_at_the_sts_of_each_region(health: Any, toml: Path, health_side: HealthSide) -> None:
    health_side.on("sts", DENIED, "us-west-2")
    result = health("--role-arn", "arn:aws:iam::000000000000:role/ops", "-o", "json")
    assert [health_side.count("sts.AssumeRole", region) > 0 for region in REGIONS] == [True, True]
    assert set(statuses(result, "us-east-1").values()) == {"ok"}
    assert rows(result, region="us-west-2", probe="stream")[0]["why"].startswith(
        "access denied. Ask for sts:AssumeRole"
    )


def test_route_53_being_away_costs_its_own_rows_only(health: Any, toml: Path, health_side: HealthSide) -> None:
    health_side.on("route53", HANG_UP)
    result = health("-o", "json")
    assert (result.code, verdicts(result)) == (0, dict.fromkeys(REGIONS, "healthy"))
    assert [row["probe"] for row in rows(result, status="unknown")] == ["health check", "health check"]


@pytest.mark.parametrize(
    ("answer", "status", "why"),
    [
        (checked(200, timestamp=1700611200123, region="us-west-2"), "fail", "answers for us-west-2"),
        (checked(200, timestamp=1700611200123, region="us-east-1"), "warn", "200, but its clock is"),
        (checked(403, message="Forbidden"), "unknown", "403: an API key"),
        (HANG_UP, "fail", "the connection is broken off, 3 tries"),
    ],
)
def test_a_check_endpoint_decides_for_its_region(
    health: Any, health_side: HealthSide, answer: Any, status: str, why: str
) -> None:
    health_side.on("check", answer)
    result = health("--check", f"us-east-1={health_side.check('us-east-1')}", "-o", "json")
    (row,) = result.json["rows"]
    assert row["status"] == status
    assert row["why"].startswith(why)
    assert result.code == (0 if status == "warn" else 4)


@pytest.mark.parametrize(("require", "code"), [("all", 4), ("any", 0), ("1", 0), ("2", 4)])
def test_as_many_regions_as_required_make_it_healthy(
    health: Any, toml: Path, health_side: HealthSide, require: str, code: int
) -> None:
    health_side.on("monitoring.DescribeAlarms", {"MetricAlarms": [alarm("john-5xx", "ALARM")]}, "us-east-1")
    result = health("--require", require, "-o", "json")
    assert (result.code, result.json["status"]) == (code, "unhealthy" if code else "healthy")
    assert verdicts(result) == {"us-east-1": "unhealthy", "us-west-2": "healthy"}


def test_what_strangers_wrote_gives_the_terminal_no_orders(health: Any, toml: Path, health_side: HealthSide) -> None:
    told = {"MetricAlarms": [alarm("john-\x1b[2J", "ALARM", "\x1b]0;title\x07 and\nmore")]}
    health_side.on("monitoring.DescribeAlarms", told)
    out = health().out
    assert "\x1b" not in out
    assert "john-\\x1b[2J" in out
