"""Pages on their way between processes, and who asks for them."""

import pickle
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from cncbops.lake.bucket import Bucket
from cncbops.lake.objects import LakeObject
from cncbops.lake.pages import Page

NOON = datetime(2018, 4, 8, 12, tzinfo=UTC)
LISTED = st.tuples(
    st.text(max_size=30), st.integers(0, 2**43), st.text("0123456789abcdef-", max_size=34), st.integers(0, 10**9)
)
OBJECTS = st.lists(st.tuples(LISTED, st.sampled_from(["STANDARD", "GLACIER", "STANDARD_IA"])), max_size=8)


def an_object(listed: tuple[str, int, str, int], storage_class: str) -> LakeObject:
    key, size, etag, age_s = listed
    return LakeObject(f"s3://lake/{key}", "lake", key, size, etag, NOON - timedelta(seconds=age_s), storage_class)


@given(OBJECTS, st.lists(st.text(), max_size=3), st.none() | st.text())
def test_a_page_is_the_same_on_the_other_side(
    objects: list[tuple[tuple[str, int, str, int], str]], folders: list[str], token: str | None
) -> None:
    page = Page([an_object(*each) for each in objects], folders, token)
    assert pickle.loads(pickle.dumps(page)) == page


def test_whoever_stands_in_for_a_client_makes_its_list_calls() -> None:
    class StandIn:
        def page(self, bucket: str, asked: Mapping[str, str]) -> Page:
            return Page([], [f"{bucket}/{asked['Prefix']}/{asked.get('ContinuationToken')}"], None)

    bucket = Bucket(cast(Any, StandIn()), "lake")
    assert bucket.page("a/", "further").folders == ["lake/a//further"]
