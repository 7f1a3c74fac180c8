"""A plan's file: written as the dry-run goes, found whole or refused, and compared with lake and function."""

import hashlib
import os
import resource
import stat
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from cncbops.errors import CannotRun
from cncbops.frozen import freeze_target, freeze_terms
from cncbops.function_name import parse_function
from cncbops.lake.objects import LakeObject
from cncbops.lake.sources import LocalSource, S3Source, printable
from cncbops.plans.differences import function_differences, lake_differences
from cncbops.plans.plan_format import PlanHeader
from cncbops.plans.plan_reading import read_plan
from cncbops.plans.plan_writing import PlanWriter
from cncbops.request import ReplayRequest
from cncbops.session.entry import Entry
from cncbops.target import Mapping, Target
from cncbops.terms import settle
from tests.examples import more_examples

WHEN = datetime(2018, 4, 8, 3, 53, 28, 123_000, tzinfo=UTC)
ODD = os.fsdecode(b"/lake \xff\n/%41")
REQUEST = ReplayRequest(
    sources=(S3Source("lake", "s1/"), LocalSource(Path(ODD))), function=parse_function("fn:live"), limit=7
)
SHA = {letter: letter * 43 + "=" for letter in "AB"}
MAPPING = Mapping("uuid-1", "arn:aws:kinesis:eu-west-1:123456789012:stream/s1", True, 25, False, True, (), 0, None)
TARGET = Target(
    REQUEST.function, arn="arn", version="3", code_sha256=SHA["A"], last_modified="then", mappings=[MAPPING]
)
HEADER = PlanHeader(
    request=REQUEST,
    terms=freeze_terms(settle(REQUEST, TARGET, "eu-west-1")),
    function=freeze_target(TARGET),
    region="eu-west-1",
    role_arn=None,
    endpoint_url="http://127.0.0.1:4566",
    account="123456789012",
    by="arn:aws:iam::123456789012:user/ann",
    made=datetime(2026, 7, 13, 14, 0, 0, 1, tzinfo=UTC),
)
COUNTS = {"matched": 9, "by_type": {"thing-created": 9}}


def an_object(key: str, *, bucket: str = "lake", etag: str = "e", size: int = 1) -> LakeObject:
    uri = f"s3://{bucket}/{key}" if bucket else printable(key)
    return LakeObject(uri, bucket, key, size, etag, WHEN, "GLACIER_IR")


def entries(*objects: LakeObject) -> list[Entry]:
    """One entry an object, all read to their end; local ones are the second source's."""
    return [Entry(i, int(not each.bucket), each, read=3, matched=2, ended=True) for i, each in enumerate(objects)]


def written(path: Path, found: Sequence[Entry], header: PlanHeader = HEADER) -> Path:
    with PlanWriter(path, header) as writer:
        writer.write(found, [], [])
        writer.finish(COUNTS)
    return path


def names_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


THREE = entries(an_object("s1/a"), an_object("s1/é\n"), an_object(ODD, bucket=""))


def test_a_plan_comes_back_as_it_was_written(tmp_path: Path) -> None:
    plan = read_plan(written(tmp_path / "plan", THREE))
    assert (plan.header, plan.counts, plan.object_count) == (HEADER, COUNTS, 3)
    assert list(plan.objects()) == [(entry.source, entry.object) for entry in THREE]
    assert list(plan.objects()) == list(plan.objects())


def test_a_plan_of_an_empty_lake_has_no_objects(tmp_path: Path) -> None:
    plan = read_plan(written(tmp_path / "plan", []))
    assert (plan.object_count, list(plan.objects())) == (0, [])


def test_the_hash_is_that_of_all_bytes_before_it(tmp_path: Path) -> None:
    path = written(tmp_path / "plan", THREE)
    data = path.read_bytes()
    digest = hashlib.sha256(data[: -len("0" * 64 + '"}\n')]).hexdigest()
    assert data.endswith(f'"sha256":"{digest}"}}\n'.encode())
    assert read_plan(path).sha256 == digest


