from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.errors import BadInput
from cncbops.lake.sources import LocalSource, S3Source, Source, parse_source, without_overlaps


@pytest.mark.parametrize("prefix", ["", "a/b/", "a b+c%2Fd%20", "é/日本/", "/x", "a//b", "?versionId=1", "#x"])
def test_an_s3_prefix_is_taken_literally(prefix: str) -> None:
    source = parse_source(f"s3://lake/{prefix}")
    assert source == S3Source("lake", prefix)
    assert source.uri == f"s3://lake/{prefix}"


def test_a_bucket_alone_is_the_whole_bucket() -> None:
    assert parse_source("s3://my_old.Bucket") == S3Source("my_old.Bucket", "")


@pytest.mark.parametrize(
    "text",
    [
        "s3://", "s3:///key", "s3://a", "s3://b cket/x", "s3://user:pass@lake/x", "s3://lake\n/x", "s3://läke/",
        "S3://lake/x", "https://lake.s3.amazonaws.com/x", "gs://lake/x", "file://host/x", "file://", "",
        "a\0b", "file:///a%00b", "s3://lake/\udcff",
    ],
)  # fmt: skip
def test_what_names_no_source_is_refused_in_one_line_with_a_next_step(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_source(text)
    assert "\n" not in str(refused.value)
    assert refused.value.next_step


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("file:///tmp/a%20b%2Bc+d", "/tmp/a b+c+d"),
        ("file://localhost/tmp/%C3%A9", "/tmp/é"),
        ("lake/2018", "lake/2018"),
        ("~/lake", "~/lake"),
        ("a%20b", "a%20b"),
        ("s3:/x", "s3:/x"),
    ],
)
def test_a_local_source_is_a_path_and_only_a_file_url_is_decoded(text: str, path: str) -> None:
    assert parse_source(text) == LocalSource(Path(path))


def test_a_path_that_is_not_utf8_can_be_printed() -> None:
    source = parse_source("file:///tmp/%FF")
    assert source == LocalSource(Path("/tmp/\udcff"))
    assert source.uri == "/tmp/\\xff"


def test_a_source_inside_another_is_dropped() -> None:
    texts = ["s3://lake/a/b", "s3://lake/c", "s3://lake/a", "s3://lake2/a", "x/y/z.json", "x/y", "x/yy", "s3://lake/a"]
    kept, dropped = without_overlaps([parse_source(text) for text in texts])
    assert [source.uri for source in kept] == ["s3://lake/c", "s3://lake/a", "s3://lake2/a", "x/y", "x/yy"]
    assert [source.uri for source in dropped] == ["s3://lake/a/b", "x/y/z.json", "s3://lake/a"]


def test_a_local_source_is_recognised_by_another_path(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "lake")
    same = [LocalSource(tmp_path / "lake"), LocalSource(tmp_path / "link"), LocalSource(tmp_path / "x/../lake/a")]
    assert without_overlaps(same) == (same[:1], same[1:])
    assert without_overlaps([LocalSource(Path("/")), *same]) == ([LocalSource(Path("/"))], same)


s3_sources = st.builds(S3Source, st.sampled_from(["lake", "lake2"]), st.text("ab/", max_size=4))


@given(st.lists(s3_sources, max_size=8))
def test_every_key_is_covered_by_exactly_one_kept_source(sources: list[Source]) -> None:
    kept, dropped = without_overlaps(sources)
    assert sorted(s.uri for s in [*kept, *dropped]) == sorted(s.uri for s in sources)
    for source in sources:
        assert sum(source.uri.startswith(cover.uri) for cover in kept) == 1
