"""Ranges of a stream: the whole of what the function was given, or nothing and why."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from cncbops.errors import CannotRun
from cncbops.faults import stream_range
from cncbops.faults.fault import Nothing, Records, StreamRange
from cncbops.faults.stream_range import MOST_EMPTY, THROTTLED_S, TRIES, StreamFetcher
from cncbops.formats.decoding import decode
from cncbops.kinesis.origin import origin_of
from cncbops.kinesis.record import RecordSource, to_records
from cncbops.lake.lines import Block
from tests.e2e.lakes import envelope
from tests.lake.conftest import lake_object

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

ROLE_ARN = "arn:aws:iam::123456789012:role/cncb-listener-role"
STREAM_ARN = "arn:aws:kinesis:eu-west-1:123456789012:stream/john-cncb-event-stream-s1"
SHARD = "shardId-000000000000"
WHERE = f"{SHARD} of stream john-cncb-event-stream-s1"
TRIMMED = f"expired: {WHERE} no longer holds these records; the stream keeps records for 24 hours"
COUNT = 12


def wanted(first: object, last: object, arn: str = STREAM_ARN, shard: str = SHARD) -> StreamRange:
    return StreamRange(arn, shard, str(first), str(last), None, None, None)


def never(_: float) -> None:
    pytest.fail("it waited")


def new_client() -> "KinesisClient":
    return boto3.client(
        "kinesis",
        region_name="eu-west-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        endpoint_url="https://kinesis.eu-west-1.amazonaws.com",  # whatever AWS_ENDPOINT_URL says
    )


def event(number: int) -> bytes:
    return b'{"type":"thing-%b","n":%d, "price":1.50}' % (b"even" if number % 2 == 0 else b"odd", number)


@pytest.fixture(scope="module")
def stream() -> "Iterator[tuple[KinesisClient, str]]":
    """A stream with COUNT records in its only shard, whose sequence numbers are 1 and on."""
    with mock_aws():
        client = new_client()
        client.create_stream(StreamName="s1", ShardCount=1)
        for number in range(1, COUNT + 1):
            client.put_record(StreamName="s1", PartitionKey=f"key-{number}", Data=event(number))
        yield client, client.describe_stream_summary(StreamName="s1")["StreamDescriptionSummary"]["StreamARN"]


def fetch_from(stream: "tuple[KinesisClient, str]", first: object, last: object, *filters: str) -> Records | Nothing:
    client, arn = stream
    return StreamFetcher(lambda _: client, never).fetch(wanted(first, last, arn), ROLE_ARN, filters)


def numbers(unit: Records | Nothing) -> list[int]:
    assert isinstance(unit, Records), unit
    return [int(record.sequence_number or "") for record in unit.records]


@given(st.integers(1, COUNT), st.integers(1, COUNT))
def test_a_range_has_both_its_ends_and_all_between_as_integers_go(
    stream: "tuple[KinesisClient, str]", one: int, other: int
) -> None:
    first, last = sorted((one, other))
    assert numbers(fetch_from(stream, first, last)) == list(range(first, last + 1))


def test_a_record_is_as_the_functions_mapping_would_have_given_it(stream: "tuple[KinesisClient, str]") -> None:
    unit = fetch_from(stream, 3, 3)
    assert isinstance(unit, Records)
    (record,) = unit.records
    body = json.loads(record.body)
    arrival = body["kinesis"].pop("approximateArrivalTimestamp")
    assert abs(datetime.now(UTC).timestamp() - arrival) < 60
    assert body == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "key-3",
            "sequenceNumber": "3",
            "data": base64.b64encode(event(3)).decode(),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{SHARD}:3",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": ROLE_ARN,
        "awsRegion": "eu-west-1",
        "eventSourceARN": stream[1],
    }
    assert (record.source, record.event_id, record.partition_key) == ("kinesis", f"{SHARD}:3", "key-3")
    assert (record.sequence_number, record.shard_id, record.source_arn) == ("3", SHARD, stream[1])
    assert record.event_type == "thing-odd"


def test_what_the_filters_kept_from_the_function_is_left_out(stream: "tuple[KinesisClient, str]") -> None:
    even, tenth = '{"data":{"type":["thing-even"]}}', '{"partitionKey":["key-10"]}'
    assert numbers(fetch_from(stream, 8, 12, even)) == [8, 10, 12]
    assert numbers(fetch_from(stream, 7, 11, tenth, '{"data":{"n":[7]}}')) == [7, 10]


def test_a_range_of_which_the_filters_keep_all_is_nothing(stream: "tuple[KinesisClient, str]") -> None:
    nothing = Nothing("the function's filters leave out every record of the batch")
    assert fetch_from(stream, 1, 5, '{"data":{"type":["other"]}}') == nothing


def test_a_filter_that_is_not_understood_sends_nothing(stream: "tuple[KinesisClient, str]") -> None:
    unit = fetch_from(stream, 1, 5, '{"data":{"type":[{"wildcard":"a*"}]}}')
    assert isinstance(unit, Nothing)
    assert unit.reason.startswith("a filter of the function's event source mapping is not understood: ")


def test_a_stream_or_shard_that_is_gone_is_told_as_expired(stream: "tuple[KinesisClient, str]") -> None:
    client, arn = stream
    fetch = StreamFetcher(lambda _: client, never).fetch
    shard = "shardId-000000000007"
    assert fetch(wanted(1, 2, arn, shard), ROLE_ARN) == Nothing(
        f"expired: {shard} of stream s1 does not exist any more; the stream keeps records for 24 hours"
    )
    assert fetch(wanted(1, 2), ROLE_ARN) == Nothing(f"expired: {WHERE} does not exist any more")


def test_of_a_range_that_begins_before_the_first_record_nothing_is_sent(stream: "tuple[KinesisClient, str]") -> None:
    unit = fetch_from(stream, 0, 2)
    assert isinstance(unit, Nothing)
    assert unit.reason.startswith("expired: ")


@pytest.fixture
def client() -> "KinesisClient":
    return new_client()


@pytest.fixture
def stubber(client: "KinesisClient") -> Iterator[Stubber]:
    """Answers in the order in which they were added; all must have been asked for."""
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


class Answers:
    """The stream's answers to one fetch, in their order, and how long it waited between them."""

    def __init__(self, client: "KinesisClient", stubber: Stubber) -> None:
        self._client, self._stubber = client, stubber
        self._iterators = 0
        self.waited: list[float] = []

    def iterator(self, kind: str, number: int, error: str | None = None) -> "Answers":
        place = {"StreamARN": STREAM_ARN, "ShardId": SHARD, "ShardIteratorType": kind}
        place["StartingSequenceNumber"] = str(number)
        self._iterators += 1
        answer = {"ShardIterator": f"iterator-{self._iterators}"}
        return self._add("get_shard_iterator", answer, place, error)

    def page(self, *found: int, behind_ms: int = 1000, is_end: bool = False, error: str | None = None) -> "Answers":
        asked = {"StreamARN": STREAM_ARN, "ShardIterator": f"iterator-{self._iterators}"}
        answer: dict[str, Any] = {"Records": [record(number) for number in found], "MillisBehindLatest": behind_ms}
        if not is_end and not error:
            self._iterators += 1
            answer["NextShardIterator"] = f"iterator-{self._iterators}"
        return self._add("get_records", answer, asked, error)

    def retention(self, error: str | None = None) -> "Answers":
        summary = {
            "StreamName": "s1",
            "StreamARN": STREAM_ARN,
            "StreamStatus": "ACTIVE",
            "RetentionPeriodHours": 24,
            "StreamCreationTimestamp": datetime(2018, 4, 8, tzinfo=UTC),
            "EnhancedMonitoring": [],
            "OpenShardCount": 1,
        }
        answer = {"StreamDescriptionSummary": summary}
        return self._add("describe_stream_summary", answer, {"StreamARN": STREAM_ARN}, error)

    def fetch(self, first: int = 9, last: int = 11) -> Records | Nothing:
        return StreamFetcher(lambda _: self._client, self.waited.append).fetch(wanted(first, last), ROLE_ARN)

    def _add(self, call: str, answer: dict[str, Any], asked: dict[str, str], error: str | None) -> "Answers":
        if error:
            self._stubber.add_client_error(call, error, "why", expected_params=asked)
        else:
            self._stubber.add_response(call, answer, asked)
        return self


