"""What a resubmit was asked survives JSON without loss, and two of them are told to be of the same sources or not."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.errors import CannotRun
from cncbops.faults.selection import FaultSelection
from cncbops.faults.sources import FaultSource, parse_fault_source
from cncbops.frozen_resubmit import freeze_resubmit, thaw_resubmit
from cncbops.function_name import parse_function
from cncbops.lake.layout import TimeWindow
from cncbops.lake.sources import LocalSource, S3Source
from cncbops.likeness import Likeness, likeness_of_faults
from cncbops.queues.source import QueueSource
from cncbops.request import ResubmitRequest
from cncbops.safety.limits import Safety
from tests.test_frozen import FUNCTIONS, argument, broken, moment, number, safety, source, through_json

QUEUES = (
    "listener-faults", "letters.fifo", "arn:aws:sqs:eu-west-1:123456789012:letters",
    "https://sqs.eu-west-1.amazonaws.com/123456789012/letters", "http://127.0.0.1:4566/000000000000/letters",
)  # fmt: skip

sources = st.one_of(source, st.sampled_from(QUEUES).map(QueueSource))
function = st.sampled_from(FUNCTIONS).map(parse_function)
globs = st.lists(argument, max_size=3).map(tuple)
choice = st.builds(
    FaultSelection,
    functions=globs,
    errors=globs,
    types=globs,
    pipelines=globs,
    groups=globs,
    window=st.builds(TimeWindow, moment, moment),
)
request = st.builds(
    ResubmitRequest,
    sources=st.lists(sources, min_size=1, max_size=4).map(tuple),
    choice=choice,
    function=st.none() | function,
    renames=st.lists(st.tuples(argument, function), max_size=3).map(tuple),
    qualifier=st.none() | st.sampled_from(["live", "7", "$LATEST"]),
    one_by_one=st.booleans(),
    again=st.booleans(),
    until_ms=st.integers(0, 10**15),
    limit=number,
    batch_size=number,
    concurrency=number,
    rate=st.none() | st.floats(0.01, 1e9),
    asynchronous=st.booleans(),
    ordered=st.booleans(),
    max_attempts=number,
    bisect=st.booleans(),
    on_unknown=st.sampled_from(["retry", "fail"]),
    stream_arn=st.none() | argument,
    safety=safety,
)

PLAIN = ResubmitRequest(sources=(S3Source("lake", "s1/"),))


@given(request)
def test_a_request_comes_back_as_it_was_asked(asked: ResubmitRequest) -> None:
    assert thaw_resubmit(through_json(freeze_resubmit(asked))) == asked


def test_every_field_of_a_request_is_frozen() -> None:
    frozen = freeze_resubmit(PLAIN)
    assert frozen.keys() - {"inventory"} == {field.name for field in fields(ResubmitRequest)}
    window = {"start_ms", "end_ms"}
    assert frozen["choice"].keys() == {field.name for field in fields(FaultSelection)} - {"window"} | window
    assert frozen["safety"].keys() == {field.name for field in fields(Safety)}


def test_a_source_is_frozen_as_the_operator_could_have_typed_it() -> None:
    asked = replace(PLAIN, sources=(*map(QueueSource, QUEUES), S3Source("lake", "a b"), LocalSource(Path("/x y"))))
    frozen = freeze_resubmit(asked)["sources"]
    assert frozen == [*(f"sqs://{queue}" for queue in QUEUES), "s3://lake/a b", "/x y"]
    assert tuple(map(parse_fault_source, frozen)) == asked.sources


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("sources",), ...), (("sources",), ["gs://x/"]), (("sources",), ["sqs://"]), (("sources",), ["sqs://a b"]),
        (("sources",), ["s3://lake/", 7]), (("function",), "not a function"), (("function",), ...),
        (("renames",), [["fn"]]), (("renames",), [["fn", "no function"]]), (("renames",), {"fn": "gn"}),
        (("choice", "groups"), None), (("choice", "since"), 1), (("choice", "errors"), ...), (("until_ms",), "1"),
        (("until_ms",), ...), (("again",), 1), (("one_by_one",), None), (("qualifier",), 7), (("on_unknown",), "ask"),
        (("safety", "max_failures"), "many"), (("safety", "weather"), "fair"), (("deduplicate",), True),
    ],
)  # fmt: skip
def test_a_request_that_is_damaged_or_newer_is_refused_in_one_line(where: tuple[str, ...], value: Any) -> None:
    with pytest.raises(CannotRun, match="cannot be read") as refused:
        thaw_resubmit(broken(freeze_resubmit(PLAIN), where, value))
    assert "\n" not in str(refused.value)
    assert "newer" in refused.value.next_step


@pytest.mark.parametrize("data", [None, [], "x", {}, 7, {"percent_encoded": "x"}])
def test_what_is_no_frozen_data_at_all_is_refused(data: object) -> None:
    with pytest.raises(CannotRun):
        thaw_resubmit(data)


def like(*named: FaultSource, region: str = "us-east-1", endpoint_url: str | None = None, **asked: Any) -> Likeness:
    request = replace(PLAIN, sources=named, **asked)
    return likeness_of_faults(request, region=region, endpoint_url=endpoint_url)


LAKE, FOLDER = S3Source("lake", ""), S3Source("lake", "s1/")


@pytest.mark.parametrize(
    ("some", "others", "overlaps"),
    [
        ([LAKE], [FOLDER], True),
        ([FOLDER], [FOLDER], True),
        ([FOLDER], [S3Source("lake", "s2/")], False),
        ([LAKE], [S3Source("other", "")], False),
        ([QueueSource("letters")], [QueueSource("letters")], True),
        ([QueueSource("letters")], [QueueSource(QUEUES[2])], True),
        ([QueueSource("letters")], [QueueSource(QUEUES[3])], True),
        ([QueueSource("letters")], [QueueSource("faults")], False),
        ([LAKE, QueueSource("letters")], [QueueSource("faults"), FOLDER], True),
        ([LAKE, QueueSource("letters")], [QueueSource("letters"), S3Source("other", "")], True),
        ([LAKE], [QueueSource("lake")], False),
    ],
)
def test_resubmits_overlap_if_one_fault_can_be_in_both(
    some: list[FaultSource], others: list[FaultSource], overlaps: bool
) -> None:
    assert like(*some).overlaps(like(*others)) is overlaps
    assert like(*others).overlaps(like(*some)) is overlaps


@pytest.mark.parametrize("other", ["letters-2", "letters.fifo", "lettersofbob"])
def test_a_queue_does_not_lie_in_one_whose_name_begins_its_own(other: str) -> None:
    assert not like(QueueSource("letters")).overlaps(like(QueueSource(other)))


@pytest.mark.parametrize(
    "asked",
    [
        {"choice": FaultSelection(functions=("fn",), window=TimeWindow(1, 2))},
        {"function": parse_function("gn"), "renames": (("a", parse_function("b")),), "qualifier": "live"},
        {"limit": 1, "again": True, "one_by_one": True, "until_ms": 9},
    ],
)
def test_what_is_chosen_and_where_it_goes_does_not_matter(asked: dict[str, Any]) -> None:
    assert like(LAKE, **asked).overlaps(like(LAKE))
    assert like(LAKE, **asked).key == like(LAKE).key


def test_resubmits_of_two_regions_or_endpoints_do_not_overlap() -> None:
    assert not like(LAKE).overlaps(like(LAKE, region="eu-west-1"))
    assert not like(LAKE).overlaps(like(LAKE, endpoint_url="http://127.0.0.1:4566"))
