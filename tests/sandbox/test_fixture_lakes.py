import base64
import gzip
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

LAKES = Path(str(files("cncbops.fixtures"))) / "lakes"
# What Firehose puts after the evaluated prefix (Amazon Data Firehose Developer Guide).
SUFFIX = re.compile(r"[A-Za-z0-9_.-]+-\d+-\d{4}(?:-\d\d){5}-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:\.gz)?")


def only_file(lake: str) -> Path:
    [found] = [path for path in (LAKES / lake).rglob("*") if path.is_file()]
    return found


def lines_of(body: bytes) -> list[Any]:
    return [json.loads(line) for line in body.splitlines()]


@pytest.mark.parametrize("lake", ["cookbook", "eventbridge", "errors"])
def test_objects_are_named_as_firehose_names_them(lake: str) -> None:
    assert SUFFIX.fullmatch(only_file(lake).name)


def test_cookbook_envelopes_rise_in_sequence_and_hold_one_fault() -> None:
    lines = lines_of(only_file("cookbook").read_bytes())
    numbers = [line["kinesisRecordMetadata"]["sequenceNumber"] for line in lines]
    assert numbers == sorted(numbers)
    assert {len(number) for number in numbers} == {56}
    assert [line["event"]["type"] for line in lines].count("fault") == 1
    assert {tuple(line) for line in lines} == {("event", "kinesisRecordMetadata", "firehoseRecordMetadata")}


def test_eventbridge_lines_carry_the_event_as_detail() -> None:
    lines = lines_of(gzip.decompress(only_file("eventbridge").read_bytes()))
    assert [line["detail-type"] for line in lines] == [line["detail"]["type"] for line in lines]
    assert len(lines) == 3


def test_the_raw_event_is_the_first_of_the_cookbook_lake() -> None:
    assert b'{"event":' + only_file("raw").read_bytes() in only_file("cookbook").read_bytes()


def test_error_records_hold_events_that_no_lake_has() -> None:
    lost = [json.loads(base64.b64decode(line["rawData"])) for line in lines_of(only_file("errors").read_bytes())]
    cookbook = only_file("cookbook").read_text()
    assert [event["type"] for event in lost] == ["thing-updated", "thing-updated"]
    assert not any(event["id"] in cookbook for event in lost)
