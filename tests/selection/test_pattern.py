"""Lambda's filter patterns, as its documents show them and against properties of any event."""

import json
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cncbops.errors import BadInput
from cncbops.selection.pattern import MAX_CHARS, MAX_DEPTH, FilterCriteria, compile_pattern

KINESIS = {
    "kinesisSchemaVersion": "1.0",
    "partitionKey": "thing-42",
    "sequenceNumber": "49646123700000000000000000000000000000000000000000000018",
    "approximateArrivalTimestamp": 1700611201.456,
}
EVENT = (
    '{"id":"e-1","type":"thing-created","timestamp":1700611200123,"partitionKey":"thing-42",'
    '"tags":{"region":"us-east-1","skip":true,"note":"","gone":null},"labels":["red","blue"],"none":[],'
    '"thing":{"price":15.50,"count":300,"big":3.0e2,"parts":[{"id":1,"kind":"wheel"},{"id":2,"kind":"door"}]}}'
)


def matches(pattern: str, data: str | bytes = EVENT) -> bool:
    return compile_pattern(pattern).matches(KINESIS, data.encode() if isinstance(data, str) else data)


def selects(fields: str, event: str = EVENT) -> bool:
    return matches(f'{{"data":{fields}}}', event)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        # exact values, and lists of them
        ('{"type":["thing-created"]}', True),
        ('{"type":["thing-deleted","thing-created"]}', True),
        ('{"type":["Thing-Created"]}', False),
        ('{"type":["thing"]}', False),
        ('{"tags":{"note":[""]}}', True),
        ('{"type":[""]}', False),
        ('{"tags":{"gone":[null]}}', True),
        ('{"tags":{"absent":[null]}}', False),
        ('{"tags":{"skip":[true]}}', True),
        ('{"tags":{"skip":[false]}}', False),
        ('{"tags":{"skip":["true"]}}', False),
        ('{"tags":{"skip":[1]}}', False),
        # numbers by their written form
        ('{"thing":{"count":[300]}}', True),
        ('{"thing":{"count":[300.0]}}', False),
        ('{"thing":{"count":[3.0e2]}}', False),
        ('{"thing":{"count":["300"]}}', False),
        ('{"thing":{"big":[3.0e2]}}', True),
        ('{"thing":{"big":[3.0E2]}}', False),
        ('{"thing":{"price":[15.50]}}', True),
        ('{"thing":{"price":[15.5]}}', False),
        # fields are AND-ed
        ('{"type":["thing-created"],"tags":{"region":["us-east-1"]}}', True),
        ('{"type":["thing-created"],"tags":{"region":["us-west-2"]}}', False),
        ('{"type":["thing-created"],"absent":["x"]}', False),
        # a repeated key keeps its last value
        ('{"type":["fault"],"type":["thing-created"]}', True),
        ('{"type":["thing-created"],"type":["fault"]}', False),
        # operators on text
        ('{"type":[{"prefix":"thing-"}]}', True),
        ('{"type":[{"prefix":"thing-created"}]}', True),
        ('{"type":[{"prefix":"Thing-"}]}', False),
        ('{"type":[{"prefix":""}]}', True),
        ('{"type":[{"suffix":"-created"}]}', True),
        ('{"type":[{"suffix":"thing-"}]}', False),
        ('{"type":[{"equals-ignore-case":"THING-created"}]}', True),
        ('{"type":[{"equals-ignore-case":"THING"}]}', False),
        ('{"type":["fault",{"suffix":"-deleted"},{"prefix":"thing-"}]}', True),
        ('{"thing":{"count":[{"prefix":"3"}]}}', False),
        ('{"tags":{"gone":[{"prefix":""}]}}', False),
        # anything-but wants a value
        ('{"type":[{"anything-but":["fault"]}]}', True),
        ('{"type":[{"anything-but":"fault"}]}', True),
        ('{"type":[{"anything-but":["fault","thing-created"]}]}', False),
        ('{"thing":{"count":[{"anything-but":300}]}}', False),
        ('{"thing":{"count":[{"anything-but":[100,200]}]}}', True),
        ('{"thing":{"count":[{"anything-but":["300"]}]}}', True),
        ('{"tags":{"gone":[{"anything-but":["fault"]}]}}', True),
        ('{"absent":[{"anything-but":["fault"]}]}', False),
        # numeric compares values
        ('{"thing":{"count":[{"numeric":["=",3e2]}]}}', True),
        ('{"thing":{"big":[{"numeric":["=",300]}]}}', True),
        ('{"thing":{"price":[{"numeric":[">",10,"<=",20]}]}}', True),
        ('{"thing":{"price":[{"numeric":[">",15.5,"<=",20]}]}}', False),
        ('{"thing":{"price":[{"numeric":[">=",15.5,"<",20]}]}}', True),
        ('{"thing":{"price":[{"numeric":[">=",10,"<",15.5]}]}}', False),
        ('{"thing":{"price":[{"numeric":["<",15.5]}]}}', False),
        ('{"thing":{"price":[{"numeric":["<=",15.5]}]}}', True),
        ('{"timestamp":[{"numeric":[">",1700000000000]}]}', True),
        ('{"type":[{"numeric":[">",0]}]}', False),
        ('{"tags":{"skip":[{"numeric":["=",1]}]}}', False),
        ('{"absent":[{"numeric":["<",0]}]}', False),
        # exists is about leaves
        ('{"type":[{"exists":true}]}', True),
        ('{"type":[{"exists":false}]}', False),
        ('{"tags":{"gone":[{"exists":true}]}}', True),
        ('{"absent":[{"exists":true}]}', False),
        ('{"absent":[{"exists":false}]}', True),
        ('{"absent":{"deeper":[{"exists":false}]}}', True),
        ('{"type":{"deeper":[{"exists":false}]}}', True),
        ('{"type":{"deeper":[{"exists":true}]}}', False),
        ('{"tags":[{"exists":true}]}', False),
        ('{"tags":[{"exists":false}]}', True),
        ('{"none":[{"exists":true}]}', False),
        ('{"none":[{"exists":false}]}', True),
        ('{"absent":["x",{"exists":false}]}', True),
        ('{"type":["x",{"exists":false}]}', False),
        # $or joins its siblings with AND
        ('{"$or":[{"type":["fault"]},{"tags":{"region":["us-east-1"]}}]}', True),
        ('{"$or":[{"type":["fault"]},{"tags":{"region":["us-west-2"]}}]}', False),
        ('{"id":["e-1"],"$or":[{"type":["fault"]},{"type":["thing-created"]}]}', True),
        ('{"id":["e-2"],"$or":[{"type":["fault"]},{"type":["thing-created"]}]}', False),
        ('{"tags":{"$or":[{"region":["us-west-2"]},{"note":[""],"skip":[true]}]}}', True),
        ('{"$or":[{"id":["e-2"]},{"$or":[{"id":["e-3"]},{"id":["e-1"]}]}]}', True),
    ],
)
def test_a_pattern_selects_as_documented(fields: str, expected: bool) -> None:
    assert selects(fields) is expected


