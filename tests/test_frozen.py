"""What a run was asked survives JSON without loss, and two replays are told to be alike or not."""

import os
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cncbops.delivery.sender import SendPolicy
from cncbops.errors import CannotRun
from cncbops.formats.families import FAMILIES
from cncbops.frozen import (
    freeze_request,
    freeze_target,
    freeze_terms,
    thaw_request,
    thaw_terms,
)
from cncbops.function_name import parse_function
from cncbops.kinesis.batching import BatchLimits
from cncbops.kinesis.record import RecordSource
from cncbops.lake.layout import TimeWindow
from cncbops.lake.sources import LocalSource, S3Source, Source, parse_source
from cncbops.likeness import Likeness, likeness
from cncbops.request import ReplayRequest
from cncbops.safety.limits import FailureLimit, Safety
from cncbops.selection.pattern import FilterCriteria
from cncbops.selection.selection import Selection
from cncbops.target import Mapping, Target
from cncbops.terms import Terms, settle

PATTERNS = ('{"data":{"type":["a"]}}', '{ "partitionKey" : [{"prefix":"é"}] }', '{"data":{"x":[{"exists":false}]}}')
FUNCTIONS = (
    "fn", "fn:live", "fn:$LATEST", "123456789012:function:fn", "function:fn:7",
    "arn:aws:lambda:eu-west-1:123456789012:function:fn:live", "arn:aws-cn:lambda:cn-north-1:123456789012:function:fn",
)  # fmt: skip

