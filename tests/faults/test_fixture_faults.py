"""The sample faults that tests and the sandbox share are what their README says."""

import gzip
import io
from pathlib import Path

from cncbops.faults.decoding import decode_fault
from cncbops.faults.documents import documents
from cncbops.faults.fault import ClaimCheck, Fault, Payload, Records, StreamRange
from cncbops.lake.lines import blocks

FIXTURES = Path(__file__).parents[2] / "fixtures"
MESSAGES = FIXTURES / "faults" / "messages"


def faults_in(folder: Path) -> list[Fault]:
    found: list[Fault] = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        data = path.read_bytes()
        data = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
        for document in documents(blocks(io.BytesIO(data))):
            faults = decode_fault(document.text)
            assert isinstance(faults, list), (path, faults)
            found += faults
    return found


def test_the_cookbooks_faults() -> None:
    faults = faults_in(FIXTURES / "faults" / "cookbook")
    assert [fault.function for fault in faults] == ["cncb-handling-faults-john-listener"] * 2
    assert [fault.message for fault in faults] == [
        "Validation Error: name is required",
        "The conditional request failed",
    ]
    assert all(isinstance(fault.unit, Records) for fault in faults)


def test_the_librarys_faults() -> None:
    *faults, claim = faults_in(FIXTURES / "faults" / "library" / "us-east-1" / "2023")
    records = [[each.source for each in fault.unit.records] for fault in faults if isinstance(fault.unit, Records)]
    assert records == [["kinesis"], ["kinesis", "kinesis"], ["dynamodb"], ["sqs"]]
    assert isinstance(faults[2].unit, Records)
    assert b'"note":{"S":"COMPRESSEDH4sIis the function\'s own"}' in faults[2].unit.records[0].body
    assert isinstance(faults[4].unit, Payload)
    assert b'"price":1.50' in faults[4].unit.body
    assert isinstance(claim.unit, ClaimCheck)
    (claimed,) = faults_in(FIXTURES / "faults" / "library" / "us-east-1" / "claimchecks")
    assert (FIXTURES / "faults" / "library" / claim.unit.key).is_file()
    assert claimed.key == claim.key


def test_the_documents_of_lambdas_destinations() -> None:
    stream, invocation = faults_in(FIXTURES / "faults" / "destinations")
    assert isinstance(stream.unit, Payload)
    assert stream.unit.count == 2
    assert isinstance(invocation.unit, Payload)
    assert b'"price":1.50,"serial":12345678901234567890' in invocation.unit.body


def test_the_messages_of_lambdas_destinations() -> None:
    invocation, notification, stream, table = faults_in(MESSAGES)
    (in_s3, async_in_s3) = faults_in(FIXTURES / "faults" / "destinations")
    assert invocation == async_in_s3
    assert notification == stream
    assert stream.key == in_s3.key
    assert isinstance(stream.unit, StreamRange)
    assert isinstance(table.unit, StreamRange)
    assert (stream.unit.source, table.unit.source) == ("kinesis", "dynamodb")


def test_of_a_lake_the_faults_only() -> None:
    (fault,) = faults_in(FIXTURES / "lakes" / "cookbook")
    assert fault.function == "cncb-handling-faults-john-listener"
