"""Paths as CloudFront takes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.cdn.paths import distinct, is_tag, is_wildcard, path_of_key, to_item
from cncbops.errors import BadInput

TYPED = st.text(st.characters(min_codepoint=0x20, exclude_characters="*\x7f#", exclude_categories=["Cs"]), max_size=30)


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("/things/42", "/things/42"),
        ("things/42", "/things/42"),
        ("*", "/*"),
        ("/things/*", "/things/*"),
        ("/things*", "/things*"),
        ("/red flower", "/red%20flower"),
        ("/red%20flower", "/red%20flower"),
        ("/100%", "/100%25"),
        ("/%zz%41", "/%25zz%41"),
        ("/blüte", "/bl%C3%BCte"),
        ("/Case", "/Case"),
        ("/dir/", "/dir/"),
        ("//double", "//double"),
        ("/~-._!$&'()+,;=:@", "/~-._!$&'()+,;=:@"),
        ("/list?page=2&q=a b", "/list?page=2&q=a%20b"),
        ("/a#b", "/a%23b"),
        ("/redirect?to=https://example.com/", "/redirect?to=https://example.com/"),
        ("/not-utf-8-\udcff", "/not-utf-8-%FF"),
        ("#Product:Electronics", "#product:electronics"),
    ],
)
def test_what_is_typed_becomes_what_cloudfront_takes(typed: str, sent: str) -> None:
    assert to_item(typed, "PATH") == sent


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("https://d111.cloudfront.net/things?x=1", "type '/things?x=1'"),
        ("d111.cloudfront.net", "type '/'"),
        ("s3://bucket/key", "type '/key'"),
        ("/a/*/b", "at the end only"),
        ("/**", "at the end only"),
        ("", "is no path"),
        ("/tab\tseparated", "is no path"),
        ("/" + "x" * 4_000, "4,001 characters"),
        ("/" + "ü" * 1_000, "6,001 characters"),
        ("#", "is no cache tag"),
        ("#two words", "is no cache tag"),
        ("#a,b", "is no cache tag"),
        ("#" + "x" * 257, "is no cache tag"),
        ("#wild*", "has no wildcard"),
    ],
)
def test_what_cannot_be_sent_is_told_with_where_it_stands(typed: str, told: str) -> None:
    with pytest.raises(BadInput) as problem:
        to_item(typed, "paths.txt:7")
    assert str(problem.value).startswith("paths.txt:7: ")
    assert told in str(problem.value)


@given(TYPED.filter(lambda text: text and "://" not in text and "cloudfront.net" not in text), st.booleans())
def test_normalising_is_idempotent_and_leaves_visible_ascii(text: str, wildcard: bool) -> None:
    item = to_item(text + "*" * wildcard, "PATH")
    assert to_item(item, "PATH") == item
    assert all("!" <= character <= "~" for character in item)
    assert is_wildcard(item) is wildcard


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("things/red flower+1", "/things/red%20flower+1"),
        ("100%25", "/100%2525"),
        ("what?#", "/what%3F%23"),
        ("blüte/", "/bl%C3%BCte/"),
        ("/leading", "//leading"),
        ("star*", None),
    ],
)
def test_a_key_is_encoded_whole(key: str, path: str | None) -> None:
    assert path_of_key(key) == path


def test_what_says_nothing_new_is_dropped() -> None:
    given_ = ["/a/1", "/a/*", "/b", "/a/b/*", "/b", "/a", "/a/", "#a", "/A/1", "#a"]
    left = distinct(given_)
    assert left.items == ["/a/*", "/b", "/a", "#a", "/A/1"]
    assert (left.duplicates, left.covered) == (2, {"/a/*": 3})


ITEMS = st.lists(st.text("ab/*", min_size=1, max_size=5).map(lambda text: "/" + text.rstrip("*").replace("*", "a")))


@given(ITEMS, st.lists(st.booleans(), min_size=1))
def test_nothing_is_dropped_that_is_not_covered_and_nothing_kept_that_is(paths: list[str], stars: list[bool]) -> None:
    items = [path + "*" * stars[number % len(stars)] for number, path in enumerate(paths)]
    left = distinct(items)
    assert len(items) == len(left.items) + left.duplicates + sum(left.covered.values())
    for item in items:
        covers = [each for each in left.items if each == item or (each[-1] == "*" and item.startswith(each[:-1]))]
        assert covers == [next(iter(covers))]


def test_a_wildcard_covers_no_tag() -> None:
    assert distinct(["/*", "#a"]).items == ["/*", "#a"]
    assert is_tag("#a")