@pytest.mark.parametrize(
    ("fields", "event", "expected"),
    [
        ('{"$or":["a","b"]}', '{"$or":"b"}', True),
        ('{"$or":[{"prefix":"a"},{"suffix":"b"}]}', '{"$or":"xb"}', True),
        ('{"$or":{"a":["x"]}}', '{"$or":{"a":"x"}}', True),
        ('{"$or":{"a":["x"]}}', '{"a":"x"}', False),
    ],
)
def test_an_or_without_objects_of_fields_is_a_field_of_that_name(fields: str, event: str, expected: bool) -> None:
    assert selects(fields, event) is expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ('{"labels":["blue"]}', True),
        ('{"labels":["green"]}', False),
        ('{"labels":[{"prefix":"re"}]}', True),
        ('{"labels":[{"anything-but":["red"]}]}', True),
        ('{"labels":[{"anything-but":["red","blue"]}]}', False),
        ('{"labels":[{"exists":true}]}', True),
        ('{"labels":[{"exists":false}]}', False),
        ('{"thing":{"parts":{"id":[2]}}}', True),
        ('{"thing":{"parts":{"id":[3]}}}', False),
        ('{"thing":{"parts":{"id":[{"numeric":[">",1]}]}}}', True),
        ('{"thing":{"parts":{"id":[{"exists":false}]}}}', False),
        ('{"thing":{"parts":{"colour":[{"exists":false}]}}}', True),
        ('{"thing":{"parts":[{"exists":true}]}}', False),
    ],
)
def test_an_array_matches_by_any_of_its_elements(fields: str, expected: bool) -> None:
    assert selects(fields) is expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ('{"thing":{"parts":{"id":[1],"kind":["wheel"]}}}', True),
        ('{"thing":{"parts":{"id":[1],"kind":["door"]}}}', False),
        ('{"thing":{"parts":{"id":[1],"$or":[{"kind":["door"]},{"kind":["wheel"]}]}}}', True),
        ('{"thing":{"parts":{"kind":["door"],"colour":[{"exists":false}]}}}', True),
    ],
)
def test_the_fields_of_an_object_must_match_in_one_element(fields: str, expected: bool) -> None:
    assert selects(fields) is expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ('{"parts":[]}', True),
        ('{"parts":[{"id":1},{"id":2}]}', True),
        ('{"parts":[{"id":1},{"gone":1}]}', False),
        ('{"parts":[[{"id":1}],[[{"gone":1}]]]}', False),
        ('{"parts":["text",{"id":1}]}', True),
    ],
)
def test_a_field_is_missing_only_if_no_element_has_it(event: str, expected: bool) -> None:
    assert selects('{"parts":{"gone":[{"exists":false}]}}', event) is expected


