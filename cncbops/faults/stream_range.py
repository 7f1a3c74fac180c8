"""Records that a fault names only by their place in a Kinesis stream, fetched from there.

A part of a batch is never given for the whole: either all of a range is still in the stream, or nothing of
it is sent. What AWS does with a sequence number that it has trimmed is not documented. Seen were an
InvalidArgumentException, an iterator at the oldest record, and one that never comes to a record; each of
them is told as expired. Sources: Amazon Kinesis Data Streams API Reference, "GetShardIterator" and
"GetRecords"; harlow/kinesis-consumer, issue 125 and pull request 175; apache/flink-connector-aws, pull
request 179.
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.aws_errors import blames_credentials, code_of, explain
from cncbops.errors import BadInput
from cncbops.faults.fault import FaultRecord, Nothing, Records, StreamRange
from cncbops.faults.record import describe
from cncbops.kinesis.record import arrival_seconds, record_json
from cncbops.selection.pattern import FilterCriteria

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import GetRecordsOutputTypeDef, RecordTypeDef

MOST_BYTES = 64 * 1024 * 1024
"""Of records as JSON. An invocation carries 6 MB, but a range holds more where its mapping's filters are not known."""
MOST_EMPTY = 100
"""Pages without a record, one after another: a few are normal."""
TRIES = 15
THROTTLED_S = 1.0
"""A read of 10 MiB makes those of the next five seconds fail."""
EMPTY_S = 0.2
"""A shard is read five times a second at most, by all its readers together."""

_HOUR_MS = 3_600_000
_STREAM = re.compile(r"(arn:aws[a-z-]*:kinesis:([a-z0-9-]+):\d{12}:stream/([A-Za-z0-9_.-]{1,128}))(?:/consumer/.*)?")
_SHARD = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_NUMBER = re.compile(r"[0-9]{1,129}")  # as AWS has them without leading zeros, which emulators give
_THROTTLING = (
    "KMSThrottlingException",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
)
T = TypeVar("T")


class StreamFetcher:
    """Fetches ranges of Kinesis streams. `kinesis` gives the client of a region, `wait` waits for seconds."""

    def __init__(self, kinesis: "Callable[[str], KinesisClient]", wait: Callable[[float], object] = time.sleep) -> None:
        self._kinesis, self._wait = kinesis, wait
        self._kept_hours: dict[str, int | None] = {}

    def fetch(self, wanted: StreamRange, role_arn: str, filters: Sequence[str] = ()) -> Records | Nothing:
        """All records of a range that pass the mapping's filter patterns, as its function was given them.

        Nothing says why there are none. Raises CncbopsError where AWS refuses the credentials.
        """
        if wanted.source == "dynamodb":
            return Nothing(f"records of a table's stream are not fetched: {wanted.stream_arn!r}")
        named = _STREAM.fullmatch(wanted.stream_arn)
        if not named or not _is_place(wanted):
            return Nothing("the document names no place in a Kinesis stream")
        stream_arn, region, stream = named.groups()
        client = self._kinesis(region)
        shard = _Shard(client, stream_arn, wanted, self._wait, lambda: self._keeps(client, stream_arn))
        where = f"{wanted.shard_id} of stream {stream}"
        try:
            return _chosen(shard, role_arn, FilterCriteria.parse(filters))
        except BadInput as error:
            return Nothing(f"a filter of the function's event source mapping is not understood: {error.what}")
        except _Expired as error:
            hours = shard.keeps()
            return Nothing(
                f"expired: {where} {error}" + (f"; the stream keeps records for {hours} hours" if hours else "")
            )
        except _NotWhole as error:
            return Nothing(f"{where} {error}")
        except (BotoCoreError, ClientError) as error:
            return _refused(error, where)

    def _keeps(self, client: "KinesisClient", stream_arn: str) -> int | None:
        """For how many hours a stream keeps its records; None where that is not known."""
        if stream_arn not in self._kept_hours:
            try:
                summary = client.describe_stream_summary(StreamARN=stream_arn)["StreamDescriptionSummary"]
                self._kept_hours[stream_arn] = summary.get("RetentionPeriodHours")
            except (BotoCoreError, ClientError):
                self._kept_hours[stream_arn] = None
        return self._kept_hours[stream_arn]


class _Expired(Exception):
    """What a range names is not in its shard any more; the message completes the shard's name."""


class _NotWhole(Exception):
    """A range cannot be had whole; the message completes the shard's name."""