@pytest.fixture
def answers(client: "KinesisClient", stubber: Stubber) -> Answers:
    return Answers(client, stubber)


def record(number: int) -> dict[str, Any]:
    arrival = datetime.fromtimestamp(1700611201.456, UTC)
    return {
        "SequenceNumber": str(number),
        "ApproximateArrivalTimestamp": arrival,
        "Data": event(number),
        "PartitionKey": "k",
    }


def test_a_record_of_the_stream_is_to_the_byte_what_it_is_from_the_lake(answers: Answers) -> None:
    unit = answers.iterator("AT_SEQUENCE_NUMBER", 9).page(9).fetch(9, 9)
    assert isinstance(unit, Records)
    events, _ = decode(Block(envelope(event(9), "k", 9, 0, 1700611201456), 1, 0))
    source = RecordSource(STREAM_ARN, ROLE_ARN, "eu-west-1", "123456789012")
    (kept,) = to_records(events, [0], origin_of(lake_object("s1/2018/04/08/03/x")), source)
    assert unit.records[0].body == kept.body


def test_empty_pages_are_read_over_without_haste(answers: Answers) -> None:
    answers.iterator("AT_SEQUENCE_NUMBER", 9).page().retention().page().page(9, 10).page().page(11, 12)
    assert numbers(answers.fetch()) == [9, 10, 11]
    assert len(answers.waited) == 3


