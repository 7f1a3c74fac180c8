"""The harness itself works: what the end-to-end tests stand on answers boto3 as AWS would."""

import base64
import json
import os
import re
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.e2e import lakes
from tests.e2e.far_side import (
    FarSide,
    StoredObject,
    close_after_running,
    function_error,
    ok,
    service_error,
    throttled,
)
from tests.e2e.servers import Cncbops, Process, client


def kinesis_payload(*records: tuple[str, bytes], sequence: int = 1) -> bytes:
    kinesis = [
        {"partitionKey": key, "sequenceNumber": str(sequence + at), "data": base64.b64encode(data).decode()}
        for at, (key, data) in enumerate(records)
    ]
    return json.dumps({"Records": [{"kinesis": each} for each in kinesis]}).encode()


def listed(s3: Any, **request: Any) -> tuple[list[str], list[str], int]:
    """Keys, common prefixes and the number of pages of a listing."""
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket="lake", **request))
    keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
    return keys, [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", [])], len(pages)


# The far side: S3


def test_a_listing_of_more_than_a_thousand_keys_comes_in_pages_in_order(far_side: FarSide) -> None:
    keys = [f"john/{number:05}" for number in range(2300)]
    far_side.add_bucket("lake", dict.fromkeys(reversed(keys), b"x") | {"other/1": b"x"})
    s3 = client("s3", far_side.url)
    assert listed(s3, Prefix="john/") == (keys, [], 3)
    assert listed(s3, Prefix="john/", StartAfter="john/02297")[0] == keys[2298:]


def test_a_listing_rolls_up_common_prefixes_across_pages(far_side: FarSide) -> None:
    keys = [f"{day}/{number}" for day in ("01", "02", "03") for number in range(4)] + ["z"]
    far_side.add_bucket("lake", dict.fromkeys(keys, b"") | {"02/": b""})
    s3 = client("s3", far_side.url)
    two_a_page = {"PageSize": 2}
    assert listed(s3, Delimiter="/", PaginationConfig=two_a_page) == (["z"], ["01/", "02/", "03/"], 2)
    assert listed(s3, Delimiter="/", Prefix="02/")[0] == ["02/", "02/0", "02/1", "02/2", "02/3"]


def test_hostile_keys_are_listed_and_read_as_they_are(far_side: FarSide) -> None:
    lake = {key: key.encode() for key in lakes.HOSTILE_OBJECT_KEYS}
    far_side.add_bucket("lake", lake)
    s3 = client("s3", far_side.url)
    keys, _, _ = listed(s3, Prefix="lake/")
    assert keys == sorted(lake, key=str.encode)
    assert {key: s3.get_object(Bucket="lake", Key=key)["Body"].read() for key in keys} == lake


def test_an_object_is_read_by_range_and_refused_when_it_changed(far_side: FarSide) -> None:
    far_side.add_bucket("lake", {"a": StoredObject(b"0123456789", content_encoding="gzip")})
    s3 = client("s3", far_side.url)
    head = s3.head_object(Bucket="lake", Key="a")
    assert (head["ContentLength"], head["ContentEncoding"]) == (10, "gzip")
    for wanted, body in (("bytes=2-4", b"234"), ("bytes=7-", b"789"), ("bytes=-2", b"89")):
        part = s3.get_object(Bucket="lake", Key="a", Range=wanted, IfMatch=head["ETag"])
        assert (part["Body"].read(), part["ResponseMetadata"]["HTTPStatusCode"]) == (body, 206)
    far_side.add_bucket("lake", {"a": b"changed"})
    with pytest.raises(ClientError) as refused:
        s3.get_object(Bucket="lake", Key="a", IfMatch=head["ETag"])
    assert refused.value.response["Error"]["Code"] == "PreconditionFailed"


def test_what_is_not_there_is_refused_in_the_words_of_s3(far_side: FarSide) -> None:
    far_side.add_bucket("lake", {"gone": StoredObject(b"", vanished=True)})
    s3 = client("s3", far_side.url)
    assert listed(s3)[0] == ["gone"]
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket="lake", Key="gone")
    with pytest.raises(s3.exceptions.NoSuchBucket):
        s3.list_objects_v2(Bucket="elsewhere")
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket="lake", Key="new", Body=b"x")
    assert refused.value.response["Error"]["Code"] == "MethodNotAllowed"