def test_arrays_within_arrays_are_laid_flat() -> None:
    event = '{"grid":[[1,[2]],[],[{"x":[3]}]]}'
    assert selects('{"grid":[2]}', event)
    assert selects('{"grid":{"x":[3]}}', event)
    assert not selects('{"grid":[3]}', event)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('{"partitionKey":["thing-42"]}', True),
        ('{"partitionKey":["thing-43"]}', False),
        ('{"sequenceNumber":[{"prefix":"496"}],"kinesisSchemaVersion":["1.0"]}', True),
        ('{"approximateArrivalTimestamp":[{"numeric":[">=",1700611201.456,"<",1700611202]}]}', True),
        ('{"approximateArrivalTimestamp":[1700611201.456]}', True),
        ('{"partitionKey":[{"exists":false}]}', False),
        ('{"partitionKey":["thing-42"],"data":{"type":["thing-created"]}}', True),
        ('{"partitionKey":["thing-43"],"data":{"type":["thing-created"]}}', False),
        ('{"$or":[{"partitionKey":["thing-43"]},{"data":{"type":["thing-created"]}}]}', True),
    ],
)
def test_a_pattern_reads_the_records_metadata(pattern: str, expected: bool) -> None:
    assert matches(pattern) is expected


DEEP = b"[" * 100_000
NOT_JSON = [b"", b"plain text", b"\xff\xfe", b'{"type":"thing-created"', b'{"type":NaN}', b'{"a":' + DEEP]


@pytest.mark.parametrize("data", NOT_JSON)
@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('{"partitionKey":["thing-42"]}', True),
        ('{"data":{"absent":[{"exists":false}]}}', False),
        ('{"$or":[{"partitionKey":["thing-42"]},{"data":{"type":["thing-created"]}}]}', False),
    ],
)
def test_data_that_is_not_json_fails_only_patterns_that_read_it(data: bytes, pattern: str, expected: bool) -> None:
    assert matches(pattern, data) is expected


