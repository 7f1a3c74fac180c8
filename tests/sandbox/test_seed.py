import base64
import json
import runpy
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cncbops.errors import CannotRun
from cncbops.sandbox.clients import Clients, connect
from cncbops.sandbox.functions import deploy, function_source
from cncbops.sandbox.inspection import drained, expected_view, lake_keys, view
from cncbops.sandbox.seed import SandboxContents, seed
from cncbops.sandbox.server import REGION, running
from cncbops.sandbox.traffic import Event, encode, publish, sample_events
from cncbops.sandbox.waiting import wait_until

SAMPLE = sample_events(160, until_ms=1_700_000_000_000)
# What no JSON library gives back as it was: number forms, a repeated key, escapes, white space.
ODD = (
    rb'{"id":"odd-1", "type":"odd-made", "partitionKey":"odd", "a":1.50, "a":1E2,'
    rb' "n":123456789012345678901234567890, "s":"\u00e9\/", "event":{"firehoseRecordMetadata":0}}'
)


@dataclass
class Sandbox:
    clients: Clients
    contents: SandboxContents
    published: list[Event] = field(default_factory=list)

    def publish(self, events: list[Event]) -> None:
        """Publish, and return when the lake is complete and the listener has taken all."""
        positions = publish(self.clients, events)
        self.published += events
        in_lake = len(self.published) + 1  # and the odd one
        wait_until(lambda: len(lake_keys(self.clients)) >= in_lake, 20, what="the lake")
        wait_until(lambda: drained(self.clients, positions), 20, what="the listener")

    def lake_lines(self) -> list[bytes]:
        bucket = self.contents.bucket
        return [self.clients.s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in lake_keys(self.clients)]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running(tmp_path_factory.mktemp("sandbox")) as server:
        clients = connect(server.endpoint_url)
        built = Sandbox(clients, seed(clients))
        clients.kinesis.put_record(StreamName=built.contents.stream, Data=ODD, PartitionKey="odd")
        built.publish(SAMPLE[:100])
        yield built


def unwrapped(line: bytes) -> bytes:
    assert line.startswith(b'{"event":')
    assert line.endswith(b"}\n")
    return line[len(b'{"event":') :].rpartition(b',"firehoseRecordMetadata":')[0]


def as_records(lines: list[bytes], stream_arn: str) -> list[dict[str, Any]]:
    return [
        {
            "kinesis": {"sequenceNumber": str(number), "data": base64.b64encode(unwrapped(line)).decode()},
            "eventID": f"shardId-000000000000:{number}",
            "eventSourceARN": stream_arn,
        }
        for number, line in enumerate(lines)
    ]


@pytest.mark.rehearsal
def test_the_lake_holds_every_event_byte_for_byte(sandbox: Sandbox) -> None:
    lines = sandbox.lake_lines()
    assert Counter(map(unwrapped, lines)) == Counter([ODD, *map(encode, sandbox.published)])
    envelopes = [json.loads(line) for line in lines]
    assert {envelope["firehoseRecordMetadata"]["region"] for envelope in envelopes} == {REGION}
    assert {key[: len(sandbox.contents.prefix)] for key in lake_keys(sandbox.clients)} == {"john-cncb-event-stream-s1/"}


@pytest.mark.rehearsal
def test_the_listener_materializes_the_view(sandbox: Sandbox) -> None:
    assert view(sandbox.clients) == expected_view(sandbox.published)


@pytest.mark.rehearsal
def test_a_broken_deploy_loses_updates_without_an_error_and_a_replay_brings_them_back(
    sandbox: Sandbox,
) -> None:
    clients, contents = sandbox.clients, sandbox.contents
    before = view(clients)
    deploy(clients, contents.listener, function_source("listener_broken"))
    sandbox.publish(SAMPLE[100:])

    wanted, stale = expected_view(sandbox.published), view(clients)
    lost = {thing for thing, row in wanted.items() if stale[thing] != row}
    updated_last = {thing for thing, row in wanted.items() if row.type == "thing-updated"}
    assert lost == {thing for thing in updated_last if wanted[thing] != before.get(thing)}
    assert len(lost) > 10
    mapping = clients.lambda_.get_event_source_mapping(UUID=contents.mapping_id)
    assert mapping["LastProcessingResult"].startswith("OK")

    deploy(clients, contents.listener, function_source("listener"))
    assert view(clients) == stale
    records = as_records(sandbox.lake_lines(), contents.stream_arn)
    answer = clients.lambda_.invoke(FunctionName=contents.listener, Payload=json.dumps({"Records": records}).encode())
    assert "FunctionError" not in answer
    assert view(clients) == wanted


