"""Faults of one cause make one group; of two, two."""

import re
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cncbops.faults import shape as subject
from cncbops.faults.fault import Fault, Nothing
from cncbops.faults.grouping import MOST_GROUPS, Groups, fingerprint
from cncbops.faults.shape import LONGEST_SHAPE, shape

FAULT = Fault(
    id="f-1",
    function="cncb-listener",
    error="Error",
    message="thing thing-42 has no name",
    stack=None,
    pipeline="m1",
    event_types=(),
    timestamp_ms=5_000,
    unit=Nothing("the fault holds no record"),
)

_sentences = st.sampled_from(
    [
        "thing {} has no name",
        "Item '{}' not found",
        'no such "{}"',
        "retry {} of 5",
        "at {}: request failed, request id: {}",
        "[{}]",
        "can't read {}'s page",
    ]
)
_ids = st.one_of(
    st.uuids().map(str),
    st.integers(0, 10**30).map(str),
    st.floats(0, 1e6, allow_nan=False).map(lambda value: f"{value:.3f}"),
    st.datetimes().map(lambda value: f"{value.isoformat(timespec='milliseconds')}Z"),
    st.integers(16**9, 16**40).map(hex),
)


@given(_sentences, st.sampled_from([0, 1]), st.data())
def test_ids_numbers_and_times_are_folded(sentence: str, kind: int, data: st.DataObject) -> None:
    ids = (st.uuids().map(str), st.integers(0, 10**30).map(str))[kind]
    assert shape(sentence.replace("{}", data.draw(ids))) == shape(sentence.replace("{}", data.draw(ids)))


@given(_sentences, _ids)
def test_what_is_folded_is_gone_and_the_words_stay(sentence: str, value: str) -> None:
    form = shape(sentence.replace("{}", value))
    assert value not in form.replace("<", "") or value in sentence
    assert form.split(" ")[0] == sentence.replace("{}", value).split(" ")[0] or "<" in form.split(" ")[0]


@pytest.mark.parametrize(
    ("message", "form"),
    [
        (
            "Cannot read properties of undefined (reading 'name')",
            "Cannot read properties of undefined (reading 'name')",
        ),
        ("Item 'blue car' not found", "Item <quoted> not found"),
        ('Unexpected token "x" in "a\\"b"', "Unexpected token <quoted> in <quoted>"),
        ("'title'", "'title'"),
        ("'thing-42'", "<quoted>"),
        ("can't find the user's page", "can't find the user's page"),
        ("Task timed out after 6.00 seconds", "Task timed out after <n> seconds"),
        ("arn:aws:dynamodb:eu-west-1:123456789012:table/t", "arn:aws:dynamodb:eu-west-<n>:<account>:table/t"),
        ("at 2023-11-22T00:00:01.456Z", "at <time>"),
        ("Wed Nov 22 2023 00:00:00 GMT+0000 (Coordinated Universal Time) is past", "<time> is past"),
        ("ids [1, 2, 3]", "ids [<n>]"),
        ("ids [1, 2]", "ids [<n>]"),
        ("request 4KBNVRGD5RKG26Q9ASUAAJGVVVKV4KQNSO5AEMVJF66Q9", "request <id>"),
        ("thing_42, user12345, s3", "thing_<n>, user<n>, s3"),
        ("commit 9f0a3b1c", "commit <hex>"),
        ("  many\n spaces ", "many spaces"),
        ("", ""),
    ],
)
def test_the_shape_of_a_message(message: str, form: str) -> None:
    assert shape(message) == form


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "Cannot read properties of undefined (reading 'name')",
            "Cannot read properties of undefined (reading 'owner')",
        ),
        ("'title'", "'name'"),
        ("thing 1 has no name", "thing 1 has no owner"),
        ("read s3", "read sqs"),
    ],
)
def test_shapes_of_two_causes_are_told_apart(one: str, other: str) -> None:
    assert shape(one) != shape(other)


@given(st.text(max_size=400))
def test_any_message_has_a_shape_of_bounded_length(message: str) -> None:
    assert len(shape(message)) <= LONGEST_SHAPE


@pytest.mark.parametrize("message", ["'" * 100_000, "a1" * 100_000, '"\\' * 100_000, "1:" * 100_000, "<n> " * 100_000])
def test_no_message_takes_long(message: str) -> None:
    assert len(shape(message)) <= LONGEST_SHAPE


def test_a_fingerprint_is_twelve_hexadecimal_digits_and_never_changes() -> None:
    assert fingerprint(FAULT) == "09653af9b966"