@pytest.mark.parametrize(
    ("fields", "event", "expected"),
    [
        ('{"n":[{"numeric":[">",1000]}]}', '{"n":1e999999999}', True),
        ('{"n":[{"numeric":[">",1000]}]}', '{"n":1e99999999999999999999999}', True),
        ('{"n":[{"numeric":["<",1000]}]}', '{"n":-1e99999999999999999999999}', True),
        ('{"n":[{"numeric":["=",0]}]}', '{"n":1e-99999999999999999999999}', True),
        ('{"n":[{"numeric":["=",0]}]}', '{"n":-0}', True),
        ('{"n":[0]}', '{"n":-0}', False),
        ('{"n":[{"numeric":[">",1e999999999]}]}', '{"n":1e9999999999}', True),
        ('{"n":[{"numeric":["=",0.3]}]}', '{"n":0.30000000000000001}', False),
        ('{"n":[{"numeric":[">",5]}]}', '{"n":' + "9" * 100_000 + "}", True),
        (
            '{"n":[1234567890123456789012345678901234567890]}',
            '{"n":1234567890123456789012345678901234567890}',
            True,
        ),
        ('{"t":["x"]}', '{"t":"x","cut":"\\ud83d"}', True),
        ('{"cut":["\\ud83d"]}', '{"cut":"\\ud83d","n":1}', True),
        ('{"n":[1]}', '{"cut":"\\ud83d","n":1}', True),
        ('{"t":["\\u0061"]}', '{"t":"a"}', True),
        ('{"t":["x"]}', '{"t":"y","t":"x"}', True),
        ('{"t":["x"]}', ' {"t" : "x" }\n', True),
        ('{"t":["x"]}', '{"t":' + "[" * 500 + '"x"' + "]" * 500 + "}", True),
        ('{"t":["x"]}', "[]", False),
        ('{"t":["x"]}', '"t"', False),
        ('{"t":["x"]}', "null", False),
    ],
)
def test_hostile_json_is_only_json(fields: str, event: str, expected: bool) -> None:
    assert selects(fields, event) is expected


def test_arrays_deeper_than_python_can_follow_match_nothing() -> None:
    found = [selects('{"t":["x"]}', '{"t":' + "[" * deep + '"x"' + "]" * deep + "}") for deep in range(800, 1100, 10)]
    assert found[0]
    assert not found[-1]
    assert found == sorted(found, reverse=True)


def test_text_that_is_not_utf_8_matches_nothing() -> None:
    assert not matches('{"data":{"t":[{"exists":true}]}}', b'{"t":"\xff"}')


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        ("", ": not JSON"),
        ("{'data':1}", ": not JSON"),
        ('{"data":{"n":[NaN]}}', ": not JSON (NaN is not a JSON number)"),
        ("[" * MAX_CHARS, ": not JSON"),
        ('["data"]', ": not an object"),
        ("{}", ": an empty object"),
        ('{"data":{}}', ", at data: an empty object"),
        ('{"data":["x"]}', ", at data: not an object of the event's fields"),
        ('{"data":{"type":"x"}}', ", at data.type: neither an object nor a list of at least one value"),
        ('{"data":{"type":[]}}', ", at data.type: neither an object nor a list of at least one value"),
        ('{"data":{"a":{"b":[["x"]]}}}', ", at data.a.b: a list inside a list"),
        ('{"data":{"a":["x",{}]}}', ", at data.a[1]: not an object of one operator"),
        (
            '{"data":{"a":[{"prefix":"x","suffix":"y"}]}}',
            ", at data.a[0]: not an object of one operator",
        ),
        ('{"data":{"a":[{"wildcard":"*"}]}}', ', at data.a[0]: Lambda does not know the operator "wildcard"'),
        ('{"data":{"a":[{"cidr":"::/0"}]}}', ', at data.a[0]: Lambda does not know the operator "cidr"'),
        ('{"data":{"a":[{"Prefix":"x"}]}}', ', at data.a[0]: Lambda does not know the operator "Prefix"'),
        ('{"data":{"a":[{"prefix":1}]}}', ", at data.a[0]: prefix takes a string"),
        ('{"data":{"a":[{"suffix":["x"]}]}}', ", at data.a[0]: suffix takes a string"),
        (
            '{"data":{"a":[{"prefix":{"equals-ignore-case":"x"}}]}}',
            ", at data.a[0]: prefix takes a string",
        ),
        ('{"data":{"a":[{"exists":"true"}]}}', ", at data.a[0]: exists takes true or false"),
        ('{"data":{"$or":[{"a":["x"]}]}}', ", at data.$or: not a list of at least two objects of fields"),
        (
            '{"data":{"$or":[{"a":["x"]},{"b":["y"]},"c"]}}',
            ", at data.$or: not a list of at least two objects of fields",
        ),
        (
            '{"data":{"$or":[{"a":["x"]},{"prefix":"b"}]}}',
            ", at data.$or: not a list of at least two objects of fields",
        ),
        ('{"data":{"$or":[{"a":["x"]},{}]}}', ", at data.$or[1]: an empty object"),
        ('{"data":{"$or":[{"a":["x"]},{"b":"y"}]}}', ", at data.$or[1].b: neither an object nor a list"),
        ('{"data":{"a\\nb":"x"}}', ", at data.a\\nb: neither"),
    ],
)
def test_what_lambda_does_not_know_is_refused_where_it_stands(pattern: str, what: str) -> None:
    with pytest.raises(BadInput) as refused:
        compile_pattern(pattern)
    assert refused.value.what.startswith("Filter pattern" + what)


