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
