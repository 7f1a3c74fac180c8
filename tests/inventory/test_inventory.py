"""Inventories: what is listed of them, in which order, and which are refused."""

import gzip
import hashlib
import io
import random
import sys
import tracemalloc
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.errors import BadInput, CannotRun, CncbopsError
from cncbops.inventory.files import rows_of
from cncbops.inventory.inventory import inventory_of
from cncbops.inventory.listed import listed_from, warnings_of
from cncbops.inventory.manifest import DataFile, Manifest, read_manifest
from cncbops.lake.layout import TimeWindow
from cncbops.lake.listing import list_objects
from cncbops.lake.objects import LakeObject
from cncbops.lake.sources import LocalSource, S3Source
from tests.e2e.far_side import FarSide
from tests.e2e.far_side_s3 import StoredObject
from tests.e2e.lakes import HOSTILE_OBJECT_KEYS
from tests.e2e.servers import client as client_of
from tests.inventory.inventories import FIELDS, VERSIONS, Entry, Written, entries_of

PARQUET_FIELDS = ("last_modified_date", "e_tag", "storage_class")
KEYS = st.lists(
    st.one_of(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=12),
        st.text("ab/+% \U0001f4a5\ue000", min_size=1, max_size=8),
        st.sampled_from(
            ["2018/04/08/03/x", "2018/04/08/04/y", "2018/04/09/00/z", "2018/readme/x", "s/2018/04/08/05/x"]
        ),
    ),
    min_size=1,
    max_size=30,
    unique=True,
)


@pytest.fixture(scope="module")
def far() -> Iterator[FarSide]:
    with FarSide() as side:
        yield side


class Listed:
    """Lists from inventories that a far side has, each under a name of its own."""

    def __init__(self, far: FarSide) -> None:
        self.far, self.s3 = far, client_of("s3", far.url)

    def source(self, written: dict[str, Any], *files: Sequence[Entry], prefix: str = "") -> S3Source:
        uri = f"s3://inventories/inv/{uuid.uuid4()}/manifest.json"
        self.far.add_bucket("inventories", Written(uri=uri, **written).objects(*files))
        return S3Source("lake", prefix, uri)

    def objects(
        self, written: dict[str, Any], *files: Sequence[Entry], prefix: str = "", window: TimeWindow | None = None
    ) -> list[LakeObject]:
        return list(list_objects(self.source(written, *files, prefix=prefix), self.s3, window))

    def keys(self, written: dict[str, Any], *files: Sequence[Entry], **more: Any) -> list[str]:
        return [obj.key for obj in self.objects(written, *files, **more)]


@pytest.fixture(scope="module")
def listed(far: FarSide) -> Listed:
    return Listed(far)


@given(KEYS, st.sampled_from(["CSV", "Parquet"]), st.sampled_from(["/", "", "/*-._"]), st.randoms(), st.booleans())
def test_it_lists_what_calls_list(
    listed: Listed, keys: list[str], form: str, safe: str, chance: random.Random, asks: bool
) -> None:
    stored = {key: StoredObject(b"{}") for key in keys}
    listed.far.add_bucket("lake", stored)
    entries = entries_of(stored)
    chance.shuffle(entries)
    cut = chance.randrange(len(entries) + 1)
    prefix = chance.choice(keys)[: chance.randrange(4)]
    hour = int(datetime(2018, 4, 8, 4, tzinfo=UTC).timestamp() * 1000)
    window = TimeWindow(hour, hour + 1) if asks else None

    found = listed.objects({"form": form, "safe": safe}, entries[:cut], entries[cut:], prefix=prefix, window=window)

    assert found == list(list_objects(S3Source("lake", prefix), listed.s3, window))


@pytest.mark.parametrize("form", ["CSV", "Parquet"])
def test_hostile_keys_are_listed_as_they_are(listed: Listed, form: str) -> None:
    assert listed.keys({"form": form}, [Entry(key) for key in HOSTILE_OBJECT_KEYS]) == sorted(HOSTILE_OBJECT_KEYS)


