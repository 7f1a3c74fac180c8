"""Replays into functions that really run, from a lake that a real pipeline made, over a wire with faults."""

import base64
import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cncbops.sandbox.clients import Clients, connect
from cncbops.sandbox.functions import deploy, function_source
from cncbops.sandbox.inspection import drained, expected_view, lake_keys, view
from cncbops.sandbox.seed import SandboxContents, seed
from cncbops.sandbox.traffic import Event, encode, publish, sample_events
from cncbops.sandbox.waiting import wait_until
from tests.e2e import lakes
from tests.e2e.replays import Run, checked
from tests.e2e.servers import Cncbops, client

Deploy = Callable[..., str]
EVENTS = lakes.make_events(60, 5, seed=9)
POISON = json.loads(EVENTS[17][1])["id"]

# Each writes what it is given to a file of the test, a line for each invocation.
PYTHON = """
import base64, json
def handler(event, context):
    events = [base64.b64decode(record["kinesis"]["data"]).decode() for record in event["Records"]]
    if any({poison!r} in each for each in events):
        raise ValueError("poison")
    with open({path!r}, "a") as written:
        written.write(json.dumps(event["Records"]) + "\\n")
    return {{"batchItemFailures": []}}
"""
NODE = """
const fs = require("fs");
exports.handler = async (event) => {{
  const events = event.Records.map((record) => Buffer.from(record.kinesis.data, "base64").toString());
  if (events.some((each) => each.includes({poison!r}))) throw new TypeError("poison");
  fs.appendFileSync({path!r}, JSON.stringify(event.Records) + "\\n");
  return "success";
}};
"""


def data_written(path: Path) -> list[bytes]:
    lines = path.read_text().splitlines()
    return [base64.b64decode(record["kinesis"]["data"]) for line in lines for record in json.loads(line)]


@pytest.fixture
def bucket(unique: str, s3: Any) -> str:
    """A bucket with EVENTS."""
    s3.create_bucket(Bucket=unique)
    for key, body in lakes.lake_of(EVENTS, 20).items():
        s3.put_object(Bucket=unique, Key=key, Body=body)
    return unique


@pytest.fixture
def replay(cncbops: Cncbops, ministack: str) -> Callable[..., Run]:
    """`replay(source, function, ...)` executes one against ministack."""

    def run(source: str, function: str, *arguments: str, endpoint: str = ministack) -> Run:
        told = ("replay", source, "-f", function, "--execute", "-o", "json", *arguments)
        return checked(cncbops(*told, endpoint=endpoint))

    return run


@pytest.mark.parametrize(
    ("runtime", "source"), [("python3.11", PYTHON), ("nodejs20.x", NODE)], ids=["Python", "Node.js"]
)
def test_a_function_of_any_runtime_gets_all_but_the_event_it_fails_on(
    runtime: str,
    source: str,
    bucket: str,
    deploy_function: Deploy,
    replay: Callable[..., Run],
    tmp_path: Path,
) -> None:
    path = tmp_path / "written"
    deploy_function(bucket, source.format(path=str(path), poison=POISON), runtime)
    run = replay(f"s3://{bucket}/", bucket, "--batch-size", "10", "--max-attempts", "2", "--concurrency", "2")
    assert Counter(data_written(path)) == Counter(event for _, event in EVENTS if POISON.encode() not in event)
    (failure,) = run.failures
    assert (failure["event_id"], failure["message"]) == (POISON, "poison")
    assert (run.code, run.events["delivered"], run.events["failed"]) == (3, 59, 1)


def after_an_incident(clients: Clients) -> tuple[SandboxContents, list[Event]]:
    """A stream, its lake and a listener whose view lost the second half of these events to a bad deployment."""
    contents, events = seed(clients), sample_events(80, until_ms=1_700_000_000_000)
    for version, part in (("listener", events[:40]), ("listener_broken", events[40:])):
        deploy(clients, contents.listener, function_source(version))
        taken = partial(drained, clients, publish(clients, part))
        wait_until(taken, 30, what="the listener")
    wait_until(lambda: len(lake_keys(clients)) >= len(events), 30, what="the lake")
    deploy(clients, contents.listener, function_source("listener"))
    return contents, events


@pytest.mark.rehearsal
def test_the_lake_of_a_real_pipeline_repairs_what_a_broken_listener_lost(
    ministack: str, deploy_function: Deploy, replay: Callable[..., Run], unique: str, tmp_path: Path
) -> None:
    clients = connect(ministack)
    contents, events = after_an_incident(clients)
    assert view(clients) != expected_view(events)
    run = replay(contents.lake_uri, contents.listener)
    assert view(clients) == expected_view(events)
    assert (run.status, run.events["delivered"]) == ("succeeded", 80)

    path = tmp_path / "written"
    deploy_function(unique, PYTHON.format(path=str(path), poison="none such"))
    replay(contents.lake_uri, unique)
    assert Counter(data_written(path)) == Counter(map(encode, events))
    records = [record for line in path.read_text().splitlines() for record in json.loads(line)]
    assert {record["eventSourceARN"] for record in records} == {contents.stream_arn}
    keys = {record["kinesis"]["data"]: record["kinesis"]["partitionKey"] for record in records}
    assert keys == {base64.b64encode(encode(event)).decode(): event["partitionKey"] for event in events}


def test_a_stream_in_place_of_a_function_is_told_as_such(unique: str, ministack: str, cncbops: Cncbops) -> None:
    client("kinesis", ministack).create_stream(StreamName=unique, ShardCount=1)
    result = cncbops("replay", "s3://lake/", "-f", unique, endpoint=ministack)
    assert (result.code, result.out) == (2, "")
    assert f"{unique} is a Kinesis stream, not a function" in result.err
    assert len(result.err.splitlines()) == 1


@pytest.mark.rehearsal
def test_throttling_and_resets_on_the_wire_lose_nothing_and_double_nothing_unsaid(
    bucket: str,
    deploy_function: Deploy,
    replay: Callable[..., Run],
    ministack: str,
    microburst: Callable[..., Any],
    tmp_path: Path,
) -> None:
    path = tmp_path / "written"
    deploy_function(bucket, PYTHON.format(path=str(path), poison="none such"))
    invoke = {"service": "lambda", "operation": "Invoke", "headers": {"X-Amz-Invocation-Type": "RequestResponse"}}
    fields = {"Reason": "CallerRateLimitExceeded"}
    proxy = microburst(
        ministack,
        [
            invoke | {"times": 3, "error": {"code": "TooManyRequestsException", "status": 429, "fields": fields}},
            invoke | {"times": 2, "error": {"code": "ServiceException", "status": 500}},
            invoke | {"times": 2, "reset": True},
            invoke | {"times": 1, "response": {"abort_frac": 0.5}},
        ],
    )
    options = ("--batch-size", "10", "--concurrency", "2", "--max-attempts", "9")
    run = replay(f"s3://{bucket}/", bucket, *options, endpoint=proxy.url)
    written = Counter(data_written(path))
    assert set(written) == {event for _, event in EVENTS}
    assert run.events.items() >= {"delivered": 60, "failed": 0, "unknown": 0}.items()
    calls = run.summary["invocations"]
    assert calls.items() >= {"throttled": 3, "failed": 2, "unknown": 3, "retried": 8}.items()
    doubled = sum(count - 1 for count in written.values())
    assert 0 < doubled <= run.events["possible_duplicates"]
    assert len(proxy.fired()) == 8