def test_a_folder_is_served_as_a_bucket(far_side: FarSide, tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c d").write_bytes(b"from disk")
    far_side.add_bucket("lake", tmp_path)
    s3 = client("s3", far_side.url)
    assert listed(s3)[0] == ["a/b/c d"]
    assert s3.get_object(Bucket="lake", Key="a/b/c d")["Body"].read() == b"from disk"


# The far side: Lambda and STS


def test_a_sync_invocation_runs_the_function_and_keeps_its_records(far_side: FarSide) -> None:
    far_side.add_function("fn", lambda payload, context: ok([len(payload["Records"]), context.number]))
    lambda_ = client("lambda", far_side.url)
    payload = kinesis_payload(("a", b'{"x":1.0}'), ("b", b"\xff"), ("a", b"2"))
    arn = "arn:aws:lambda:us-east-1:123456789012:function:fn"
    answers = [lambda_.invoke(FunctionName=name, Payload=payload) for name in ("fn", arn)]
    assert [json.loads(answer["Payload"].read()) for answer in answers] == [[3, 0], [3, 1]]
    assert [answer["StatusCode"] for answer in answers] == [200, 200]
    assert far_side.delivered_data() == [b'{"x":1.0}', b"\xff", b"2"] * 2
    assert far_side.by_key() == {"a": [b'{"x":1.0}', b"2"] * 2, "b": [b"\xff"] * 2}
    assert far_side.invocations[0].payload == payload
    assert far_side.overlaps_within_key() == []


def test_an_async_invocation_is_accepted_before_the_function_ends(far_side: FarSide) -> None:
    far_side.add_function("fn", lambda _payload, _context: ok().after(0.5))
    answer = client("lambda", far_side.url).invoke(
        FunctionName="fn", InvocationType="Event", Payload=kinesis_payload(("a", b"1"))
    )
    assert (answer["StatusCode"], far_side.delivered_data()) == (202, [])
    far_side.wait_until(lambda: far_side.in_flight == 0)
    assert far_side.delivered_data() == [b"1"]


def test_a_dry_run_runs_nothing(far_side: FarSide) -> None:
    far_side.add_function("fn")
    far_side.add_function("closed", refuse=service_error("AccessDeniedException", 403))
    lambda_ = client("lambda", far_side.url)
    assert lambda_.invoke(FunctionName="fn", InvocationType="DryRun", Payload=b"{}")["StatusCode"] == 204
    with pytest.raises(ClientError) as refused:
        lambda_.invoke(FunctionName="closed", InvocationType="DryRun", Payload=b"{}")
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    assert [call.outcome for call in far_side.invocations] == ["dry-run", "refused"]
    assert far_side.max_concurrency == 0


def test_a_throttle_is_parsed_as_such_with_its_reason(far_side: FarSide) -> None:
    far_side.add_function("fn", lambda _payload, _context: throttled(retry_after=7))
    lambda_ = client("lambda", far_side.url)
    with pytest.raises(lambda_.exceptions.TooManyRequestsException) as refused:
        lambda_.invoke(FunctionName="fn", Payload=kinesis_payload(("a", b"1")))
    assert refused.value.response["Reason"] == "ConcurrentInvocationLimitExceeded"
    assert refused.value.response["retryAfterSeconds"] == "7"
    assert refused.value.response["Error"]["Message"] == "Rate Exceeded."
    assert far_side.delivered_data() == []


def test_reserved_concurrency_is_kept(far_side: FarSide) -> None:
    far_side.add_function("fn", reserved_concurrency=0)
    lambda_ = client("lambda", far_side.url)
    assert lambda_.get_function_concurrency(FunctionName="fn")["ReservedConcurrentExecutions"] == 0
    with pytest.raises(lambda_.exceptions.TooManyRequestsException) as refused:
        lambda_.invoke(FunctionName="fn", Payload=b"{}")
    assert refused.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_a_function_that_raises_answers_200_with_the_error_header(far_side: FarSide) -> None:
    far_side.add_function("fn", lambda _payload, _context: function_error("ValueError", "no such thing"))
    answer = client("lambda", far_side.url).invoke(FunctionName="fn", Payload=kinesis_payload(("a", b"1")))
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert json.loads(answer["Payload"].read())["errorType"] == "ValueError"
    assert [call.outcome for call in far_side.invocations] == ["failed"]


def test_a_mistake_in_a_handler_is_kept_for_the_test() -> None:
    with FarSide() as server:
        server.add_function("fn", lambda payload, _context: payload["nothing"])
        with pytest.raises(ClientError):
            client("lambda", server.url).invoke(FunctionName="fn", Payload=b"{}")
        assert [type(problem) for problem in server.errors] == [KeyError]


def test_a_closed_connection_leaves_the_outcome_unknown(far_side: FarSide) -> None:
    far_side.add_function("fn", lambda _payload, _context: close_after_running())
    with pytest.raises(ConnectionClosedError):
        client("lambda", far_side.url).invoke(FunctionName="fn", Payload=kinesis_payload(("a", b"1")))
    far_side.wait_until(lambda: far_side.in_flight == 0)
    assert [(call.outcome, call.ran) for call in far_side.invocations] == [("unknown", True)]
    assert far_side.delivered_data() == []


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"FunctionName": "none", "Payload": b"{}"}, "ResourceNotFoundException"),
        ({"FunctionName": "fn", "Payload": b"{"}, "InvalidRequestContentException"),
        ({"FunctionName": "fn", "Payload": b'"%b"' % (b"x" * 6_291_456)}, "RequestTooLargeException"),
        (
            {"FunctionName": "fn", "InvocationType": "Event", "Payload": b'"%b"' % (b"x" * 1_048_576)},
            "RequestTooLargeException",
        ),
    ],
    ids=["no such function", "not JSON", "too large for sync", "too large for async"],
)
def test_lambda_refuses_what_aws_refuses(far_side: FarSide, request_: dict[str, Any], code: str) -> None:
    far_side.add_function("fn")
    with pytest.raises(ClientError) as refused:
        client("lambda", far_side.url).invoke(**request_)
    assert refused.value.response["Error"]["Code"] == code
    assert far_side.delivered_data() == []


