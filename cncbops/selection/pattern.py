"""AWS Lambda's event filter patterns, compiled once and matched against every record.

A pattern names fields of a Kinesis record; `data` stands for the event inside it:

    {"partitionKey": ["thing-42"], "data": {"type": [{"prefix": "thing-"}]}}

Each part of a pattern becomes a function from a value to one of three outcomes:

    _NO      a field it names is there and does not match, or is missing and should not be
    _ABSENT  the fields it names are all missing, and that is what it asks for
    _YES     a field it names is there and matches, and no other contradicts

Arrays need the third. The fields of an object must match within one element of an array of objects, so
one _YES settles it; but a field is missing only if no element has it, so every one must say _ABSENT.

A value is what JSON holds, except that a number is the bytes of its text: `300`, `300.0` and `3.0e2`
differ, and JSON has no bytes to confuse it with. Objects and arrays hold `msgspec.Raw` text, opened only
along the fields a pattern names. The top level of an event of 240 bytes opens in 0.5 us, of 4.4 kB in
2.3 us. Decoding it whole takes msgspec 0.9 and 12 us, without keeping all numbers as written, and the
json module, which keeps them, 2.3 and 17 us.

Sources: AWS Lambda Developer Guide, "Control which events Lambda sends to your function" and "Using
event filtering with a Kinesis event source"; aws/event-ruler, README for `exists` and `$or`, Event.java
and ACFinder.java for arrays, JsonRuleCompiler.java and Range.java for what is refused.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Never, Self, TypeGuard

import msgspec
from msgspec import Struct

from cncbops.selection.operators import LIKE_THIS, OPERATORS, Path, compile_operator, nth, refusal

MAX_CHARS = 4096  # AWS Lambda API Reference, "Filter"
MAX_DEPTH = 100  # ours: no event is so deep, and matching stays clear of Python's recursion limit

_METADATA = ("kinesisSchemaVersion", "partitionKey", "sequenceNumber", "approximateArrivalTimestamp")
_NO, _ABSENT, _YES = range(3)
_MISSING, _UNREAD = object(), object()

_Fields = dict[str, Any]
_Matcher = Callable[[object], int]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern. `text` is its JSON as typed; `metadata` names the fields it reads beside `data`."""

    text: str
    match: _Matcher = field(compare=False)
    metadata: tuple[str, ...]
    reads_data: bool

    def __reduce__(self) -> tuple[Callable[[str], "Pattern"], tuple[str]]:
        """In another process it is compiled anew."""
        return compile_pattern, (self.text,)

    def matches(self, kinesis: Mapping[str, object], data: bytes) -> bool:
        """Tell whether Lambda would pass the record on.

        `kinesis` holds the record's fields other than `data`, with the arrival time in seconds as a
        float; `data` is the event's JSON. Data that is not JSON fails a pattern that reads it.
        """
        return self.admits(kinesis, _decode(data) if self.reads_data else _UNREAD)

    def admits(self, kinesis: Mapping[str, object], event: object) -> bool:
        """Do the same for an event already decoded, which several patterns may share."""
        if self.reads_data and event is _MISSING:
            return False
        record = {name: _metadatum(kinesis[name]) for name in self.metadata if name in kinesis}
        record["data"] = event
        try:
            return self.match(record) != _NO
        except (UnicodeDecodeError, RecursionError):  # below what the first look at the data checks
            return False


class FilterCriteria(Struct, frozen=True):
    """Patterns of which a record must match one. Without any, every record matches."""

    patterns: tuple[Pattern, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.patterns)

    @classmethod
    def parse(cls, patterns: Iterable[str]) -> Self:
        """Compile the JSON text of each pattern. Raises BadInput."""
        return cls(tuple(map(compile_pattern, patterns)))

    def matches(self, kinesis: Mapping[str, object], data: bytes) -> bool:
        """Tell whether Lambda would pass the record on; arguments as for `Pattern.matches`."""
        event = _UNREAD
        for pattern in self.patterns:
            if pattern.reads_data and event is _UNREAD:
                event = _decode(data)
            if pattern.admits(kinesis, event):
                return True
        return not self.patterns


def compile_pattern(text: str) -> Pattern:
    """Compile the JSON text of one pattern.

    Raises BadInput naming the part at fault, where Lambda's syntax has no such thing.
    """
    fields = _parse(text)
    named = set(_record_fields(fields))
    metadata = tuple(name for name in _METADATA if name in named)
    return Pattern(text, _object((), fields), metadata, reads_data="data" in named)


def _parse(text: str) -> _Fields:
    if len(text) > MAX_CHARS:
        raise refusal((), f"longer than {MAX_CHARS:,} characters", "Split it in two: patterns are OR-ed")
    try:
        fields = _WHOLE.decode(text)
    except (ValueError, RecursionError) as error:
        raise refusal((), f"not JSON ({error})", LIKE_THIS) from error
    if not isinstance(fields, dict):
        raise refusal((), "not an object", LIKE_THIS)
    return fields


