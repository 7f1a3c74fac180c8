"""Runs `cncbops resubmit` and holds every run to what must hold of all runs; and makes faults to be resubmitted.

A fault's records are spliced in as they are, with a number that parsing and writing again would change.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tests.e2e import lakes, replays
from tests.e2e.far_side import Invocation
from tests.e2e.replays import Run
from tests.e2e.runs import Runs, assert_totals_add_up, id_of
from tests.e2e.servers import Process, Result

RAISED_MS = 1700611203000
SHARE = {"matched", "records", "delivered", "failed", "unknown", "newest_fault"}
FLAWED = ("broken", "without_record", "not_whole")
NOT_SENT = ("not_chosen", "raised_since", "sent_before", "came_back", "repeated", "without_record", "not_whole")
BUCKET = ("s3://faults/",)


@dataclass(frozen=True)
class Resubmits(Runs):
    """Plans and executes resubmits of `s3://faults/`, unless told of other sources."""

    def start(self, *arguments: str | Path, sources: Sequence[str | Path] = BUCKET, **more: Any) -> Process:
        return self._begin("--execute", "-o", "json", *sources, *arguments, **more)

    def plan(self, *arguments: str | Path, sources: Sequence[str | Path] = BUCKET, **more: Any) -> Run:
        return self.finish(self._begin("-o", "json", *sources, *arguments, **more))

    def text(self, *arguments: str | Path, sources: Sequence[str | Path] = BUCKET, **more: Any) -> Result:
        """A resubmit that speaks to people."""
        return self.command.finish(self._begin(*sources, *arguments, **more))

    def finish(self, process: Process) -> Run:
        run = checked(self.command.finish(process))
        if run.summary["run"]:
            assert_totals_add_up(run.summary["run"])
        return run

    @property
    def sent(self) -> list[Invocation]:
        """The invocations, of whatever they were."""
        return [call for call in self.far_side.invocations if call.invocation_type != "DryRun"]

    def sent_to(self, function: str) -> list[bytes]:
        """The payloads that a function was given, in order of arrival."""
        return [call.payload for call in self.sent if call.function == function]

    def taken_by(self, function: str) -> list[bytes]:
        """The records that a function took, byte for byte, in order of arrival."""
        return [
            record
            for call in self.sent
            if call.function == function and call.outcome == "succeeded"
            for record in records_in(call.payload)
        ]

    @property
    def delivered_ids(self) -> list[str]:
        """The ids of the events that were taken, sorted."""
        return sorted(map(id_of, self.far_side.delivered_data()))

    def _begin(self, *arguments: str | Path, **more: Any) -> Process:
        return self.command.start("resubmit", *arguments, endpoint=self.far_side.url, **more)


def checked(result: Result) -> Run:
    """The run that a command's result tells of, if it keeps the contract."""
    run = replays.checked(result)
    _assert_functions_add_up(run.summary)
    if run.summary["command"] == "resubmit":
        _assert_every_fault_is_accounted_for(run.summary)
    if run.summary["command"] == "resubmit" and run.summary["run"]:
        _assert_is_in_its_ledger(run.summary)
    return run


def _assert_functions_add_up(summary: Mapping[str, Any]) -> None:
    assert "function" not in summary
    shares = summary["functions"].values()
    assert all(set(share) >= SHARE for share in shares)
    for count in ("matched", "delivered", "failed", "unknown"):
        assert sum(share[count] for share in shares) == summary["events"][count], (count, summary)
    assert all(share["delivered"] + share["failed"] + share["unknown"] <= share["matched"] for share in shares)


def _assert_every_fault_is_accounted_for(summary: Mapping[str, Any]) -> None:
    """Each fault that was read is sent, or told why it is not."""
    events, faults = summary["events"], summary["faults"]
    assert events["read"] == events["matched"] + sum(faults[why] for why in NOT_SENT), summary
    assert events["malformed"] == sum(faults[flaw] for flaw in FLAWED)


def _assert_is_in_its_ledger(summary: Mapping[str, Any]) -> None:
    events, run = summary["events"], summary["run"]
    counts = ("read", "matched", "malformed", "delivered", "failed", "unknown", "not_sent")
    assert {name: run[name] for name in counts} == {name: events[name] for name in counts}
    found, kept = replays.in_ledger(summary)
    assert (found.status, found.reason) == (summary["status"], summary["reason"])
    untold = run["failed"] + run["unknown"] + run["malformed"] + run["objects_unreadable"]
    assert len(kept) == untold
    assert all(failure in kept for failure in summary["failures"])


class _Event(msgspec.Struct):
    records: list[msgspec.Raw] = msgspec.field(name="Records", default_factory=list)