@pytest.mark.parametrize("form", ["CSV", "Parquet"])
def test_older_versions_and_deleted_objects_are_not_listed(listed: Listed, form: str) -> None:
    rows = [
        Entry("a", is_latest=False),
        Entry("a", size=7),
        Entry("b", None, is_delete_marker=True),
        Entry("b", is_latest=False),
    ]
    found = listed.objects({"form": form, "fields": (*VERSIONS, *FIELDS)}, rows)

    assert [(obj.key, obj.size) for obj in found] == [("a", 7)]


def test_of_two_rows_of_a_rolling_snapshot_the_later_is_listed(listed: Listed) -> None:
    old, new = Entry("a", 1), Entry("a", 2, modified=datetime(2018, 4, 9, tzinfo=UTC))

    assert [obj.size for obj in listed.objects({}, [new, old])] == [2]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("form", ["CSV", "Parquet"])
def test_a_field_that_is_missing_is_named(listed: Listed, field: str, form: str) -> None:
    _refuses(listed, {"form": form, "fields": [each for each in FIELDS if each != field]}, BadInput, f"has no {field}")


def test_an_inventory_of_versions_must_tell_the_latest(listed: Listed) -> None:
    _refuses(listed, {"fields": ("VersionId", "IsLatest", *FIELDS)}, BadInput, "has no IsDeleteMarker")


def test_orc_is_refused(listed: Listed) -> None:
    _refuses(listed, {"form": "ORC"}, BadInput, "in ORC, which is not read")


def test_without_pyarrow_parquet_is_refused_and_says_how_to_install_it(
    listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = listed.source({"form": "Parquet"}, [Entry("a")])
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(CannotRun, match=r"pip install 'cncbops\[inventory\]'"):
        list(list_objects(source, listed.s3))


def test_another_buckets_inventory_is_refused(listed: Listed) -> None:
    _refuses(listed, {"bucket": "other"}, BadInput, "is the inventory of s3://other")


def test_an_inventory_that_does_not_name_the_prefix_is_refused(listed: Listed) -> None:
    with pytest.raises(CannotRun, match="names no object under s3://lake/b/"):
        listed.keys({}, [Entry("a/x")], prefix="b/")


@pytest.mark.parametrize(("name", "told"), [("csv.gz", "MD5"), ("manifest.json", "manifest.checksum")])
def test_what_was_changed_is_refused(listed: Listed, name: str, told: str) -> None:
    uri = f"s3://inventories/inv/{uuid.uuid4()}/manifest.json"
    objects = Written(uri=uri).objects([Entry("a")])
    changed = next(key for key in objects if key.endswith(name))
    body = bytearray(objects[changed].body)
    body[-2] ^= 1
    listed.far.add_bucket("inventories", {**objects, changed: StoredObject(bytes(body))})

    with pytest.raises(CannotRun, match=told):
        list(list_objects(S3Source("lake", "", uri), listed.s3))


def test_after_an_error_it_can_be_read_again(listed: Listed) -> None:
    uri = f"s3://inventories/inv/{uuid.uuid4()}/manifest.json"
    objects = Written(uri=uri).objects([Entry("a")])
    data = next(key for key in objects if key.endswith("csv.gz"))
    listed.far.add_bucket("inventories", {**objects, data: StoredObject(b"", vanished=True)})
    with pytest.raises(CannotRun, match="does not exist"):
        list(list_objects(S3Source("lake", "", uri), listed.s3))

    listed.far.add_bucket("inventories", objects)

    assert [obj.key for obj in list_objects(S3Source("lake", "", uri), listed.s3)] == ["a"]


@pytest.mark.parametrize("uri", ["s3://inv/x/manifest.csv", "manifest.json", "s3://inv/", "https://b/manifest.json"])
def test_what_is_no_manifest_is_refused(uri: str) -> None:
    with pytest.raises(BadInput, match="no manifest"):
        listed_from([S3Source("lake", "")], uri)


def test_a_source_of_this_machine_has_no_inventory(tmp_path: Any) -> None:
    with pytest.raises(BadInput, match="without a source in S3"):
        listed_from([LocalSource(tmp_path)], "s3://inv/manifest.json")


def test_its_age_and_what_it_does_not_reach_are_told(listed: Listed) -> None:
    inventory = inventory_of(listed.source({}, [Entry("a")]), listed.s3)
    now, end = datetime(2018, 4, 10, 2, tzinfo=UTC), int(datetime(2018, 4, 9, 1, tzinfo=UTC).timestamp() * 1000)

    assert "26 h old" in warnings_of(inventory, TimeWindow(None, end - 7_200_000), now)[0]
    assert len(warnings_of(inventory, TimeWindow(None, end - 3_600_000), now)) == 1
    assert "2018-04-09T01:00:00Z" in warnings_of(inventory, TimeWindow(None, end), now)[1]


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reading_of_a_manifest(content: bytes) -> None:
    checksum = hashlib.md5(content).hexdigest().encode()
    with pytest.raises(CncbopsError):
        read_manifest(
            "s3://inv/manifest.json", lambda place, _: content if place.prefix == "manifest.json" else checksum
        )


def _changed(**fields: Any) -> bytes:
    """A manifest with other fields."""
    stored = Written(manifest=fields).objects()
    return next(each.body for key, each in stored.items() if key.endswith("manifest.json"))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"x":' + b"[" * 100_000, "recursion"),
        (_changed(creationTimestamp="1" * 5_000), "regex"),
        (_changed(sourceBucket="lake\x1b[31m"), "sourceBucket"),
        (_changed(fileFormat="A" * 1_000), "fileFormat"),
        (_changed(files=[{"key": "data", "size": -1, "MD5checksum": "0" * 32}]), "size"),
        (_changed(files=[{"key": "data", "size": 1, "MD5checksum": "0"}]), "MD5checksum"),
    ],
)
def test_a_hostile_manifest_is_refused_in_a_short_line(content: bytes, told: str) -> None:
    checksum = hashlib.md5(content).hexdigest().encode()
    with pytest.raises(CannotRun, match=told) as raised:
        read_manifest(
            "s3://inv/manifest.json", lambda place, _: content if place.prefix == "manifest.json" else checksum
        )

    assert len(str(raised.value)) < 300
    assert str(raised.value).isprintable()