def test_sixteen_invocations_run_side_by_side(far_side: FarSide) -> None:
    together = threading.Barrier(16, timeout=60)

    def handler(_payload: object, _context: object) -> Any:
        together.wait()
        return ok()

    far_side.add_function("fn", handler)
    lambda_ = client("lambda", far_side.url, max_pool_connections=16)
    with ThreadPoolExecutor(16) as pool:
        payloads = [kinesis_payload((f"key-{number // 2}", b"%d" % number)) for number in range(16)]
        list(pool.map(lambda payload: lambda_.invoke(FunctionName="fn", Payload=payload), payloads))
    assert far_side.max_concurrency == 16
    overlapping = {key for key, _, _ in far_side.overlaps_within_key()}
    assert overlapping == {f"key-{number}" for number in range(8)}


def test_a_function_is_described_as_the_test_set_it_up(far_side: FarSide) -> None:
    mapping = {"BatchSize": 7, "FunctionResponseTypes": ["ReportBatchItemFailures"]}
    far_side.add_function("fn", configuration={"Timeout": 900, "State": "Pending"}, mappings=[mapping])
    far_side.add_function("other", mappings=[{}])
    lambda_ = client("lambda", far_side.url)
    assert lambda_.get_function_configuration(FunctionName="fn")["Timeout"] == 900
    assert lambda_.get_function(FunctionName="fn")["Configuration"]["State"] == "Pending"
    assert [each["FunctionName"] for each in lambda_.list_functions()["Functions"]] == ["fn", "other"]
    (found,) = lambda_.list_event_source_mappings(FunctionName="fn")["EventSourceMappings"]
    assert mapping.items() <= found.items()
    assert len(lambda_.list_event_source_mappings()["EventSourceMappings"]) == 2
    assert "ReservedConcurrentExecutions" not in lambda_.get_function_concurrency(FunctionName="fn")
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException):
        lambda_.get_function_event_invoke_config(FunctionName="fn")


def test_the_far_side_says_who_calls(far_side: FarSide) -> None:
    assert client("sts", far_side.url).get_caller_identity()["Account"] == "123456789012"


# Lakes


def test_a_lake_is_the_same_for_the_same_seed_and_holds_its_events_verbatim() -> None:
    lake = lakes.make_lake(25, 4, 10, seed=3, shards=2)
    assert lake == lakes.make_lake(25, 4, 10, seed=3, shards=2) != lakes.make_lake(25, 4, 10, seed=4, shards=2)
    assert list(lake) == sorted(lake)
    lines = [line for body in lake.values() for line in body.splitlines()]
    assert [len(body.splitlines()) for body in lake.values()] == [10, 10, 5]
    for (key, event), line in zip(lakes.make_events(25, 4, seed=3), lines, strict=True):
        assert json.loads(line)["kinesisRecordMetadata"]["partitionKey"] == key
        assert b'{"event":' + event + b"," in line
    shards = {json.loads(line)["kinesisRecordMetadata"]["shardId"] for line in lines}
    assert shards == {"shardId-000000000000", "shardId-000000000001"}


def test_lake_keys_have_the_shape_that_firehose_gives_them() -> None:
    shape = (
        r"john-cncb-event-stream-s1/2018/04/08/03/[A-Za-z0-9-]+-1-2018-04-08-03-53-28-"
        r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    )
    keys = [lakes.firehose_key(index=index) for index in range(3)]
    assert all(re.fullmatch(shape, key) for key in keys)
    assert len(set(keys)) == 3


