"""The sandbox's faults: a listener that publishes them, a monitor that stores them, a fix to send them to again."""

import base64
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cncbops.faults.decoding import decode_fault
from cncbops.faults.fault import Fault, Records
from cncbops.sandbox.clients import Clients, connect
from cncbops.sandbox.functions import deploy, function_source
from cncbops.sandbox.inspection import Thing, expected_view, fault_keys, faults_published, lake_keys, view
from cncbops.sandbox.pipeline import run_through, run_through_an_incident
from cncbops.sandbox.seed import SandboxContents, seed
from cncbops.sandbox.server import running
from cncbops.sandbox.traffic import Event, encode, sample_events
from cncbops.sandbox.waiting import wait_until

SAMPLE = sample_events(100, until_ms=1_700_000_000_000)
BEFORE, DURING = SAMPLE[:60], SAMPLE[60:]
FAILING = [event for event in DURING if event["type"].startswith("thing-") and not event["thing"]["name"].isascii()]
# A second function on the stream, which writes down what such a function is given.
WITNESS = """
import json, os
def handler(event, _):
    with open(os.environ["WRITTEN"], "a") as written:
        written.writelines(json.dumps(record) + "\\n" for record in event["Records"])
"""


@dataclass(frozen=True)
class Incident:
    """What an incident left: the stored documents by key, each decoded, and the view as it was then."""

    clients: Clients
    contents: SandboxContents
    documents: dict[str, bytes]
    faults: list[Fault]
    lake: list[bytes]
    view: dict[str, Thing]
    given: list[bytes]


@pytest.fixture(scope="module")
def incident(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Incident]:
    folder = tmp_path_factory.mktemp("sandbox")
    with running(folder) as server:
        clients = connect(server.endpoint_url)
        contents = seed(clients)
        witness = witness_of(clients, contents, folder)
        run_through(clients, BEFORE)
        run_through_an_incident(clients, DURING)
        documents = {key: stored(clients, contents, key)["Body"].read() for key in fault_keys(clients)}
        wait_until(lambda: len(lines(witness)) == len(SAMPLE) + len(documents), 20, what="the witness")
        faults = [fault for document in documents.values() for fault in decoded(document)]
        yield Incident(clients, contents, documents, faults, lake(clients, contents), view(clients), lines(witness))


def lake(clients: Clients, contents: SandboxContents) -> list[bytes]:
    return [clients.s3.get_object(Bucket=contents.bucket, Key=key)["Body"].read() for key in lake_keys(clients)]


def witness_of(clients: Clients, contents: SandboxContents, folder: Path) -> Path:
    source, written = folder / "witness.py", folder / "written"
    source.write_text(WITNESS)
    written.touch()
    deploy(clients, "witness", source, environment={"WRITTEN": str(written)})
    clients.lambda_.create_event_source_mapping(
        FunctionName="witness", EventSourceArn=contents.stream_arn, BatchSize=100, StartingPosition="TRIM_HORIZON"
    )
    return written


def lines(written: Path) -> list[bytes]:
    return written.read_bytes().splitlines()


def stored(clients: Clients, contents: SandboxContents, key: str) -> Any:
    return clients.s3.get_object(Bucket=contents.fault_bucket, Key=key)


def decoded(document: bytes) -> list[Fault]:
    faults = decode_fault(document)
    assert isinstance(faults, list)
    return faults


def record_of(fault: Fault) -> bytes:
    assert isinstance(fault.unit, Records)
    [record] = fault.unit.records
    return record.body


def data_of(record: bytes) -> bytes:
    return base64.b64decode(json.loads(record)["kinesis"]["data"])


def made_up(data: bytes) -> dict[str, Any]:
    kinesis = {"sequenceNumber": "1", "data": base64.b64encode(data).decode()}
    return {"kinesis": kinesis, "eventID": "shardId-000000000000:1", "eventSource": "aws:kinesis"}


def invoke(clients: Clients, function: str, records: list[Any]) -> Any:
    return clients.lambda_.invoke(FunctionName=function, Payload=json.dumps({"Records": records}).encode())