@pytest.mark.parametrize(
    ("form", "row"),
    [
        ("CSV", Entry("a", size=2**63)),
        ("CSV", Entry("a", size=-1)),
        ("CSV", Entry("a" * 300_000)),
        ("Parquet", Entry("a", etag=None)),  # type: ignore[arg-type]
        ("Parquet", Entry(None)),  # type: ignore[arg-type]
        ("Parquet", Entry("a", size=None)),
    ],
)
def test_rows_that_are_none_are_refused(listed: Listed, form: str, row: Entry) -> None:
    with pytest.raises(CannotRun, match="is not what its manifest says"):
        listed.keys({"form": form}, [row])


def test_parquet_of_other_columns_than_the_manifest_says_is_refused(listed: Listed) -> None:
    schema = "; ".join(f"required binary {name}" for name in ("key", "size", *PARQUET_FIELDS))
    written = {"form": "Parquet", "fields": ("Size",), "manifest": {"fileSchema": schema}}
    with pytest.raises(CannotRun, match="is not what its manifest says"):
        listed.keys(written, [Entry("a")])


def test_memory_is_bounded_for_a_line_that_does_not_end() -> None:
    columns = ["Key", *FIELDS]
    manifest = Manifest("s3://inv/manifest.json", "lake", datetime.now(UTC), "CSV", columns, [])
    packed = io.BytesIO(gzip.compress(b"a" * 50_000_000, 1))
    tracemalloc.start()
    try:
        with pytest.raises(CannotRun, match="is not what its manifest says"):
            list(rows_of(packed, DataFile("data", 1, ""), manifest))
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def _refuses(listed: Listed, written: dict[str, Any], error: type[CncbopsError], told: str) -> None:
    with pytest.raises(error, match=told):
        listed.keys(written, [Entry("a")])