names = st.one_of(
    st.text(min_size=1).map(an_object),
    st.binary(min_size=1).map(lambda name: an_object(os.fsdecode(name), bucket="")),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(names, max_size=8), st.none() | st.sampled_from(["NoSuchKey", "CorruptObject"]))
def test_any_object_comes_back_whatever_its_name(tmp_path: Path, objects: list[LakeObject], error: str | None) -> None:
    found = [structs.replace(entry, error=error) for entry in entries(*objects)]
    plan = read_plan(written(tmp_path / "plan", found))
    assert [lake_object for _, lake_object in plan.objects()] == objects


def test_only_the_owner_may_read_a_plan_even_in_the_place_of_an_open_file(tmp_path: Path) -> None:
    path = tmp_path / "plan"
    path.write_text("old")
    path.chmod(0o644)
    assert stat.S_IMODE(written(path, THREE).stat().st_mode) == 0o600
    assert names_in(tmp_path) == ["plan"]


def test_objects_are_written_once_in_order_when_they_have_ended(tmp_path: Path) -> None:
    first, second, third = (structs.replace(entry, ended=False) for entry in THREE)
    with PlanWriter(tmp_path / "plan", HEADER) as writer:
        writer.write([third, first], [], [])
        third.error = "CorruptObject"
        writer.write([second, third], [], [])
        first.ended, first.matched = True, 1_234
        writer.write([first], [], [])
        second.ended = True
        writer.write([second, first], [], [])
        writer.write([first, third], [], [])
        writer.finish({})
    lines = (tmp_path / "plan").read_bytes().splitlines()
    assert len(lines) == 5
    assert b'"matched":1234,' in lines[1]
    assert b'"error":"CorruptObject"' in lines[3]
    assert [each.key for _, each in read_plan(tmp_path / "plan").objects()] == ["s1/a", "s1/é\n", ODD]


def test_an_object_that_cannot_be_read_does_not_hold_up_the_rest(tmp_path: Path) -> None:
    first, second = structs.replace(THREE[0], ended=False, error="NoSuchKey"), structs.replace(THREE[1])
    with PlanWriter(tmp_path / "plan", HEADER) as writer:
        writer.write([first, second], [], [])
        first.error = second.error = "written too late"
        writer.finish({})
    assert b"too late" not in (tmp_path / "plan").read_bytes()
    assert read_plan(tmp_path / "plan").object_count == 2


def test_an_object_that_a_limit_left_half_read_is_in_the_plan(tmp_path: Path) -> None:
    half = [*THREE[:2], structs.replace(THREE[2], ended=False)]
    assert read_plan(written(tmp_path / "plan", half)).object_count == 3


def test_a_plan_that_was_not_finished_leaves_what_was_there(tmp_path: Path) -> None:
    path = written(tmp_path / "plan", THREE)
    before = path.read_bytes()
    with PlanWriter(path, HEADER) as writer:
        writer.write(THREE, [], [])
        assert len(names_in(tmp_path)) == 2
    assert names_in(tmp_path) == ["plan"]
    assert path.read_bytes() == before