def test_each_event_that_cannot_be_handled_is_stored_as_one_fault(incident: Incident) -> None:
    assert len(FAILING) > 10
    assert Counter(data_of(record_of(fault)) for fault in incident.faults) == Counter(map(encode, FAILING))
    assert {(fault.function, fault.error, fault.id) for fault in incident.faults} == {
        (incident.contents.listener, "UnicodeEncodeError", None)
    }
    assert Counter(fault.event_types for fault in incident.faults) == Counter((event["type"],) for event in FAILING)


def test_a_fault_holds_its_record_byte_for_byte_as_the_function_got_it(incident: Incident) -> None:
    assert set(map(record_of, incident.faults)) <= set(incident.given)
    assert not {flaw for fault in incident.faults for flaw in fault.flaws}


def test_the_key_of_a_fault_tells_its_hour_its_own_record_and_the_type_of_the_failed_event(
    incident: Incident,
) -> None:
    published = {data_of(record): json.loads(record)["kinesis"]["sequenceNumber"] for record in incident.given}
    for (key, document), fault in zip(incident.documents.items(), incident.faults, strict=True):
        assert fault.timestamp_ms is not None
        hour = datetime.fromtimestamp(fault.timestamp_ms / 1000, UTC)
        assert key == f"{hour:%Y/%m/%d/%H}/{published[document]}-{fault.event_type}.json"
        assert stored(incident.clients, incident.contents, key)["ContentType"] == "application/json"


def test_the_faults_are_in_the_lake_as_well(incident: Incident) -> None:
    lines = [line.rpartition(b',"firehoseRecordMetadata":')[0] for line in incident.lake]
    events = [line.removeprefix(b'{"event":') for line in lines]
    assert Counter(events) == Counter([*map(encode, SAMPLE), *incident.documents.values()])


def test_the_other_events_of_a_batch_are_handled(incident: Incident) -> None:
    handled: list[Event] = [event for event in SAMPLE if event not in FAILING]
    assert incident.view == expected_view(handled) != expected_view(SAMPLE)


def test_the_function_is_fixed_after_its_last_fault_and_takes_the_records_again(incident: Incident) -> None:
    clients, listener = incident.clients, incident.contents.listener
    deployed = clients.lambda_.get_function_configuration(FunctionName=listener)["LastModified"]
    newest = max(fault.timestamp_ms or 0 for fault in incident.faults)
    assert datetime.fromisoformat(deployed).timestamp() * 1000 > newest

    published = faults_published(clients)
    answers = [invoke(clients, listener, [json.loads(record_of(fault))]) for fault in incident.faults]
    assert not any("FunctionError" in answer for answer in answers)
    assert view(clients) == expected_view(SAMPLE)
    assert faults_published(clients) == published


def test_a_record_that_holds_no_json_is_a_fault_of_undefined_type(incident: Incident) -> None:
    clients = incident.clients
    before = set(fault_keys(clients))
    assert "FunctionError" not in invoke(clients, incident.contents.listener, [made_up(b"not json")])
    wait_until(lambda: len(fault_keys(clients)) > len(before), 20, what="storing the fault")
    [key] = set(fault_keys(clients)) - before
    assert key.endswith("-undefined.json")
    [fault] = decoded(stored(clients, incident.contents, key)["Body"].read())
    assert (fault.error, data_of(record_of(fault))) == ("JSONDecodeError", b"not json")


def test_a_service_that_does_not_answer_makes_no_fault_and_the_batch_is_tried_again(incident: Incident) -> None:
    clients = incident.clients
    environment = {"TABLE_NAME": "no-such-table", "STREAM_NAME": incident.contents.stream}
    deploy(clients, "cut-off", function_source("listener"), environment=environment)
    published = lake_keys(clients)
    answer = invoke(clients, "cut-off", [made_up(encode(FAILING[0]))])
    assert answer["FunctionError"]
    assert "ResourceNotFoundException" in json.loads(answer["Payload"].read())["errorMessage"]
    assert lake_keys(clients) == published
