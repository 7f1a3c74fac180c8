"""Faults that are as nearly all are, or nearly so."""

from hypothesis import strategies as st

from tests.faults import fault_texts as texts
from tests.formats import json_texts

_PACKED = texts.packed(b'"m"').decode()
_TEXTS = ['"a"', '""', "null", "7", '"undefined"', '"\\u0043OMPRESSEDH4sI"', _PACKED, '"[REDACTED]"']
_NAMES = ["type", "uow", "batch", "s3", "detail", "detail-type", "Message", "rawData", "x"]
_odd = st.sampled_from(_TEXTS) | json_texts.values
_chance = st.integers(0, 39)


@st.composite
def objects(draw: st.DrawFn, **usual: str | st.SearchStrategy[str]) -> str:
    """An object with nearly all of its fields as usual, in any order, and now and then one more, or one twice."""
    members = []
    for name in draw(st.permutations(sorted(usual))):
        chance, value = draw(_chance), usual[name]
        if chance > 1:
            members.append((name, value if isinstance(value, str) else draw(value)))
        elif chance:
            members.append((name, draw(_odd)))
    if not draw(_chance):
        members.append((draw(st.sampled_from([*usual, *_NAMES])), draw(_odd)))
    return "{" + ",".join(f'"{name}":{value}' for name, value in members) + "}"


_messages = st.sampled_from(
    ['"m"', '"m 7"', '""', '"é \\u00e9"', '"\\"C\\"\\n"', '"COMPRESSED"', '"C\\u004f"', '"\\ud83d\\ude00"']
)
_numbers = st.integers(1, 9)
_kinesis = objects(
    partitionKey=st.sampled_from(['"k"', '"é"', '"k\\t"', f'"{"k" * 256}"']),
    sequenceNumber=_numbers.map('"{}"'.format),
    data='"eyJ0eXBlIjoidCJ9"',
    x="1.50",
)
_record = objects(
    kinesis=_kinesis,
    eventSource='"aws:kinesis"',
    eventID=_numbers.map('"shardId-1:{}"'.format) | _numbers.map('"{}"'.format),
    eventSourceARN='"arn"',
)
_event = objects(type=st.sampled_from(['"thing-created"', '"thing-deleted"']))
_part = objects(record=_record, event=_event, pipeline='"p"', params="{}")
faults = objects(
    type='"fault"',
    timestamp=st.sampled_from(["1700611203000", "0", "7", "253402300799999", "99999999999999", "1700611203000.0"]),
    uow=_part | st.lists(_part, max_size=3).map(lambda parts: f'{{"batch":[{",".join(parts)}],"params":{{}}}}'),
    tags=objects(functionName='"f"', functionname='"undefined"', pipeline='"p"'),
    err=objects(name='"Error"', message=_messages, stack=_messages),
    id=_numbers.map('"f-{}"'.format),
    partitionKey='"k"',
)


wraps = st.sampled_from([[], ["envelope"], ["eventbridge"]]) | texts.wrappings
wrapped = st.tuples(faults.map(str.encode), wraps)
"""A fault, and what is around it."""