def test_an_iterator_that_expired_is_replaced_where_it_stood(answers: Answers) -> None:
    answers.iterator("AT_SEQUENCE_NUMBER", 9).page(error="ExpiredIteratorException")
    answers.iterator("AT_SEQUENCE_NUMBER", 9).page(9, 10).page(error="ExpiredIteratorException")
    answers.iterator("AFTER_SEQUENCE_NUMBER", 10).page(11)
    assert numbers(answers.fetch()) == [9, 10, 11]


@pytest.mark.parametrize("error", ["ProvisionedThroughputExceededException", "KMSThrottlingException"])
def test_throttling_is_waited_out(answers: Answers, error: str) -> None:
    answers.iterator("AT_SEQUENCE_NUMBER", 9, error).iterator("AT_SEQUENCE_NUMBER", 9)
    for _ in range(TRIES - 1):
        answers.page(error=error)
    assert numbers(answers.page(9, 10, 11).fetch()) == [9, 10, 11]
    assert answers.waited == [THROTTLED_S] * TRIES


def test_throttling_without_an_end_is_given_up(answers: Answers) -> None:
    answers.iterator("AT_SEQUENCE_NUMBER", 9)
    for _ in range(TRIES):
        answers.page(error="ProvisionedThroughputExceededException")
    reason = f"cannot read {WHERE}: ProvisionedThroughputExceededException: why"
    assert answers.fetch() == Nothing(reason)


def test_a_sequence_number_that_is_refused_is_told_as_expired(answers: Answers) -> None:
    answers.iterator("AT_SEQUENCE_NUMBER", 9, "InvalidArgumentException").retention()
    assert answers.fetch() == Nothing(
        f"expired: {WHERE} does not take their sequence number (why); the stream keeps records for 24 hours"
    )


def test_a_later_record_in_the_place_of_the_first_is_told_as_expired(answers: Answers) -> None:
    assert answers.iterator("AT_SEQUENCE_NUMBER", 9).page(10, 11).retention().fetch() == Nothing(TRIMMED)


