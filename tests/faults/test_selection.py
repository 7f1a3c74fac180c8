"""Which faults a selection chooses."""

import dataclasses
import re
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cncbops.errors import BadInput
from cncbops.faults.fault import ClaimCheck, Fault, Nothing
from cncbops.faults.grouping import fingerprint
from cncbops.faults.selection import FaultSelection, parse_groups
from cncbops.lake.layout import TimeWindow

ARN = "arn:aws:lambda:us-east-1:123456789012:function:my-listener:live"
FAULT = Fault(
    id="f-1",
    function=ARN,
    error="TypeError",
    message="thing thing-1\nhas no name",
    stack=None,
    pipeline="m1",
    event_types=("thing-created", "thing-deleted"),
    timestamp_ms=1_000,
    unit=Nothing("none"),
)
texts = st.text("ab*?[]!-\n\\", max_size=6)


def chooses(selection: FaultSelection, fault: Fault = FAULT) -> bool:
    return selection.test()(fault)


def test_an_empty_selection_chooses_every_fault() -> None:
    assert chooses(FaultSelection())
    assert chooses(FaultSelection(), replace(FAULT, function=None, timestamp_ms=None, event_types=()))


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (FaultSelection(functions=("my-listener",)), True),
        (FaultSelection(functions=("my-*",)), True),
        (FaultSelection(functions=("My-*", "*-trigger")), False),
        (FaultSelection(errors=("Type*",)), True),
        (FaultSelection(errors=("*has no name",)), True),
        (FaultSelection(errors=("has no name",)), False),
        (FaultSelection(types=("*-deleted",)), True),
        (FaultSelection(types=("thing-updated",)), False),
        (FaultSelection(pipelines=("m?",)), True),
        (FaultSelection(pipelines=("m",)), False),
        (FaultSelection(functions=("my-*",), errors=("Range*",)), False),
    ],
)
def test_every_field_that_is_given_must_match_with_one_of_its_globs(selection: FaultSelection, expected: bool) -> None:
    assert chooses(selection) is expected


@given(st.lists(texts, min_size=1, max_size=3), texts)
def test_a_glob_matches_as_fnmatch_does_case_for_case(globs: list[str], text: str) -> None:
    selection = FaultSelection(errors=tuple(globs))
    fault = replace(FAULT, error=text, message=text)
    assert chooses(selection, fault) is any(fnmatchcase(text, glob) for glob in globs)


@given(st.integers(0, 9), st.none() | st.integers(0, 9), st.none() | st.integers(0, 9))
def test_a_window_takes_its_start_in_and_leaves_its_end_out(moment: int, start: int | None, end: int | None) -> None:
    window = FaultSelection(window=TimeWindow(start, end))
    inside = (start is None or start <= moment) and (end is None or moment < end)
    assert chooses(window, replace(FAULT, timestamp_ms=moment)) is inside
    assert chooses(window, replace(FAULT, timestamp_ms=None))


@given(st.integers(4, 12))
def test_a_group_is_named_by_the_beginning_of_its_fingerprint(digits: int) -> None:
    mark = fingerprint(FAULT)
    groups = parse_groups([mark[:digits].upper()])
    assert chooses(FaultSelection(groups=groups))
    assert chooses(FaultSelection(groups=groups), replace(FAULT, message="thing thing-2\nhas no name"))
    other = replace(FAULT, message="something else")
    assert chooses(FaultSelection(groups=groups), other) is fingerprint(other).startswith(mark[:digits])


@pytest.mark.parametrize("text", ["", "abc", "xyzw", "0123456789abc", "*", "abcd\n1"])
def test_what_is_no_fingerprint_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=re.escape(repr(text.lower()))):
        parse_groups([text])


def test_a_claim_check_is_judged_by_what_it_tells_itself() -> None:
    check = replace(FAULT, error="", message="", pipeline=None, event_types=(), unit=ClaimCheck("b", "k"))
    narrow = FaultSelection(functions=("my-*",), errors=("E",), types=("t",), pipelines=("p",), groups=("abcd",))
    assert narrow.test_unread()(check)
    assert narrow.test_unread()(replace(check, function=None))
    assert not narrow.test_unread()(replace(check, function="other"))
    assert not dataclasses.replace(narrow, window=TimeWindow(2_000, None)).test_unread()(check)