@pytest.mark.parametrize(
    "operand",
    ['{"prefix":"x"}', '{"suffix":"x"}', '["a",1]', '["a",{"prefix":"x"}]', "[]", "true", "null", "[[1]]"],
)
def test_anything_but_takes_strings_or_numbers_alone(operand: str) -> None:
    with pytest.raises(BadInput, match="anything-but takes strings or numbers"):
        selects(f'{{"a":[{{"anything-but":{operand}}}]}}')


@pytest.mark.parametrize(
    "operand",
    [
        "5",
        "[]",
        '[">"]',
        "[5]",
        '[5,">"]',
        '["!=",5]',
        '["=>",5]',
        '[">","5"]',
        '[">",true]',
        '[">",1,"<"]',
        '["=",1,"=",1]',
        '["<",9,">",1]',
        '[">",1,">",2]',
        '[">",9,"<",1]',
        '[">=",1,"<=",1]',
        '[">",1,"<",9,"<",8]',
    ],
)
def test_numeric_takes_one_bound_or_a_lower_and_a_higher(operand: str) -> None:
    with pytest.raises(BadInput, match="numeric takes one comparison, or a lower and then a higher bound"):
        selects(f'{{"a":[{{"numeric":{operand}}}]}}')


@pytest.mark.parametrize(
    "pattern",
    [
        '{"type":["x"]}',
        '{"partitionKey":["k"],"type":["y"]}',
        '{"$or":[{"partitionKey":["k"]},{"type":["x"]}]}',
    ],
)
def test_event_fields_beside_data_are_refused_with_the_way_to_write_them(pattern: str) -> None:
    with pytest.raises(BadInput) as refused:
        compile_pattern(pattern)
    assert refused.value.what.startswith("Filter pattern, at type: not a field of a Kinesis record")
    assert refused.value.next_step.endswith('inside data, such as {"data": {"type": ["x"]}}')


def test_every_refusal_shows_a_pattern_that_compiles() -> None:
    operators = ["prefix", "suffix", "equals-ignore-case", "anything-but", "numeric", "exists", "wildcard"]
    for name in operators:
        with pytest.raises(BadInput) as refused:
            selects(f'{{"a":[{{"{name}":{{}}}}]}}')
        example = refused.value.next_step[refused.value.next_step.index("[") :]
        assert selects(f'{{"a":{example}}}', '{"a":"thing-created"}') is (name != "numeric")
    for pattern in ["", '{"type":["x"]}', '{"data":{"$or":[{"a":["x"]},{}]}}']:
        with pytest.raises(BadInput) as refused:
            compile_pattern(pattern)
        compile_pattern(refused.value.next_step[refused.value.next_step.index("{") :])


def test_a_pattern_is_as_long_and_as_deep_as_stated_and_no_more() -> None:
    longest = '{"data":{"a":["' + "x" * (MAX_CHARS - 19) + '"]}}'
    assert len(longest) == MAX_CHARS
    assert not matches(longest)
    with pytest.raises(BadInput, match="longer than 4,096 characters"):
        compile_pattern(longest + " ")

    def nested(levels: int, leaf: str) -> str:
        return '{"a":' * levels + leaf + "}" * levels

    assert selects(nested(MAX_DEPTH, '["x"]'), nested(MAX_DEPTH, '"x"'))
    with pytest.raises(BadInput, match="deeper than 100 levels"):
        selects(nested(MAX_DEPTH + 1, '["x"]'))


def test_several_patterns_are_alternatives() -> None:
    criteria = FilterCriteria.parse(['{"data":{"type":["fault"]}}', '{"partitionKey":["thing-42"]}'])
    other = {**KINESIS, "partitionKey": "thing-43"}
    assert criteria.matches(KINESIS, EVENT.encode())
    assert criteria.matches(KINESIS, b"not JSON")
    assert criteria.matches(other, b'{"type":"fault"}')
    assert not criteria.matches(other, EVENT.encode())
    assert not criteria.matches(other, b"not JSON")


