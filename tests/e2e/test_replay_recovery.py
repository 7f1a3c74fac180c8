"""A replay from the copy of a lake that disaster recovery keeps in another account, under another prefix."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import FarSide, StoredObject, function_error
from tests.e2e.replays import Replays, checked
from tests.e2e.servers import Cncbops

ROLE = "arn:aws:iam::210987654321:role/recovery"
UNDER_ROLE = ["--source-role-arn", ROLE]
COOKBOOK = lakes.make_lake(60, 5, per_object=6)
# As the disaster recovery recipe writes them: each event in an object of its own, some without a time.
RECIPE = {
    f"stream1/2018/04/08/03/{json.loads(event)['id']}.json": event.replace(b'"timestamp"', b'"at"') if n % 2 else event
    for n, (_, event) in enumerate(lakes.make_events(20, 3))
}


def copied(lake: Mapping[str, bytes], prefix: str = "") -> dict[str, StoredObject]:
    """What replication makes of a lake, years later and in a cheaper storage class."""
    now = datetime.now(UTC)
    made = {"last_modified": now, "storage_class": "STANDARD_IA", "headers": {"x-amz-replication-status": "REPLICA"}}
    return {f"{prefix}{key}": StoredObject(body, **made) for key, body in lake.items()}  # type: ignore[arg-type]


def records(far_side: FarSide) -> list[dict[str, Any]]:
    """Every record delivered, as it arrived."""
    calls = [call for call in far_side.invocations if call.outcome == "succeeded"]
    found = [record for call in calls for record in json.loads(call.payload)["Records"]]
    return sorted(found, key=lambda record: str(record["eventID"]))


@pytest.mark.parametrize("lake", [COOKBOOK, RECIPE], ids=["cookbook", "recipe"])
@pytest.mark.parametrize("prefix", ["", "us-east-1/"])
def test_the_copy_gives_the_same_records_as_the_lake(
    prefix: str, lake: dict[str, bytes], far_side: FarSide, replays: Replays
) -> None:
    far_side.add_bucket("lake", lake)
    far_side.add_bucket("copy", copied(lake, prefix), role=ROLE)
    far_side.add_function("fn")
    replays.execute()
    of_the_lake = records(far_side)
    run = replays.execute(*UNDER_ROLE, sources=[f"s3://copy/{prefix}"])
    assert (run.status, run.events["delivered"]) == ("succeeded", len(of_the_lake))
    assert records(far_side) == sorted(of_the_lake * 2, key=lambda record: str(record["eventID"]))


def test_without_the_role_the_copy_is_refused_and_with_it_functions_are_still_our_own(
    far_side: FarSide, replays: Replays
) -> None:
    far_side.add_bucket("copy", copied(COOKBOOK), role=ROLE)
    far_side.add_function("fn")
    refused = replays.plan(sources=["s3://copy/"])
    assert (refused.code, refused.summary["error"]["what"]) == (1, "cannot list s3://copy/: access denied")
    assert replays.plan(*UNDER_ROLE, sources=["s3://copy/"]).code == 0
    asked = list(zip(far_side.requests, far_side.callers, strict=True))
    assert {caller for request, caller in asked if "/functions/fn" in request} == {"test"}


def test_what_a_run_or_a_plan_was_made_under_is_what_it_goes_on_under(
    far_side: FarSide, replays: Replays, cncbops: Cncbops, tmp_path: Path
) -> None:
    far_side.add_bucket("copy", copied(COOKBOOK), role=ROLE)
    far_side.add_function("fn", lambda _payload, _context: function_error("Error", "broken"))
    plan = tmp_path / "plan"
    assert replays.plan(*UNDER_ROLE, "--save-plan", plan, "--max-attempts", "1", sources=["s3://copy/"]).code == 0
    failed = checked(cncbops("replay", "--plan", plan, "--execute", "-o", "json", endpoint=far_side.url))
    assert (failed.code, failed.events["failed"]) == (3, 60)
    far_side.add_function("fn")
    redriven = cncbops("runs", "redrive", failed.summary["run_id"], "--execute", "-o", "json", endpoint=far_side.url)
    assert (redriven.code, redriven.json["events"]["delivered"]) == (0, 60)
    assert len(far_side.delivered()) == 60
