"""Strategies of lines: events as each format wraps them, and envelopes that are odd somewhere."""

from collections.abc import Callable

from hypothesis import strategies as st

from tests.e2e.lakes import envelope, envelope_without_kinesis, eventbridge, firehose_error, raw
from tests.formats import json_texts

Wrap = Callable[[bytes], bytes]

WRAPS: dict[str, Wrap] = {
    "envelope": lambda event: envelope(event, "key", 7),
    "envelope-without-kinesis": lambda event: envelope_without_kinesis(event, 7),
    "eventbridge": lambda event: eventbridge(event, "thing-created", "e-1"),
    "raw": raw,
    "firehose-error": firehose_error,
}
wrapped_events = st.tuples(st.sampled_from(sorted(WRAPS)), json_texts.events())
"""The name of a wrap, and an event for it."""


_odd = st.sampled_from(['"a"', '""', "7", "null", "true", "-1", "0", '"1700611201456"', "1e3", "2.0", "[]"])
_fields = st.one_of(_odd, _odd, json_texts.values)


@st.composite
def odd_envelopes(draw: st.DrawFn) -> bytes:
    """Envelopes whose fields may be anything, or missing, or there twice."""
    names = ["shardId", "partitionKey", "sequenceNumber", "approximateArrivalTimestamp", "deliveryStreamArn", "region"]
    of_record = st.lists(st.tuples(st.sampled_from(names), _fields), max_size=5)
    event = draw(json_texts.events() | _fields.map(str.encode))
    kinesis, firehose = (",".join(f'"{name}":{value}' for name, value in draw(of_record)) for _ in range(2))
    metadata = f'"kinesisRecordMetadata":{{{kinesis}}},"firehoseRecordMetadata":{{{firehose}}}'
    return b'{"event":%b,%b}' % (event, metadata.encode())