argument = st.one_of(st.text(), st.binary(max_size=6).map(os.fsdecode))
path = (
    st.binary(min_size=1, max_size=12).filter(lambda name: b"\0" not in name).map(lambda name: Path(os.fsdecode(name)))
)
source: st.SearchStrategy[Source] = st.one_of(
    st.builds(LocalSource, path), st.builds(S3Source, st.sampled_from(["lake", "my_old.Bucket"]), st.text())
)
whole = st.integers(1, 2**63 - 1)
number = st.none() | whole
limit = st.sampled_from(["0", "20", "5%", "2.5%", "0.001%", "100%"]).map(FailureLimit.parse)
moment = st.none() | st.integers(-(10**15), 10**15)
selection = st.builds(
    Selection,
    st.lists(argument, max_size=3).map(tuple),
    st.frozensets(argument, max_size=3),
    st.frozensets(argument, max_size=3),
    st.builds(TimeWindow, moment, moment),
    st.lists(st.sampled_from(PATTERNS), max_size=3).map(FilterCriteria.parse),
)
safety = st.builds(Safety, limit, st.none() | st.floats(0.1, 1e9), st.lists(argument, max_size=2).map(tuple), number)
request = st.builds(
    ReplayRequest,
    sources=st.lists(source, min_size=1, max_size=4).map(tuple),
    function=st.sampled_from(FUNCTIONS).map(parse_function),
    selection=selection,
    family=st.none() | st.sampled_from(FAMILIES),
    dedupe=st.booleans(),
    latest_per_key=st.booleans(),
    since_run=st.none() | st.just("20260101T000000Z-aaaaaa"),
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
terms = st.builds(
    Terms,
    batch_size_from=st.text(),
    concurrency=st.integers(1, 1000),
    concurrency_from=st.text(),
    lanes=st.integers(0, 1000),
    limits=st.builds(BatchLimits, whole, whole, whole),
    policy=st.builds(
        SendPolicy,
        whole,
        whole,
        st.booleans(),
        st.sampled_from(["retry", "fail"]),
        st.sampled_from(["strict", "lenient", "ignored"]),
        number,
    ),
    read_timeout_s=st.just(21.0),
    record_source=st.builds(RecordSource, st.none() | argument, argument, argument, argument),
    mapping_filters=st.lists(argument, max_size=3).map(tuple),
)

PLAIN = ReplayRequest(sources=(S3Source("lake", "s1/"),), function=parse_function("fn"))


def through_json(data: object) -> Any:
    return orjson.loads(orjson.dumps(data))


@given(request)
def test_a_request_comes_back_as_it_was_asked(asked: ReplayRequest) -> None:
    assert thaw_request(through_json(freeze_request(asked))) == asked


@pytest.mark.parametrize("name", [b"a b", b"a\nb", b"\xff/\xc3", b"%41", b"s3:", b"file:x", b"/", b"//x/y", b"-", b"~"])
def test_a_local_path_comes_back_whatever_its_bytes(name: bytes) -> None:
    asked = replace(PLAIN, sources=(LocalSource(Path(os.fsdecode(name))),))
    assert thaw_request(through_json(freeze_request(asked))) == asked


def test_a_source_is_frozen_as_the_operator_could_have_typed_it() -> None:
    asked = replace(PLAIN, sources=(S3Source("lake", "a b/%41"), LocalSource(Path("/x y/\u00e9"))))
    frozen = freeze_request(asked)["sources"]
    assert frozen == ["s3://lake/a b/%41", "/x y/\u00e9"]
    assert tuple(map(parse_source, frozen)) == asked.sources


def test_every_field_of_a_request_is_frozen() -> None:
    assert freeze_request(PLAIN).keys() - {"inventory"} == {field.name for field in fields(ReplayRequest)}
    assert freeze_request(PLAIN)["safety"].keys() == {field.name for field in fields(Safety)}


@given(terms)
def test_terms_come_back_but_for_the_timeout_which_is_of_today(settled: Terms) -> None:
    frozen = through_json(freeze_terms(settled))
    assert "read_timeout_s" not in frozen
    assert thaw_terms(frozen, 915.0) == replace(settled, read_timeout_s=915.0)


def broken(data: dict[str, Any], where: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A copy of plain data with one field changed or, if it is `...`, removed."""
    copy = through_json(data)
    inner = copy
    for name in where[:-1]:
        inner = inner[name]
    if value is ...:
        del inner[where[-1]]
    else:
        inner[where[-1]] = value
    return copy  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("sources",), ...), (("sources",), ["gs://x/"]), (("sources",), [{"percent_encoded": "%ff%ff%ed"}]),
        (("sources",), ["s3://lake/", 7]), (("function",), "not a function"), (("family",), "parquet"),
        (("selection", "types"), None), (("selection", "filters"), ["{}"]), (("selection", "latest"), True),
        (("limit",), "3"), (("on_unknown",), "ask"), (("rate",), "fast"), (("safety", "max_failures"), "many"),
        (("safety", "weather"), "fair"), (("deduplicate",), True),
    ],
)  # fmt: skip
def test_a_request_that_is_damaged_or_newer_is_refused_in_one_line(where: tuple[str, ...], value: Any) -> None:
    with pytest.raises(CannotRun, match="cannot be read") as refused:
        thaw_request(broken(freeze_request(PLAIN), where, value))
    assert "\n" not in str(refused.value)
    assert "newer" in refused.value.next_step


def test_what_an_earlier_version_froze_lacks_what_was_added_since() -> None:
    frozen = freeze_request(PLAIN)
    for name in ("dedupe", "latest_per_key", "since_run"):
        del frozen[name]
    assert thaw_request(through_json(frozen)) == PLAIN


@pytest.mark.parametrize("data", [None, [], "x", {}, 7, {"percent_encoded": "x"}])
def test_what_is_no_frozen_data_at_all_is_refused(data: object) -> None:
    with pytest.raises(CannotRun):
        thaw_request(data)
    with pytest.raises(CannotRun):
        thaw_terms(data, 1.0)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("lanes",), ...), (("lanes",), "16"), (("limits", "records"), None), (("policy", "on_unknown"), "ask"),
        (("policy", "backoff"), 2), (("windows",), 1), (("mapping_filters",), "x"), (("record_source",), []),
    ],
)  # fmt: skip
def test_terms_that_are_damaged_or_newer_are_refused(where: tuple[str, ...], value: Any) -> None:
    settled = settle(PLAIN, Target(PLAIN.function), "eu-west-1")
    with pytest.raises(CannotRun, match="the terms of the run cannot be read"):
        thaw_terms(broken(freeze_terms(settled), where, value), 1.0)


def test_terms_frozen_before_a_field_was_added_get_its_default() -> None:
    settled = settle(PLAIN, Target(PLAIN.function), "eu-west-1")
    older = broken(freeze_terms(settled), ("policy", "service_attempts"), ...)
    assert thaw_terms(older, settled.read_timeout_s) == settled


def test_of_the_function_only_what_moves_is_frozen() -> None:
    mapping = Mapping("uuid-1", "arn:aws:kinesis:eu-west-1:123456789012:stream/s1", True, 25, False, False, (), 0, None)
    target = Target(
        PLAIN.function, arn="arn", version="3", code_sha256="AbC=", last_modified="then", mappings=[mapping]
    )
    facts = {"arn": "arn", "version": "3", "code_sha256": "AbC=", "last_modified": "then", "mapping_uuid": "uuid-1"}
    assert freeze_target(target) == facts
    assert freeze_target(Target(PLAIN.function)) == dict.fromkeys(facts)


def like(asked: ReplayRequest = PLAIN, **changes: Any) -> Likeness:
    where = {"account": "123456789012", "region": "eu-west-1", "endpoint_url": None}
    access = {name: changes.pop(name, value) for name, value in where.items()}
    return likeness(replace(asked, **changes), **access)


FILTERED = FilterCriteria.parse(PATTERNS[:2])
CHOICE = Selection(("a", "b"), frozenset("kl"), frozenset("st"), TimeWindow(1, 2), FILTERED)


@pytest.mark.parametrize(
    "same",
    [
        {"batch_size": 7, "rate": 1.0, "ordered": False, "safety": Safety(canary=1), "on_unknown": "fail"},
        {"selection": replace(CHOICE, types=("b", "a", "b"))},
        {"selection": replace(CHOICE, filters=FilterCriteria.parse(PATTERNS[1::-1]))},
        {"selection": replace(CHOICE, window=TimeWindow(None, 9))},
        {"sources": (S3Source("other", ""),)},
        {"dedupe": True},
        {"latest_per_key": True},
        {"since_run": "20260101T000000Z-aaaaaa"},
        {"function": parse_function("fn:$LATEST")},
        {"function": parse_function("arn:aws:lambda:eu-west-1:123456789012:function:fn")},
    ],
)
def test_the_same_events_to_the_same_function_have_one_key(same: dict[str, Any]) -> None:
    assert like(selection=CHOICE).key == like(**{"selection": CHOICE, **same}).key


@pytest.mark.parametrize(
    "other",
    [
        {"account": "210987654321"}, {"account": None}, {"region": "us-east-1"}, {"endpoint_url": "http://127.0.0.1:1"},
        {"function": parse_function("fn:live")}, {"function": parse_function("fm")},
        {"function": parse_function("arn:aws:lambda:us-east-1:123456789012:function:fn")},
        {"function": parse_function("210987654321:fn")}, {"family": FAMILIES[0]},
        {"selection": replace(CHOICE, types=("a",))}, {"selection": replace(CHOICE, partition_keys=frozenset("st"))},
        {"selection": replace(CHOICE, shards=frozenset())},
        {"selection": replace(CHOICE, filters=FilterCriteria.parse(PATTERNS[:1]))},
    ],
)  # fmt: skip
def test_another_function_or_selection_has_another_key(other: dict[str, Any]) -> None:
    assert like(selection=CHOICE).key != like(**{"selection": CHOICE, **other}).key


def test_arguments_that_are_not_utf8_have_a_key_too() -> None:
    odd = [like(selection=Selection((os.fsdecode(name),))).key for name in (b"\xff", b"\xfe", b"\\udcff")]
    assert len(set(odd)) == 3


window = st.tuples(st.none() | st.integers(0, 6), st.none() | st.integers(0, 6)).filter(
    lambda ends: ends[0] is None or ends[1] is None or ends[0] < ends[1]
)
extents = st.lists(st.text("ab/", max_size=4).map("s3://lake/".__add__), min_size=1, max_size=6).map(tuple)


def contains(ends: tuple[int | None, int | None], moment: int) -> bool:
    return (ends[0] is None or ends[0] <= moment) and (ends[1] is None or moment < ends[1])


@example(("s3://lake/a", "s3://lake/aa"), (None, None), ("s3://lake/ab",), (None, None), "same")
@given(extents, window, extents, window, st.sampled_from(["same", "other"]))
def test_replays_overlap_if_one_event_can_be_in_both(
    some: tuple[str, ...], when: tuple[Any, Any], others: tuple[str, ...], then: tuple[Any, Any], key: str
) -> None:
    one, other = Likeness("same", some, *when), Likeness(key, others, *then)
    in_time = any(contains(when, moment) and contains(then, moment) for moment in range(-1, 8))
    in_space = any(a.startswith(b) or b.startswith(a) for a in some for b in others)
    assert one.overlaps(other) == other.overlaps(one) == (in_time and in_space and key == "same")


def test_a_local_folder_overlaps_with_what_lies_in_it_by_any_path(tmp_path: Path) -> None:
    lake = tmp_path / os.fsdecode(b"lake \xff")
    lake.mkdir()
    (tmp_path / "link").symlink_to(lake)
    whole, inside, beside = (
        like(sources=(LocalSource(place),)) for place in (lake, tmp_path / "link/2018", tmp_path / "lake")
    )
    assert whole.overlaps(inside)
    assert inside.overlaps(whole)
    assert not whole.overlaps(beside)
    assert not beside.overlaps(inside)


def test_a_likeness_can_be_kept_as_json() -> None:
    odd = like(sources=(LocalSource(Path(os.fsdecode(b"/\xff"))), S3Source("lake", "é b/")))
    assert tuple(through_json(odd.sources)) == odd.sources == ("file:///%FF/", "s3://lake/é b/")