@pytest.mark.rehearsal
def test_a_deploy_keeps_the_environment_unless_one_is_given(sandbox: Sandbox, tmp_path: Path) -> None:
    source = tmp_path / "echo.py"
    source.write_text("import os\ndef handler(event, _): return {'says': os.environ['GREETING']}")

    def answer() -> Any:
        return json.loads(sandbox.clients.lambda_.invoke(FunctionName="echo")["Payload"].read())

    deploy(sandbox.clients, "echo", source, environment={"GREETING": "hello"})
    assert answer() == {"says": "hello"}
    source.write_text("import os\ndef handler(event, _): return {'answers': os.environ['GREETING']}")
    deploy(sandbox.clients, "echo", source)
    assert answer() == {"answers": "hello"}
    deploy(sandbox.clients, "echo", source, environment={"GREETING": "goodbye"})
    assert answer() == {"answers": "goodbye"}


@pytest.mark.rehearsal
def test_a_position_the_listener_has_not_reached_is_not_drained(sandbox: Sandbox) -> None:
    assert not drained(sandbox.clients, {"shardId-000000000000": "9" * 56})


@pytest.mark.rehearsal
def test_no_profile_or_proxy_of_the_user_leads_away_from_the_sandbox(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    for name in ("AWS_ENDPOINT_URL", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    clients = connect(sandbox.clients.s3.meta.endpoint_url)
    assert lake_keys(clients) == lake_keys(sandbox.clients)


def test_sample_events_are_the_same_each_time_and_told_apart_by_id() -> None:
    events = sample_events(300, until_ms=1_700_000_000_000)
    assert events == sample_events(300, until_ms=1_700_000_000_000)
    assert len({event["id"] for event in events}) == 300
    assert set(Counter(event["type"] for event in events)) == {
        "thing-created",
        "thing-updated",
        "thing-deleted",
        "order-submitted",
    }
    assert len(expected_view(events)) == 40


def test_sample_events_fill_the_last_48_minutes_in_order() -> None:
    stamps = [event["timestamp"] for event in sample_events(300, until_ms=1_700_000_000_000)]
    assert stamps == sorted(set(stamps))
    assert stamps[-1] == 1_700_000_000_000
    assert 0 < stamps[0] - (stamps[-1] - 48 * 60_000) <= 9_600
    assert sample_events(0, until_ms=1_700_000_000_000) == []


@pytest.mark.parametrize(
    ("raw", "result", "start"),
    [
        (
            ODD,
            "Ok",
            b'{"event":' + ODD + b',"kinesisRecordMetadata":{"shardId":"s"},"firehoseRecordMetadata":{',
        ),
        (b'{\n"a": 1\n}\n', "Ok", b'{"event":{ "a": 1 },"kinesisRecordMetadata":'),
        (b"not json", "ProcessingFailed", b"not json"),
    ],
)
def test_the_transformer_splices_json_and_hands_back_the_rest(raw: bytes, result: str, start: bytes) -> None:
    record = {
        "recordId": "r-1",
        "data": base64.b64encode(raw).decode(),
        "approximateArrivalTimestamp": 1_700_000_000_000,
        "kinesisRecordMetadata": {"shardId": "s"},
    }
    request = {"invocationId": "i", "deliveryStreamArn": "arn", "region": REGION, "records": [record]}
    [answer] = runpy.run_path(str(function_source("transformer")))["handler"](request, None)["records"]
    assert (answer["recordId"], answer["result"]) == ("r-1", result)
    assert base64.b64decode(answer["data"]).startswith(start)


def test_waiting_for_what_never_comes_ends_and_says_for_what() -> None:
    began = time.monotonic()
    with pytest.raises(CannotRun, match=r"the lake did not happen within 0\.05 s"):
        wait_until(lambda: False, 0.05, what="the lake", every_s=0.01)
    assert time.monotonic() - began < 5