def test_without_patterns_everything_matches() -> None:
    assert FilterCriteria.parse([]).matches(KINESIS, b"not JSON")
    assert not FilterCriteria.parse([])
    assert FilterCriteria.parse(['{"partitionKey":["thing-42"]}'])


def test_one_bad_pattern_refuses_them_all() -> None:
    with pytest.raises(BadInput, match="at type"):
        FilterCriteria.parse(['{"partitionKey":["thing-42"]}', '{"type":["x"]}'])


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=[]), max_size=8)
)
NAMES = st.text(max_size=4).filter(lambda name: name != "$or") | st.just("type")
OBJECTS = st.dictionaries(NAMES, st.deferred(lambda: VALUES), min_size=1, max_size=4)
VALUES: st.SearchStrategy[object] = SCALARS | st.lists(SCALARS, min_size=1, max_size=3) | OBJECTS


def pattern_of(value: object) -> object:
    """The pattern that asks for each leaf of an event by its value; of an array, its last."""
    if isinstance(value, dict):
        return {name: pattern_of(inner) for name, inner in value.items()}
    return [value[-1] if isinstance(value, list) else value]


def compiles_to(fields: object) -> str:
    text = json.dumps({"data": fields})
    assume(len(text) <= MAX_CHARS)
    return text


@given(OBJECTS)
def test_a_pattern_of_an_events_own_leaves_matches_it(event: dict[str, object]) -> None:
    assert matches(compiles_to(pattern_of(event)), json.dumps(event))


@given(OBJECTS, SCALARS, st.data())
def test_an_event_with_one_leaf_changed_matches_no_longer(
    event: dict[str, object], other: object, draw: st.DataObject
) -> None:
    pattern = compiles_to(pattern_of(event))
    inner: dict[str, object] = event
    while isinstance(inner[name := draw.draw(st.sampled_from(list(inner)))], dict):
        inner = inner[name]  # type: ignore[assignment]
    before = inner[name]
    assume(json.dumps(other) not in map(json.dumps, before if isinstance(before, list) else [before]))
    inner[name] = other
    assert not matches(pattern, json.dumps(event))


@given(SCALARS, st.lists(st.text(max_size=3), min_size=1) | st.lists(st.integers(), min_size=1))
def test_anything_but_is_the_opposite_of_the_plain_list(value: object, listed: list[object]) -> None:
    event = json.dumps({"a": value})
    plain, opposite = compiles_to({"a": listed}), compiles_to({"a": [{"anything-but": listed}]})
    assert matches(plain, event) is not matches(opposite, event)


NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,5})(\.[0-9]{1,4})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)


@given(NUMBERS, NUMBERS)
def test_numeric_compares_exact_values(value: str, bound: str) -> None:
    found = {
        sign: selects(f'{{"a":[{{"numeric":["{sign}",{bound}]}}]}}', f'{{"a":{value}}}')
        for sign in ("=", ">", ">=", "<", "<=")
    }
    left, right = Decimal(value), Decimal(bound)
    assert found == {
        "=": left == right,
        ">": left > right,
        ">=": left >= right,
        "<": left < right,
        "<=": left <= right,
    }


@given(st.binary() | st.text().map(str.encode) | OBJECTS.map(lambda event: json.dumps(event).encode()[:-1]))
def test_no_data_can_end_the_run(data: bytes) -> None:
    pattern = compile_pattern('{"data":{"type":[{"prefix":"x"}],"a":{"b":[{"exists":false}]}}}')
    assert pattern.matches(KINESIS, data) in (True, False)


PIECES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["a", "$or", "prefix", "numeric", "anything-but", "exists", "wildcard", ">"]),
            inner,
        )
    ),
)


@given(st.text().map(json.dumps) | PIECES.map(lambda piece: json.dumps({"data": piece})))
def test_a_pattern_compiles_or_is_refused_in_one_line(text: str) -> None:
    outcome: object
    try:
        outcome = compile_pattern(text).matches(KINESIS, EVENT.encode())
    except BadInput as refused:
        outcome = str(refused)
    assert outcome in (True, False) or str(outcome).startswith("Filter pattern")
    assert "\n" not in str(outcome)