def test_an_iterator_from_before_the_oldest_record_is_told_as_expired(answers: Answers) -> None:
    answers.iterator("AT_SEQUENCE_NUMBER", 9).page(behind_ms=24 * 3_600_000).retention()
    assert answers.fetch() == Nothing(TRIMMED)


def test_a_shard_without_records_is_told_as_expired(answers: Answers) -> None:
    assert answers.iterator("AT_SEQUENCE_NUMBER", 9).page(behind_ms=0).retention().fetch() == Nothing(TRIMMED)


def test_a_shard_that_never_comes_to_a_record_is_given_up(answers: Answers) -> None:
    answers.iterator("AT_SEQUENCE_NUMBER", 9).page().retention("AccessDeniedException")
    for _ in range(MOST_EMPTY - 1):
        answers.page()
    assert answers.fetch() == Nothing(f"expired: {WHERE} no longer holds these records")


def test_that_the_retention_may_not_be_read_does_not_matter(answers: Answers) -> None:
    answers.iterator("AT_SEQUENCE_NUMBER", 9).page(10).retention("AccessDeniedException")
    assert answers.fetch() == Nothing(f"expired: {WHERE} no longer holds these records")


@pytest.mark.parametrize("how", ["closed", "caught up", "beyond"])
def test_of_a_range_without_its_last_record_nothing_is_sent(answers: Answers, how: str) -> None:
    answers.iterator("AT_SEQUENCE_NUMBER", 9)
    if how == "closed":
        answers.page(9, 10, behind_ms=0, is_end=True)
    elif how == "caught up":
        answers.page(9, 10, behind_ms=0).page(behind_ms=0)
    else:
        answers.page(9, 10, 12)
    assert answers.fetch() == Nothing(f"{WHERE} does not hold the last of these records")


def test_what_may_not_be_read_is_nothing(answers: Answers) -> None:
    answers.iterator("AT_SEQUENCE_NUMBER", 9, "AccessDeniedException")
    assert answers.fetch() == Nothing(f"cannot read {WHERE}: access denied")


def test_refused_credentials_end_the_run(answers: Answers) -> None:
    answers.iterator("AT_SEQUENCE_NUMBER", 9, "ExpiredTokenException")
    with pytest.raises(CannotRun, match="credentials have expired"):
        answers.fetch()


def test_more_than_memory_should_hold_is_not_fetched(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_range, "MOST_BYTES", 1000)
    answers.iterator("AT_SEQUENCE_NUMBER", 9).page(9, 10, 11)
    unit = answers.fetch()
    assert isinstance(unit, Nothing)
    assert "MiB" in unit.reason


def test_a_tables_stream_is_not_fetched_and_named() -> None:
    arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/things/stream/2018-04-08T03:53:28.000"
    unit = StreamFetcher(pytest.fail).fetch(wanted(1, 2, arn), ROLE_ARN)
    assert unit == Nothing(f"records of a table's stream are not fetched: '{arn}'")


@given(
    st.sampled_from([STREAM_ARN, "arn:aws:kinesis:x.evil:123456789012:stream/s", "", "s1"]) | st.text(),
    st.sampled_from(["", "shard 1", "a/b", "\n"]),
    st.sampled_from(["", "01", "-1", "x", "9" * 130, "٣", "5"]),
)
def test_what_names_no_place_in_a_stream_asks_nobody(arn: str, shard: str, number: str) -> None:
    assert isinstance(StreamFetcher(pytest.fail).fetch(wanted(number, 4, arn, shard), ROLE_ARN), Nothing)
    assert isinstance(StreamFetcher(pytest.fail).fetch(wanted(5, 4, arn), ROLE_ARN), Nothing)


def test_a_consumer_of_a_stream_names_the_stream(answers: Answers, client: "KinesisClient") -> None:
    answers.iterator("AT_SEQUENCE_NUMBER", 9).page(9)
    unit = StreamFetcher(lambda _: client).fetch(wanted(9, 9, f"{STREAM_ARN}/consumer/c:1"), ROLE_ARN)
    assert numbers(unit) == [9]