def _record_fields(fields: _Fields) -> Iterator[str]:
    """Name the record's fields that a pattern reads, those in an `$or` included. Raises BadInput."""
    for name, value in fields.items():
        if _is_or(name, value):
            for alternative in filter(_holds_fields, value):
                yield from _record_fields(alternative)
        elif name == "data" and not isinstance(value, dict):
            raise refusal((name,), "not an object of the event's fields", LIKE_THIS)
        elif name != "data" and name not in _METADATA:
            problem = f"not a field of a Kinesis record, which has {', '.join(_METADATA)} and data"
            example = json.dumps({"data": {name: ["x"]}})
            raise refusal((name,), problem, f"Put the event's own fields inside data, such as {example}")
        else:
            yield name


def _object(path: Path, fields: _Fields) -> _Matcher:
    """Compile an object, all of whose fields must match; an `$or` counts as one."""
    if not fields:
        raise refusal(path, "an empty object", LIKE_THIS)
    if len(path) > MAX_DEPTH:
        raise refusal((path[0], "..."), f"deeper than {MAX_DEPTH} levels", LIKE_THIS)
    conditions = [_condition(path, name, value) for name, value in fields.items()]

    def match(value: object) -> int:
        if type(value) is list:
            return _match_elements(match, value)
        present = value if type(value) is dict else {}
        outcome = _ABSENT
        for condition in conditions:
            found = condition(present)
            if found == _NO:
                return _NO
            if found == _YES:
                outcome = _YES
        return outcome

    return match


def _condition(path: Path, name: str, value: Any) -> Callable[[_Fields], int]:
    if _is_or(name, value):
        alternatives = _alternatives((*path, name), value)
        return lambda fields: max(match(fields) for match in alternatives)
    match = _field((*path, name), value)
    return lambda fields: match(_open(fields.get(name, _MISSING)))


def _is_or(name: str, value: object) -> bool:
    """Tell an `$or` between objects of fields from a field that happens to have that name."""
    return name == "$or" and isinstance(value, list) and any(map(_holds_fields, value))


def _holds_fields(member: object) -> TypeGuard[_Fields]:
    return isinstance(member, dict) and member.keys().isdisjoint(OPERATORS)


def _alternatives(path: Path, members: list[object]) -> list[_Matcher]:
    alternatives = list(filter(_holds_fields, members))
    if len(alternatives) < max(len(members), 2):
        example = '{"data":{"$or":[{"type":["thing-created"]},{"tags":{"region":["us-east-1"]}}]}}'
        raise refusal(path, "not a list of at least two objects of fields", f"Write it like {example}")
    return [_object(nth(path, index), fields) for index, fields in enumerate(alternatives)]


def _field(path: Path, value: object) -> _Matcher:
    if isinstance(value, dict):
        return _object(path, value)
    if isinstance(value, list) and value:
        return _leaf(path, value)
    raise refusal(path, "neither an object nor a list of at least one value", LIKE_THIS)


def _leaf(path: Path, members: list[object]) -> _Matcher:
    """Compile a list of values and operators, of which a field must match one.

    An event's object where the pattern has a leaf is as good as missing.
    """
    if any(isinstance(member, list) for member in members):
        raise refusal(path, "a list inside a list", LIKE_THIS)
    values = frozenset(member for member in members if not isinstance(member, dict))
    tests = [compile_operator(nth(path, i), each) for i, each in enumerate(members) if isinstance(each, dict)]
    when_missing = _ABSENT if {"exists": False} in members else _NO

    def match(value: object) -> int:
        if type(value) is list:
            return _match_elements(match, value)
        if value is _MISSING or type(value) is dict:
            return when_missing
        if value in values:
            return _YES
        for test in tests:
            if test(value):
                return _YES
        return _NO

    return match


def _match_elements(match: _Matcher, array: list[object]) -> int:
    """Match an array by its elements; an empty one is as good as missing."""
    outcome = match(_MISSING)
    for element in _flat(array):
        found = match(element)
        if found == _YES:
            return _YES
        outcome = min(outcome, found)
    return outcome


def _flat(array: list[object]) -> Iterator[object]:
    for element in map(_open, array):
        if type(element) is list:
            yield from _flat(element)
        else:
            yield element


def _decode(data: bytes) -> object:
    """Open the JSON of an event, or give _MISSING if it is not JSON."""
    try:
        return _LEVEL.decode(data)
    except RecursionError:
        return _MISSING
    except ValueError:
        return _decode_whole(data)


def _decode_whole(data: bytes) -> object:
    """Decode what msgspec refuses and Lambda reads: half a surrogate pair, as Node.js writes a cut emoji."""
    try:
        return _WHOLE.decode(data.decode())
    except (ValueError, RecursionError):
        return _MISSING


def _open(value: object) -> object:
    if not isinstance(value, msgspec.Raw):
        return value
    text = bytes(value)
    return text if text[0] in _NUMBER_START else _LEVEL.decode(text)


def _metadatum(value: object) -> object:
    return repr(value).encode() if isinstance(value, int | float) else value


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is not a JSON number")


_NUMBER_START = frozenset(b"-0123456789")
_LEVEL = msgspec.json.Decoder(dict[str, msgspec.Raw] | list[msgspec.Raw] | str | bool | None)
_WHOLE = json.JSONDecoder(parse_int=str.encode, parse_float=str.encode, parse_constant=_no_constant)