RECORD = texts.record().replace(b'"eventID"', b'"eventSource":"aws:kinesis","eventSourceARN":"arn","eventID"')
FAULT = texts.of_record(RECORD)
OTHERS = [b'{"type":"t"}', b'{"id":"1","type":"thing-created","timestamp":7,"thing":{"type":"fault","event":1}}']
MARKS = ["event", "detail", "rawData", "Message", "requestContext"]
NO_OTHERS = [
    *(b'{"type":""}', b'{"type":7}', b'{"type":"fault"}', b'{"type":"\\u0074"}', b'{"a":"t"}', b'["type"]'),
    *(b'{"type":"t","%b":1}' % mark.encode() for mark in MARKS),
]
"""Of another type than a fault, and what is no such event, or is seldom written so."""
ODD = [
    (b'"message":"m"', b'"message":' + texts.packed(b'"m"')),
    (b'"name":"Error"', b'"name":' + texts.packed(b'"Error"')),
    (b'"stack":"s"', b'"stack":' + texts.packed(b'"s"')),
    (b'"name":"Error"', b'"name":{}'),
    (b'"functionname":"', b'"functionName":"f","functionname":"undefined","x":"'),
    (b'"tags":{', b'"tags":{"functionName":"f",'),
    (b'"pipeline":"m1"', b'"pipeline":"undefined"'),
    (b',"event":{"type":"thing-created"}', b""),
    (b',"event":{"type":"thing-created"}', b',"event":{}'),
    (b'"pipeline":"m1","record"', b'"batch":[],"record"'),
    (b'"pipeline":"m1","record"', b'"batch":null,"record"'),
    (b'"x":1', b'"x":"[REDACTED]"'),
    (b'"x":1', b'"x":"\xff"'),
    (b'"x":1', b'"x":' + texts.packed(b"[1]")),
    (b'"eventID"', b'"detail-type":"t","eventID"'),
    (b'"eventID":"shardId-000000000000:1"', b'"eventID":"1"'),
    (b'"aws:kinesis"', b'"aws:sqs"'),
    (b'"timestamp":1700611203000', b'"timestamp":"2023-11-22T00:00:03Z"'),
    (b'"id":"f-1",', b""),
    (b'"uow":', b'"s3":{},"uow":'),
    (b'"type":"fault"', b'"type":"fault","requestContext":{},"requestPayload":{}'),
    (b'"message":"m"', b'"message":"\xff"'),
    (b'"message":"m"', b'"message":"\\ud800"'),
    (b'"type":"fault"', b'"type":""'),
    (b'"type":"fault"', b'"type":"thing-created","detail":{},"detail-type":"fault"'),
    (b'"type":"fault"', b'"type":"fault","event":{"type":"t"},"firehoseRecordMetadata":{}'),
]
"""Of such a fault, whole, what is odd in place of what is usual."""

USUAL = [
    (b'"message":"m"', b'"message":"m 7"'),
    (b'"message":"m"', b'"message":"\\"m\\"\\n"'),
    (b'"message":"m"', b'"message":"C\xc3\xa9"'),
    (b'"message":"m",', b""),
    (b'"name":"Error"', b'"name":"TypeError"'),
    (b'"stack":"s"', b'"stack":"C\\n  at x"'),
    (b'"stack":"s"', b'"stack":"\\u0043OMPRESSEDH4sI"'),
    (b'"message":"m"', b'"message":"COM\\u0050RESSEDH4sI"'),
    (b'"pipeline":"m1"},', b'"pipeline":"m2"},'),
    (b'"pipeline":"m1"},', b'"pipeline":"undefined"},'),
    (b'"pipeline":"m1","record"', b'"record"'),
    (b'"id":"f-1",', b'"id":"f-2",'),
    (b'"id":"f-1",', b""),
    (b'"id":"f-1",', b'"id":"","partitionKey":{},'),
    (b'"type":"fault"', b'"x":1,"type":"fault"'),
    (b'"type":"fault"', b'"type": "fault"'),
    (b'"type":"fault"', b'"type":"faults"'),
    (b'"type":"thing-created"', b'"type":"thing-deleted"'),
    (b'"type":"thing-created"', b'"type":""'),
    (b'"timestamp":1700611203000', b'"timestamp":0'),
    (b'"timestamp":1700611203000', b'"timestamp":1700611203001'),
    (b'"timestamp":1700611203000', b'"timestamp":99999999999999'),
    (b'"timestamp":1700611203000', b'"timestamp":1700611203000.5'),
    (b'"partitionKey":"k"', b'"partitionKey":"\xc3\xa9"'),
    (b'"partitionKey":"k"', b'"partitionKey":"k\\t"'),
    (b'"partitionKey":"k"', b'"partitionKey":"%b"' % (b"k" * 3_000)),
    (b'"partitionKey":"k"', b'"partitionKey":""'),
    (b'"sequenceNumber":"1"', b'"sequenceNumber":"2"'),
    (b'"sequenceNumber":"1"', b'"sequenceNumber":1'),
    (b'"data":"', b'"data":"e30'),
    (b"shardId-000000000000:1", b"shardId-000000000000:2"),
    (b"shardId-000000000000:1", b"shardId-000000000001:1"),
    (b'"eventSource":', b'"eventSourceARN":"arn:2","eventSource":'),
    (b'"eventSourceARN":"arn"', b'"eventSourceARN":"arn:2"'),
    (b'"eventSourceARN":"arn",', b""),
    (b'"uow":{', b'"uow":{"batch":null,'),
    (b'"uow":{', b'"uow":{"record":{},'),
    (b'"x":1', b'"x":[1]'),
    (b'"x":1', b'"x":"COMPRESSEDH4sI"'),
]
"""The same, but much of it is usual, too."""