@pytest.mark.parametrize("place", ["missing/plan", "file/plan", "folder"])
def test_a_plan_that_cannot_be_written_is_refused_before_the_lake_is_read(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(CannotRun, match="cannot write the plan") as refused:
        PlanWriter(tmp_path / place, HEADER)
    assert "--save-plan" in refused.value.next_step
    assert names_in(tmp_path) == ["file", "folder"]


def test_a_full_disk_is_told_and_leaves_nothing_behind(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with PlanWriter(tmp_path / "plan", HEADER) as writer:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
        try:
            with pytest.raises(CannotRun, match=r"cannot write the plan .*: File too large"):
                writer.finish(COUNTS)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert names_in(tmp_path) == []


@pytest.fixture
def whole(tmp_path: Path) -> bytes:
    """The bytes of a plan."""
    return written(tmp_path / "whole", THREE).read_bytes()


def refusal(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(CannotRun) as refused:
        list(read_plan(path).objects())
    assert "\n" not in str(refused.value)
    assert "Traceback" not in str(refused.value)
    return refused.value.what


@settings(more_examples(5), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_byte_of_a_plan_can_change_unnoticed(tmp_path: Path, whole: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda other: other != whole[place]))
    refusal(tmp_path / "plan", whole[:place] + bytes([byte]) + whole[place + 1 :])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_plan_that_was_cut_is_refused_as_such(tmp_path: Path, whole: bytes, data: st.DataObject) -> None:
    length = data.draw(st.integers(len('{"cncbops_plan":'), len(whole) - 1))
    assert "was changed or cut: its hash does not fit" in refusal(tmp_path / "plan", whole[:length])


def test_a_plan_cut_or_joined_at_the_end_of_a_line_is_refused(tmp_path: Path, whole: bytes) -> None:
    lines = whole.splitlines(keepends=True)
    without_an_object = lines[:1] + lines[2:]
    for other in (lines[:-1], lines[:1], without_an_object, [*lines, *lines[1:]], [*lines, b"\n"]):
        assert "its hash does not fit" in refusal(tmp_path / "plan", b"".join(other))


@pytest.mark.parametrize("data", [b"", b"\n", b"{}", b"[]\n", b"\x1f\x8b\x00", b'{"plan":1}\n', b"x" * 10_000])
def test_another_file_is_no_plan(tmp_path: Path, data: bytes) -> None:
    assert refusal(tmp_path / "f", data).endswith("is no plan of cncbops")


def signed(whole: bytes, old: bytes, new: bytes) -> bytes:
    """A plan with a part replaced and its hash made to fit."""
    assert old in whole
    body = whole.replace(old, new)[: -len("0" * 64 + '"}\n')]
    return body + hashlib.sha256(body).hexdigest().encode() + b'"}\n'


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (b'"cncbops_plan":1', b'"cncbops_plan":2', "is a plan of form 2; this version reads up to 1"),
        (b'"region"', b'"regions":[],"region"', "is no plan that this version reads"),
        (b'"bisect":true,', b"", "what the run was asked cannot be read"),
        (b'"objects":3', b'"objects":4', "is no plan that this version reads"),
        (b'"size":1,', b'"size":1,"parts":2,', "is no plan that this version reads"),
        (b'"size":1,', b'"size":"1",', "is no plan that this version reads"),
        (b'"last_modified":1', b'"last_modified":9999999999999', "is no plan that this version reads"),
        (b'"key":"s1/a"', b'"key":{"percent_encoded":"%ED%A0%80"}', "is no plan that this version reads"),
        (b'"key":"s1/a"', b'"key":7', "is no plan that this version reads"),
    ],
)
def test_a_plan_of_a_newer_version_is_refused(tmp_path: Path, whole: bytes, old: bytes, new: bytes, told: str) -> None:
    assert told in refusal(tmp_path / "plan", signed(whole, old, new))


def test_a_plan_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match=r"cannot read the plan .*: No such file"):
        read_plan(tmp_path / "plan")


def test_another_plan_put_into_its_place_meanwhile_is_noticed(tmp_path: Path) -> None:
    plan = read_plan(written(tmp_path / "plan", THREE))
    written(tmp_path / "plan", THREE[:2])
    with pytest.raises(CannotRun, match="was changed"):
        list(plan.objects())


# Keys on either side of the surrogates, whose order in UTF-8 is not that of UTF-16 or of code points.
KEYS = ["a", "a/b", "a-b", "é", "\ufffd", "\U0001f600", os.fsdecode(b"\xff"), os.fsdecode(b"\xc3")]
place = st.tuples(st.integers(0, 1), st.sampled_from(KEYS))
lake = st.dictionaries(place, st.tuples(st.sampled_from("ef"), st.integers(1, 2)))
Lake = dict[tuple[int, str], tuple[str, int]]


def listing(contents: Lake) -> Iterator[tuple[int, LakeObject]]:
    for source, key in sorted(contents, key=lambda each: (each[0], each[1].encode(errors="surrogateescape"))):
        etag, size = contents[source, key]
        yield source, an_object(key, bucket="", etag=etag, size=size)