@dataclass
class _Shard:
    """One range, read from its shard; `seen` is the sequence number of its last record so far."""

    client: "KinesisClient"
    stream_arn: str
    wanted: StreamRange
    wait: Callable[[float], object]
    keeps: Callable[[], int | None]
    seen: str | None = None

    def records(self) -> "Iterator[RecordTypeDef]":
        """All records of the range. Raises _Expired, _NotWhole, and botocore's errors, perhaps after some of them."""
        last = int(self.wanted.last)
        for record in self._found():
            number = int(record["SequenceNumber"])
            if self.seen is None and number != int(self.wanted.first):
                raise _Expired("no longer holds these records")
            if number > last:
                break
            self.seen = record["SequenceNumber"]
            yield record
            if number == last:
                return
        if self.seen is None:
            raise _Expired("no longer holds these records")
        raise _NotWhole("does not hold the last of these records")

    def _found(self) -> "Iterator[RecordTypeDef]":
        """The records from the first of the range on, for as long as there are any."""
        iterator, empty = self._iterator(), 0
        while iterator and empty < MOST_EMPTY:
            page = self._page(iterator)
            if page is None:
                iterator, empty = self._iterator(), empty + 1
                continue
            yield from page["Records"]
            if not page["Records"]:
                if self._is_end(page.get("MillisBehindLatest")):
                    return
                self.wait(EMPTY_S)
            empty = 0 if page["Records"] else empty + 1
            iterator = page.get("NextShardIterator")

    def _is_end(self, behind_ms: int | None) -> bool:
        """Whether an empty page is the last: of the shard, or of what can be had from before the oldest record."""
        if behind_ms and self.seen is None:
            hours = self.keeps()
            return hours is not None and behind_ms >= hours * _HOUR_MS
        return behind_ms == 0

    def _iterator(self) -> str | None:
        """Where to read on: at the first record of the range, or after the last one that was seen."""
        place = {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": self.wanted.first}
        if self.seen is not None:
            place = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": self.seen}
        try:
            answer = self._patiently(
                lambda: self.client.get_shard_iterator(
                    StreamARN=self.stream_arn,
                    ShardId=self.wanted.shard_id,
                    **place,  # type: ignore[arg-type]
                )
            )
        except self.client.exceptions.ResourceNotFoundException:
            raise _Expired("does not exist any more") from None
        except self.client.exceptions.InvalidArgumentException as error:
            message = " ".join(error.response["Error"].get("Message", "").split())[:200]
            raise _Expired(f"does not take their sequence number ({message})") from None
        return answer["ShardIterator"]

    def _page(self, iterator: str) -> "GetRecordsOutputTypeDef | None":
        """The next records; None if the iterator expired."""
        try:
            return self._patiently(lambda: self.client.get_records(StreamARN=self.stream_arn, ShardIterator=iterator))
        except self.client.exceptions.ExpiredIteratorException:
            return None
        except self.client.exceptions.ResourceNotFoundException:
            raise _Expired("does not exist any more") from None

    def _patiently(self, call: Callable[[], T]) -> T:
        """Call, and wait for as long as AWS throttles, but not for ever."""
        for _ in range(TRIES - 1):
            try:
                return call()
            except ClientError as error:
                if code_of(error) not in _THROTTLING:
                    raise
            self.wait(THROTTLED_S)
        return call()


def _is_place(wanted: StreamRange) -> bool:
    numbers = _NUMBER.fullmatch(wanted.first) and _NUMBER.fullmatch(wanted.last)
    return bool(numbers and _SHARD.fullmatch(wanted.shard_id) and int(wanted.first) <= int(wanted.last))


def _chosen(shard: _Shard, role_arn: str, filters: FilterCriteria) -> Records | Nothing:
    """The records that the function was given. Raises what reading the shard raises."""
    chosen: list[FaultRecord] = []
    size = 0
    for record in shard.records():
        if not filters.matches(_metadata(record), record["Data"]):
            continue
        body = record_json(record, shard.wanted.shard_id, shard.stream_arn, role_arn)
        size += len(body)
        if size > MOST_BYTES:
            raise _NotWhole(f"holds over {MOST_BYTES // 1024**2} MiB between the first and the last of these records")
        chosen.append(describe(body))
    return Records(tuple(chosen)) if chosen else Nothing("the function's filters leave out every record of the batch")


def _metadata(record: "RecordTypeDef") -> dict[str, object]:
    return {
        "kinesisSchemaVersion": "1.0",
        "partitionKey": record["PartitionKey"],
        "sequenceNumber": record["SequenceNumber"],
        "approximateArrivalTimestamp": arrival_seconds(record),
    }


def _refused(error: BotoCoreError | ClientError, where: str) -> Nothing:
    explained = explain(error, f"read {where}")
    if isinstance(error, ClientError) and blames_credentials(error):
        raise explained from error
    return Nothing(explained.what)