def records_in(payload: bytes) -> list[bytes]:
    """The records of an invocation event, byte for byte."""
    return [bytes(record) for record in msgspec.json.decode(payload, type=_Event).records]


# Faults


def event(number: int, type_: str = "thing-created") -> bytes:
    return b'{"id":"e-%04d","type":"%b"}' % (number, type_.encode())


def record(number: int, key: str = "thing-1", type_: str = "thing-created") -> bytes:
    """A Kinesis record as Lambda gives it to a function."""
    sequence = lakes.FIRST_SEQUENCE + 16 * number
    return b"".join(
        [
            b'{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":"%b",' % key.encode(),
            b'"sequenceNumber":"%d","data":"%b",' % (sequence, base64.b64encode(event(number, type_))),
            b'"approximateArrivalTimestamp":1700611201.50 },"eventSource":"aws:kinesis","eventVersion":"1.0",',
            b'"eventID":"shardId-000000000000:%d","eventName":"aws:kinesis:record","awsRegion":"us-east-1",' % sequence,
            b'"eventSourceARN":"arn:aws:kinesis:us-east-1:123456789012:stream/%b"}' % lakes.STREAM.encode(),
        ]
    )


def sequence_number(text: bytes) -> str:
    """The sequence number of a Kinesis record."""
    return str(json.loads(text)["kinesis"]["sequenceNumber"])


@dataclass(frozen=True, kw_only=True)
class About:
    """What a fault says beside its records; `None` leaves a member out."""

    function: str | None = "listener"
    error: str = "Error"
    message: str = "thing has no name"
    pipeline: str = "m1"
    type: str = "thing-created"
    raised_ms: int = RAISED_MS


def library(number: int, *records: bytes, **about: Any) -> bytes:
    """Fault `f-number` of the author's later library: of one record, or of a batch."""
    told = About(**about)
    parts = [
        b'{"pipeline":"%b","record":%b,"event":{"type":"%b"}}' % (told.pipeline.encode(), each, told.type.encode())
        for each in records
    ]
    work = parts[0] if len(parts) == 1 else b'{"batch":[%b],"updateRequest":{}}' % b",".join(parts)
    tags = {"pipeline": told.pipeline} | ({"functionname": told.function} if told.function else {})
    return _fault(told, tags, work, b'"id":"f-%04d",' % number)


def cookbook(number: int, record: bytes, **about: Any) -> bytes:
    """A fault of the book's fault monitor, which has no id; `number` only tells when it was raised."""
    told = About(**{"raised_ms": RAISED_MS + number, **about})
    work = b'{"record":%b,"event":{"type":"%b"}}' % (record, told.type.encode())
    return _fault(told, {"functionName": told.function} if told.function else {}, work)


def _fault(told: About, tags: Mapping[str, str], work: bytes, head: bytes = b"") -> bytes:
    err = {"name": told.error, "message": told.message, "stack": f"{told.error}: {told.message}"}
    return b'{%b"type":"fault","timestamp":%d,"tags":%b,"err":%b,"uow":%b}' % (
        head,
        told.raised_ms,
        json.dumps(tags).encode(),
        json.dumps(err).encode(),
        work,
    )


def faults(count: int, keys: int = 1, functions: Sequence[str] = ("listener",)) -> list[bytes]:
    """Faults of a record each; partition keys and functions take turns."""
    return [
        library(number, record(number, f"thing-{number % keys}"), function=functions[number % len(functions)])
        for number in range(count)
    ]


def lines(*documents: bytes) -> dict[str, bytes]:
    """A bucket with these documents in one object, a line each."""
    return {"us-east-1/2023/11/22/00/faults": lakes.join(documents)}


def one_each(documents: Sequence[bytes]) -> dict[str, bytes]:
    """A bucket with each document in an object of its own, as the book's fault monitor stores them."""
    return {f"2023/11/22/00/{number:056d}-thing-created.json": each for number, each in enumerate(documents)}


def given_up(function: str, stream_arn: str, first: str, last: str, size: int) -> str:
    """What Lambda sends to a queue when it gives a batch up: its place in the stream, without the records."""
    info = {
        "shardId": "shardId-000000000000",
        "startSequenceNumber": first,
        "endSequenceNumber": last,
        "approximateArrivalOfFirstRecord": "2023-11-22T00:00:01.456Z",
        "approximateArrivalOfLastRecord": "2023-11-22T00:00:02.580Z",
        "batchSize": size,
        "streamArn": stream_arn,
    }
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
    context = {"requestId": "r-1", "functionArn": arn, "condition": "RetryAttemptsExhausted"}
    return json.dumps(
        {
            "version": "1.0",
            "timestamp": "2023-11-22T00:10:06.021Z",
            "requestContext": {**context, "approximateInvokeCount": 3},
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "KinesisBatchInfo": info,
        }
    )