@given(lake, lake)
def test_differences_of_a_lake_are_those_that_a_comparison_of_all_finds(planned: Lake, found: Lake) -> None:
    difference = lake_differences(listing(planned), listing(found))
    counts = (difference.changed.count, difference.gone.count, difference.new.count)
    changed = [each for each in planned.keys() & found.keys() if planned[each] != found[each]]
    assert counts == (len(changed), len(planned.keys() - found.keys()), len(found.keys() - planned.keys()))
    assert bool(difference) == (planned != found)
    gone = listing({each: planned[each] for each in planned.keys() - found.keys()})
    assert difference.gone.first == [each.uri for _, each in islice(gone, 3)]


def test_a_lake_is_compared_lazily() -> None:
    held = 0

    def counted(objects: Iterator[tuple[int, LakeObject]], step: int) -> Iterator[tuple[int, LakeObject]]:
        nonlocal held
        for each in objects:
            held += step
            assert abs(held) <= 2, "one side runs ahead of the other"
            yield each

    def many() -> Iterator[tuple[int, LakeObject]]:
        return ((0, an_object(f"{number:05}")) for number in range(1_000))

    assert not lake_differences(counted(many(), 1), counted(many(), -1))


def test_differences_of_a_lake_are_told_in_one_line() -> None:
    planned = [(0, an_object(key)) for key in ("a", "b", "c\nd")]
    found = [(0, an_object("a", etag="f")), (0, an_object("b", size=2))] + [
        (1, an_object(f"n{number:02}")) for number in range(40)
    ]
    difference = lake_differences(planned, found)
    assert difference.text() == (
        "2 objects changed (s3://lake/a, s3://lake/b), 1 is gone (s3://lake/c\\nd), "
        "40 are new (s3://lake/n00, s3://lake/n01, s3://lake/n02 and 37 more)"
    )
    assert lake_differences(planned[:1], []).text() == "1 object is gone (s3://lake/a)"
    assert lake_differences(planned, planned).text() == ""


TERMS = HEADER.terms


def moved(target: Target, **asked: Any) -> list[str]:
    """The differences between the planned function and this one."""
    now = freeze_terms(settle(replace(REQUEST, **asked), target, "eu-west-1"))
    return function_differences(freeze_target(TARGET), freeze_target(target), TERMS, now)


def test_a_function_that_did_not_move_has_no_differences() -> None:
    assert moved(replace(TARGET)) == []


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"version": "4"}, ["version 3 -> 4"]),
        ({"code_sha256": SHA["B"]}, ["code (CodeSha256) AAAAAAAA… -> BBBBBBBB…"]),
        ({"last_modified": "now"}, ["last modified then -> now"]),
        ({"mappings": [replace(MAPPING, uuid="uuid-2")]}, ["event source mapping uuid-1 -> uuid-2"]),
        ({"mappings": [replace(MAPPING, batch_size=50)]}, ["batch size 25 -> 50"]),
        ({"mappings": [replace(MAPPING, partial_responses=False)]}, ["partial responses strict -> ignored"]),
        ({"reserved_concurrency": 4}, ["concurrency 16 -> 2"]),
        (
            {"mappings": [replace(MAPPING, filters=('{"data":{"t":["x"]}}',))]},
            ['filters of the event source mapping [] -> ["{\\"data\\":{\\"t\\":[\\"x\\"]}}"]'],
        ),
        ({"version": "4", "code_sha256": None}, ["version 3 -> 4"]),
        ({"version": None, "code_sha256": None, "last_modified": None}, []),
        ({"role_arn": "arn:aws:iam::123456789012:role/other"}, []),
    ],
)
def test_a_function_that_moved_is_told_fact_by_fact(facts: dict[str, Any], told: list[str]) -> None:
    assert moved(replace(TARGET, **facts)) == told


def test_a_term_that_this_table_does_not_name_is_compared_too() -> None:
    newer = {**TERMS, "policy": {**TERMS["policy"], "backoff_s": 2}}
    assert function_differences({}, {}, TERMS, newer) == ["policy.backoff_s none -> 2"]


def test_times_keep_their_milliseconds(tmp_path: Path) -> None:
    finer = replace(an_object("a"), last_modified=WHEN + timedelta(microseconds=999))
    (found,) = read_plan(written(tmp_path / "plan", entries(finer))).objects()
    assert found[1].last_modified == WHEN
