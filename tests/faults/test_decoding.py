"""Documents to faults: what is sent again is what stood in the fault, byte for byte."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.faults.decoding import decode_fault
from cncbops.faults.families import FAMILIES, WRAPPINGS
from cncbops.faults.fault import ClaimCheck, Fault, Nothing, Payload, Problem, Records, StreamRange
from cncbops.faults.hints import Hints
from cncbops.faults.json_text import fields_of
from tests.e2e.lakes import envelope, eventbridge
from tests.faults import fault_texts as texts
from tests.formats import json_texts


def one(document: bytes) -> Fault:
    faults = decode_fault(document)
    assert isinstance(faults, list), faults
    (fault,) = faults
    return fault


def bodies(fault: Fault) -> list[bytes]:
    assert isinstance(fault.unit, Records)
    return [record.body for record in fault.unit.records]


def payload(fault: Fault) -> bytes:
    assert isinstance(fault.unit, Payload)
    return fault.unit.body


def reason(fault: Fault) -> str:
    assert isinstance(fault.unit, Nothing)
    return fault.unit.reason


def sent(fault: Fault) -> bytes:
    """What an invocation by itself would be given."""
    return fault.unit.body if isinstance(fault.unit, Payload) else b'{"Records":[' + b",".join(bodies(fault)) + b"]}"


@pytest.mark.parametrize("form", sorted(set(texts.DOCUMENTS) - {"async"}))
@given(extra=texts.extras, wraps=texts.wrappings)
def test_a_record_comes_out_byte_for_byte_from_every_format_in_any_wrapping(
    form: str, extra: bytes, wraps: list[str]
) -> None:
    record = texts.record(extra)
    document = texts.wrapped(texts.DOCUMENTS[form](record), wraps)
    assert sent(one(document)) == b'{"Records":[' + record + b"]}"


@given(value=texts.extras, wraps=texts.wrappings)
def test_an_asynchronous_invocation_comes_out_byte_for_byte(value: bytes, wraps: list[str]) -> None:
    document = texts.wrapped(texts.async_destination(value), wraps)
    assert payload(one(document)) == value.strip(texts.SPACE)


@given(extra=texts.extras)
def test_an_event_of_eventbridge_is_an_invocation_of_its_own_byte_for_byte(extra: bytes) -> None:
    event = eventbridge(b'{"type":"thing-created","x":%b}' % extra, "thing-created", "eb-9")
    fault = one(texts.of_record(event))
    assert fault.unit == Payload(event, "eventbridge")


def test_a_batch_of_eventbridge_events_is_a_fault_for_each_with_a_key_of_its_own() -> None:
    events = [eventbridge(b'{"type":"thing-created"}', "thing-created", name) for name in ("a", "b", "a")]
    faults = decode_fault(texts.of_batch(events))
    assert isinstance(faults, list)
    assert [payload(fault) for fault in faults] == events[:2]
    assert [fault.key for fault in faults] == ["f-1#1", "f-1#2"]


@given(extras=st.lists(texts.extras, min_size=1, max_size=4))
def test_a_batch_stays_together_in_its_order_without_the_records_that_pipelines_repeat(extras: list[bytes]) -> None:
    records = [texts.record(extra, f"shardId-000000000000:{number}") for number, extra in enumerate(extras)]
    assert bodies(one(texts.of_batch([*records, *records]))) == records


def test_batches_within_a_batch_are_taken_apart() -> None:
    records = [texts.record(event_id=f"s:{number}") for number in range(3)]
    inner = b'{"batch":[{"record":%b},{"record":%b}]}' % (records[0], records[1])
    assert bodies(one(texts.library(b'{"batch":[%b,{"record":%b}]}' % (inner, records[2])))) == records


def test_a_batch_that_is_null_is_none() -> None:
    assert bodies(one(texts.library(b'{"batch":null,"record":%b}' % texts.record()))) == [texts.record()]


def test_every_format_says_whose_fault_it_is_and_why() -> None:
    cookbook = one(texts.cookbook(texts.record()))
    assert (cookbook.id, cookbook.key, cookbook.function) == (None, None, texts.FUNCTION)
    assert (cookbook.error, cookbook.message, cookbook.stack, cookbook.pipeline) == ("Error", "m", "s", None)
    assert (cookbook.event_type, cookbook.timestamp_ms, cookbook.flaws) == ("thing-created", 1700611203000, ())

    library = one(texts.of_record(texts.record()))
    assert (library.key, library.function, library.pipeline) == ("f-1", texts.FUNCTION, "m1")

    stream = one(texts.stream_destination())
    assert stream.key == "r-1/shardId-000000000000/18"
    assert (stream.error, stream.message, stream.stack) == ("RetryAttemptsExhausted", "Unhandled", None)
    assert stream.timestamp_ms == 1700611806021

    invocation = one(texts.async_destination(b"{}"))
    assert (invocation.key, invocation.error, invocation.message, invocation.stack) == ("r-2", "TypeError", "m", "a\nb")


@pytest.mark.parametrize(
    ("named", "name", "qualifier"),
    [
        (texts.FUNCTION, texts.FUNCTION, None),
        (f"{texts.LAMBDA_ARN}:$LATEST", texts.FUNCTION, "$LATEST"),
        (f"{texts.LAMBDA_ARN}:live", texts.FUNCTION, "live"),
        (texts.LAMBDA_ARN, texts.FUNCTION, None),
    ],
)
def test_a_qualifier_is_told_from_the_functions_name(named: str, name: str, qualifier: str | None) -> None:
    fault = one(texts.of_record(texts.record()).replace(texts.FUNCTION.encode(), named.encode()))
    assert fault.function == named
    assert fault.called is not None
    assert (fault.called.name, fault.called.qualifier) == (name, qualifier)


@pytest.mark.parametrize("tags", [b"{}", b'{"functionname":"undefined"}', b'{"functionname":7.5}', b"null", b"[]"])
def test_a_fault_that_names_no_function_is_a_fault_all_the_same(tags: bytes) -> None:
    fault = one(b'{"type":"fault","tags":%b,"uow":{"record":%b}}' % (tags, texts.record()))
    assert (fault.function, fault.called) == (None, None)
    assert bodies(fault) == [texts.record()]


def test_a_function_that_can_be_none_is_shown_and_never_called() -> None:
    fault = one(b'{"type":"fault","tags":{"functionname":"../no name"},"uow":{}}')
    assert (fault.function, fault.called) == ("../no name", None)


def test_a_function_that_one_spelling_leaves_undefined_is_found_by_the_other() -> None:
    fault = one(b'{"type":"fault","tags":{"functionname":"undefined","functionName":"f"},"uow":{}}')
    assert fault.function == "f"


@pytest.mark.parametrize(
    ("document", "key"),
    [
        (eventbridge(b'{"type":"fault","uow":{}}', "fault", "eb-1"), "eb-1"),
        (eventbridge(texts.of_record(b"{}"), "fault", "eb-1"), "f-1"),
    ],
)
def test_what_stands_around_a_fault_gives_it_an_id_where_it_has_none(document: bytes, key: str) -> None:
    assert one(document).key == key


def test_a_lakes_record_gives_a_fault_no_id_for_the_same_fault_may_lie_elsewhere() -> None:
    assert one(envelope(b'{"type":"fault","uow":{}}', "key", 7)).key is None
    assert one(envelope(texts.of_record(b"{}"), "key", 7)).key == "f-1"


def test_the_claim_check_of_a_fault_names_its_object() -> None:
    fault = one(eventbridge(texts.claim_check("lake", "us-east-1/claimchecks/f-1"), "fault", "eb-1"))
    assert fault.unit == ClaimCheck("lake", "us-east-1/claimchecks/f-1")
    assert fault.key == "f-1"


@pytest.mark.parametrize("batch", ["KinesisBatchInfo", "DDBStreamBatchInfo"])
def test_a_message_of_a_streams_destination_names_where_its_records_lie(batch: str) -> None:
    arn = (
        texts.STREAM_ARN if batch == "KinesisBatchInfo" else "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/1"
    )
    unit = one(texts.stream_destination(batch=batch, arn=arn)).unit
    assert unit == StreamRange(arn, "shardId-000000000000", "18", "42", 5, 1700611201456, 1700611202580)
    assert unit.source == ("kinesis" if batch == "KinesisBatchInfo" else "dynamodb")


@pytest.mark.parametrize("payload_text", [b"not JSON", b"", b'{"Records":'])
def test_a_payload_that_cannot_be_read_leaves_the_range_in_the_stream(payload_text: bytes) -> None:
    assert isinstance(one(texts.stream_destination(payload_text)).unit, StreamRange)


def test_a_payload_says_how_many_records_it_holds_and_of_which_types() -> None:
    records = [texts.record(data=b'{"type":"%b"}' % name) for name in (b"a", b"b", b"a")]
    fault = one(texts.stream_destination(b'{"Records":[%b]}' % b",".join(records)))
    assert isinstance(fault.unit, Payload)
    assert (fault.unit.count, fault.unit.source, fault.event_types) == (3, "kinesis", ("a", "b"))


RECORDS = {
    "kinesis": b'{"eventSource":"aws:kinesis","kinesis":{},"eventID":"s:1"}',
    "dynamodb": b'{"eventSource":"aws:dynamodb","dynamodb":{"Keys":{"pk":{"S":"k"}},"SequenceNumber":"5"},'
    b'"eventID":"d"}',
    "sqs": b'{"eventSource":"aws:sqs","messageId":"q","body":"x","attributes":{"MessageGroupId":"g"}}',
    "s3": b'{"eventSource":"aws:s3","s3":{}}',
    "sns": b'{"EventSource":"aws:sns","Sns":{"MessageId":"n","TopicArn":"arn:t","Message":"{\\"type\\":\\"t\\"}"}}',
    "other": b'{"eventSource":"aws:kafka"}',
}


@pytest.mark.parametrize("source", RECORDS)
def test_records_of_every_source_are_told_and_sent_as_records(source: str) -> None:
    unit = one(texts.of_record(RECORDS[source])).unit
    assert isinstance(unit, Records)
    assert [(each.source, each.body) for each in unit.records] == [(source, RECORDS[source])]


def test_a_record_says_what_orders_it() -> None:
    def record_of(document: bytes) -> tuple[str | None, ...]:
        unit = one(texts.of_record(document)).unit
        assert isinstance(unit, Records)
        record = unit.records[0]
        return record.event_id, record.partition_key, record.sequence_number, record.shard_id

    assert record_of(texts.record()) == ("shardId-000000000000:1", "k", "1", "shardId-000000000000")
    assert record_of(RECORDS["dynamodb"]) == ("d", '{"pk":{"S":"k"}}', "5", None)
    assert record_of(RECORDS["sqs"]) == ("q", "g", None, None)
    assert record_of(RECORDS["sns"]) == ("n", None, None, None)


@given(extra=texts.extras)
def test_of_a_composite_record_the_queues_message_is_sent(extra: bytes) -> None:
    message = b'{"messageId":"q","body":"{}","x":%b}' % extra
    parts = [b'{"sqs":%b,"sns":{},"s3":{"key":"%d"}}' % (message, number) for number in range(2)]
    assert bodies(one(texts.of_batch(parts))) == [message]


@pytest.mark.parametrize(
    "work",
    [
        b"{}",
        b"null",
        b"7",
        b'{"batch":[]}',
        b'{"batch":7}',
        b'{"record":null}',
        b'{"batch":[7,null]}',
        b'{"batch":[{}]}',
    ],
)
def test_a_fault_without_a_record_says_so(work: bytes) -> None:
    fault = one(texts.library(work))
    assert reason(fault) == "the fault holds no record"
    assert fault.flaws == ()


def test_a_redacted_record_is_named() -> None:
    fault = one(texts.of_record(b'"[CIRCULAR]"'))
    assert reason(fault) == "the record was redacted by the function's library"
    assert fault.flaws == ("redacted",)
    part = one(texts.of_record(texts.record(b'{"ssn":"[REDACTED]"}')))
    assert part.flaws == ("redacted",)
    assert not part.is_whole


def test_what_is_redacted_beside_the_record_does_not_make_it_less_whole() -> None:
    work = b'{"pipeline":"m1","record":%b,"event":{"type":"t","ssn":"[REDACTED]"}}' % texts.record(
        b'"\\"[REDACTED]\\""'
    )
    fault = one(texts.library(work))
    assert (fault.flaws, fault.is_whole) == ((), True)


def test_a_trimmed_fault_is_whole_and_tells_its_events_type_from_the_record() -> None:
    fault = one(texts.library(b'{"batch":[{"record":%b}]}' % texts.record(data=b'{"type":"thing-deleted"}')))
    assert (fault.flaws, fault.is_whole, fault.event_type) == (("trimmed",), True, "thing-deleted")


def test_a_batch_that_lost_a_record_is_not_whole() -> None:
    fault = one(texts.library(b'{"batch":[{"record":%b,"event":{}},{"event":{}}]}' % texts.record()))
    assert (fault.flaws, fault.is_whole) == (("incomplete",), False)


SECRET = "s3cr3t"
DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    ("document", "error"),
    [
        (b"", "NotJson"),
        (b"s3cr3t", "NotJson"),
        (b'{"type":"fault","s3cr3t"', "NotJson"),
        (b'{"type":"fault"}{"type":"fault"}', "NotJson"),
        (b'{"type":"fault","deep":' + DEEP + b"}", "NotJson"),
        (b'{"type":"\xffs3cr3t"}', "NotUtf8"),
        (b'["s3cr3t"]', "NotAFault"),
        (b'{"id":"s3cr3t"}', "NotAFault"),
        (b'{"type":7}', "NotAFault"),
        (b'{"event":"s3cr3t","kinesisRecordMetadata":{}}', "NotAFault"),
        (b'{"rawData":"not base64","attemptsMade":1}', "NotAFault"),
        (b'{"rawData":7,"attemptsMade":1}', "NotAFault"),
        (b'{"Type":"Notification","Message":7}', "NotAFault"),
        (b'{"Type":"Notification","Message":"s3cr3t"}', "NotJson"),
        (b'{"detail":"COMPRESSEDH4sIs3cr3t","detail-type":"fault"}', "NotAFault"),
    ],
)
def test_what_is_no_fault_is_named_without_what_it_says(document: bytes, error: str) -> None:
    problem = decode_fault(document)
    assert isinstance(problem, Problem)
    assert problem.error == error
    assert SECRET not in problem.message


@pytest.mark.parametrize(
    "document",
    [
        b'{"type":"thing-created","s3":{},"uow":{}}',
        eventbridge(b'{"type":"thing-created"}', "thing-created", "eb-1"),
        eventbridge(b'"text"', "Some Other Event", "eb-1"),
        envelope(b'{"type":"thing-created"}', "key", 1),
        texts.async_destination(b"{}", "Success"),
    ],
)
def test_events_of_other_types_and_successes_are_left_out(document: bytes) -> None:
    assert decode_fault(document) == []


def test_an_invocation_whose_event_was_a_fault_is_that_invocations_fault() -> None:
    fault_event = texts.of_record(texts.record())
    assert payload(one(texts.async_destination(fault_event))) == fault_event


@given(extra=texts.extras, wraps=texts.wrappings)
@pytest.mark.parametrize("form", sorted({*texts.DOCUMENTS, "claim-check", "range"}))
def test_a_document_is_of_one_format_only(form: str, extra: bytes, wraps: list[str]) -> None:
    make = texts.DOCUMENTS.get(form)
    bare = make(texts.record(extra)) if make else texts.claim_check() if form == "claim-check" else None
    document = texts.wrapped(bare or texts.stream_destination(), wraps)
    fields = fields_of(document)
    known = [each.name for each in WRAPPINGS if each.recognise(fields)]
    known += [each.name for each in FAMILIES if each.recognise(fields, Hints())]
    assert len(known) == 1


@given(st.binary(max_size=200) | json_texts.values.map(str.encode) | json_texts.events())
def test_nothing_at_all_makes_decoding_fail(document: bytes) -> None:
    assert isinstance(decode_fault(document), list | Problem)


_NAMES = """
    type tags err uow record batch event kinesis sqs eventSource eventID detail detail-type s3 bucket key id body
    requestContext responsePayload requestPayload KinesisBatchInfo payload Records rawData attemptsMade
    kinesisRecordMetadata Type Message functionname timestamp trace name
"""
_names = st.sampled_from(_NAMES.split())
_leaves = st.sampled_from(
    [
        "fault",
        "aws:sns",
        "COMPRESSEDH4sIAAAA",
        "Notification",
        "{}",
        "eyJ9",
        "\ud800",
        None,
        7,
        1e300,
        True,
        "2023-11-22",
    ]
)
_guesses = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=6), max_leaves=25
)


@given(_guesses)
def test_no_mixture_of_known_fields_makes_decoding_fail(value: object) -> None:
    document = json.dumps({"type": "fault", "uow": value, "tags": value, "err": value}).encode()
    assert isinstance(decode_fault(document), list)
    assert isinstance(decode_fault(json.dumps(value).encode()), list | Problem)