def test_hostile_events_are_single_lines_of_legal_json() -> None:
    events = lakes.hostile_events()
    assert len(events) == len(set(events))
    for number, event in enumerate(events):
        assert b"\n" not in event
        assert isinstance(json.loads(event)["type"], str)
        for line, member in (
            (lakes.envelope(event, "key", number), "event"),
            (lakes.envelope_without_kinesis(event, number), "event"),
            (lakes.eventbridge(event, "thing-created", str(number)), "detail"),
        ):
            assert json.loads(line)[member] == json.loads(event)
            assert b'"%b":%b' % (member.encode(), event) in line
        assert base64.b64decode(json.loads(lakes.firehose_error(event))["rawData"]) == event


# The command


def test_the_command_sees_no_environment_but_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    program = (sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))")
    result = Cncbops(tmp_path, program)(endpoint="http://127.0.0.1:1", env={"NO_COLOR": "1"})
    expected = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_REGION": "us-east-1",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "CNCBOPS_STATE_DIR": str(tmp_path / "state"),
        "HOME": str(tmp_path),
        "NO_COLOR": "1",
        "PATH": os.environ["PATH"],
    }
    assert {name: value for name, value in result.json.items() if name != "LC_CTYPE"} == expected
    assert (result.code, result.err) == (0, "")


@pytest.mark.parametrize("out", ["", "{}{}", "{} extra", '{"a": NaN}', "\x1b[1m{}"])
def test_anything_but_one_json_document_fails_the_test(tmp_path: Path, out: str) -> None:
    result = Cncbops(tmp_path, (sys.executable, "-c", f"print({out!r})"))()
    with pytest.raises(AssertionError, match="not one JSON document"):
        result.json  # noqa: B018 - reading it is the act


def test_a_started_command_can_be_interrupted(tmp_path: Path) -> None:
    program = (sys.executable, "-c", "import signal; print('ready', flush=True); signal.pause()")
    command = Cncbops(tmp_path, program)
    process = command.start()
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    result = command.finish(process)
    assert (result.code, "KeyboardInterrupt" in result.err) == (-signal.SIGINT, True)


def test_a_command_that_was_forked_can_be_interrupted_and_killed_and_must_not_hang(
    cncbops: Cncbops, far_side: FarSide
) -> None:
    far_side.hold("GET /2015-03-31/functions/fn")

    def begun() -> Process:
        before = len(far_side.requests)
        process = cncbops.start("replay", "s3://lake/", "-f", "fn", endpoint=far_side.url)
        far_side.wait_until(lambda: len(far_side.requests) > before)
        assert process.poll() is None
        return process

    interrupted, killed, hangs = begun(), begun(), begun()
    interrupted.send_signal(signal.SIGINT)
    assert cncbops.finish(interrupted).code == 130
    killed.kill()
    assert cncbops.finish(killed).code == -signal.SIGKILL
    with pytest.raises(AssertionError, match="still running"):
        cncbops.finish(hangs, timeout_s=0.2)
    assert hangs.poll() == -signal.SIGKILL


def test_a_command_that_hangs_is_killed_and_fails_the_test(tmp_path: Path) -> None:
    command = Cncbops(tmp_path, (sys.executable, "-c", "import signal; signal.pause()"))
    with pytest.raises(AssertionError, match="still running"):
        command(timeout_s=0.5)


# ministack


@pytest.mark.parametrize(
    ("runtime", "source"),
    [
        ("python3.11", "def handler(event, context):\n    return {'took': event['n'] + 1}\n"),
        ("nodejs20.x", "exports.handler = async (event) => ({ took: event.n + 1 });\n"),
    ],
)
def test_ministack_runs_functions(
    runtime: str, source: str, unique: str, lambda_: Any, deploy_function: Callable[..., str]
) -> None:
    arn = deploy_function(unique, source, runtime)
    answer = lambda_.invoke(FunctionName=arn, Payload=b'{"n": 41}')
    assert "FunctionError" not in answer
    assert json.loads(answer["Payload"].read()) == {"took": 42}


def test_ministack_keeps_a_lake(unique: str, s3: Any) -> None:
    lake = lakes.make_lake(30, 3, 10)
    s3.create_bucket(Bucket=unique)
    for key, body in lake.items():
        s3.put_object(Bucket=unique, Key=key, Body=body)
    found = [each["Key"] for each in s3.list_objects_v2(Bucket=unique)["Contents"]]
    assert {key: s3.get_object(Bucket=unique, Key=key)["Body"].read() for key in found} == lake