def test_faults_of_one_cause_share_a_fingerprint() -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:cncb-listener:$LATEST"
    same = replace(FAULT, id="f-2", function=arn, message="thing thing-43 has no name", timestamp_ms=9, stack="s")
    assert fingerprint(same) == fingerprint(FAULT)


@pytest.mark.parametrize(
    "change", [{"function": "other"}, {"function": None}, {"pipeline": None}, {"error": "TypeError"}, {"message": "no"}]
)
def test_another_function_pipeline_error_or_shape_is_another_group(change: dict[str, str | None]) -> None:
    assert fingerprint(replace(FAULT, **change)) != fingerprint(FAULT)  # type: ignore[arg-type]


def test_groups_count_and_keep_the_first_and_last_time_and_the_first_example() -> None:
    groups = Groups()
    for number, time_ms in enumerate([5_000, None, 3_000, 9_000]):
        groups.add(replace(FAULT, id=f"f-{number}", timestamp_ms=time_ms), f"object:{number}")
    groups.add(replace(FAULT, error="Rare", timestamp_ms=None), "object:9")
    common, rare = groups.ranked()
    assert (common.count, common.first_ms, common.last_ms, common.shape) == (
        4,
        3_000,
        9_000,
        "thing thing-<n> has no name",
    )
    assert (common.example.id, common.example.place, common.example.message) == ("f-0", "object:0", FAULT.message)
    assert (rare.error, rare.count, rare.first_ms, rare.last_ms) == ("Rare", 1, None, None)
    assert common.fingerprint == fingerprint(FAULT)


def test_groups_are_bounded_and_what_is_beyond_is_counted() -> None:
    groups = Groups()
    for number in range(MOST_GROUPS + 5):
        groups.add(replace(FAULT, error=f"E{number}"), "")
    groups.add(replace(FAULT, error="E0"), "")
    assert len(groups.ranked()) == MOST_GROUPS
    assert groups.others == 5
    assert groups.ranked()[0].count == 2


_PIECES = [
    *("8507f5be-9d39-11ee-9b2e-982214cdf88a", "ABCDEFAB-ABCD-abcd-abcd-abcdefabcdef", "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
    *("5f8d0d55b54764421b7156c1", "deadbeef", "deadbee1", "arn:aws:lambda:us-east-1:", "arn:aws:", "123456789012"),
    *("2023-11-22", "T10:11:12.123Z", "Mon Nov 22 2023 10:11:12 GMT+0100 (CET)", "0x1F", "0x", "3x", "x", "x1b2", "S3"),
    *(
        "a12",
        "1",
        "12",
        "123",
        "1e5",
        "e5",
        "a",
        "z",
        "_",
        "-",
        ".",
        ",",
        ":",
        " ",
        "'",
        '"',
        "`",
        "\\",
        "\n",
        "\u00a0",
    ),
    *("thing", "name", "reading ", "'name'", "\u00e9", "\u0663", "\u2026", "<n>", ">", "(", ")"),
]
_SIDE_BY_SIDE = [
    *("8507f5be-9d39-11ee-9b2e-982214cdf88a", "arn:aws:s3:ABCDEFAB-ABCD-abcd-abcd-abcdefabcdef:", "123456789012"),
    *("5f8d0d55b54764421b7156c1", "a1b2c3d4e5f6g7h", "deadbee1", "deadbe1", "2023-11-22", "0x", "3x", "x", "1", "12"),
    *("123", "e", "_", "-", ".", " ", "'", "\u00e9", "\u2026", "Mon, Nov 22 2023 10:11:12", " GMT", "+0100", " (CET)"),
]
_NATIVE = [None, *([subject.hot] if subject.hot else [])]


@pytest.mark.parametrize("native", _NATIVE)
@given(st.lists(st.sampled_from(_PIECES) | st.text("a0f-: .'<", max_size=9), max_size=9).map("".join) | st.text())
def test_a_shape_is_the_same_where_no_fold_is_passed_over(native: Any, message: str) -> None:
    folded = subject._QUOTED.sub(subject._fold_quoted, message)
    for _, pattern, placeholder in subject._FOLDS:
        folded = pattern.sub(placeholder, folded)
    folded = re.sub(r"\s+", " ", subject._REPEATED.sub(r"\1", folded)).strip()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(subject, "hot", native)
        assert shape.__wrapped__(message) == folded[:LONGEST_SHAPE]


@pytest.mark.parametrize("native", _NATIVE)
def test_a_shape_is_the_same_where_messages_are_made_alike_before(native: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "hot", native)
    for message in map("".join, product(_SIDE_BY_SIDE, repeat=3)):
        alike = subject._alike(message)
        assert len(alike) == len(message)
        assert subject._shape.__wrapped__(alike) == subject._shape.__wrapped__(message), message
