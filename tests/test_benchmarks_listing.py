"""The benchmarks' listings are S3's: keys in order, folders once, nothing twice over pages."""

import re
from pathlib import Path

import pytest

from benchmarks.listing_pages import Bucket

KEYS = ["a/1", "a/2", "b-c", "b/1/x", "b/1/y", "b/2/z", "c"]


@pytest.fixture
def bucket(tmp_path: Path) -> Bucket:
    for key in KEYS:
        path = tmp_path / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(key)
    return Bucket("lake", tmp_path)


def _walk(bucket: Bucket, **query: str) -> tuple[list[str], list[str]]:
    keys, folders = [], []
    while True:
        page = bucket.answer(query)
        keys += re.findall("<Key>(.*?)</Key>", page)
        folders += re.findall("<CommonPrefixes><Prefix>(.*?)</Prefix>", page)
        token = re.search("<NextContinuationToken>(.*?)</NextContinuationToken>", page)
        assert ("<IsTruncated>true" in page) == bool(token)
        if not token:
            return keys, folders
        query["continuation-token"] = token[1]


@pytest.mark.parametrize("size", ["1", "2", "1000"])
def test_all_keys_and_those_below_a_prefix_or_after_a_key(bucket: Bucket, size: str) -> None:
    assert _walk(bucket, **{"max-keys": size}) == (KEYS, [])
    assert _walk(bucket, prefix="b/", **{"max-keys": size}) == (KEYS[3:6], [])
    assert _walk(bucket, prefix="b", **{"start-after": "b/1/x", "max-keys": size}) == (KEYS[4:6], [])
    assert _walk(bucket, prefix="z", **{"max-keys": size}) == ([], [])


@pytest.mark.parametrize("size", ["1", "2", "1000"])
def test_folders_stand_for_what_is_below_them(bucket: Bucket, size: str) -> None:
    assert _walk(bucket, delimiter="/", **{"max-keys": size}) == (["b-c", "c"], ["a/", "b/"])
    assert _walk(bucket, prefix="b/", delimiter="/", **{"max-keys": size}) == ([], ["b/1/", "b/2/"])


def test_a_marker_leaves_out_what_it_names(bucket: Bucket) -> None:
    assert _walk(bucket, marker="b-c") == (KEYS[3:], [])


def test_an_etag_is_nginx_s(bucket: Bucket, tmp_path: Path) -> None:
    info = (tmp_path / "c").stat()
    assert f"<ETag>&quot;{int(info.st_mtime):x}-1&quot;</ETag>" in bucket.answer({"prefix": "c"})
