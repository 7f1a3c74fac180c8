"""A listing in pieces side by side: the same keys in the same order as page after page, within bounds."""

import gc
import itertools
import random
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cncbops.lake.bucket import Bucket
from cncbops.lake.in_order import in_order, most_held
from cncbops.lake.layout import TimeWindow
from cncbops.lake.listing import LISTERS, list_objects
from cncbops.lake.objects import LakeObject
from cncbops.lake.pages import Page
from cncbops.lake.sources import S3Source
from cncbops.lake.stretch import Hopes, Stretch, _Cut, _Folder, _Piece
from tests.e2e import far_side_s3
from tests.lake.listings import WAIT_S, Far, Query, far, list_threads

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

START = datetime(2018, 4, 8, tzinfo=UTC)
quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def hours(count: int, each: int, prefix: str = "s1/") -> list[str]:
    times = [START + timedelta(hours=hour, seconds=3600 * at / each) for hour in range(count) for at in range(each)]
    return [f"{prefix}{time:%Y/%m/%d/%H}/s1-1-{time:%Y-%m-%d-%H-%M-%S}-{at:05}" for at, time in enumerate(times)]


def hashes(count: int, prefix: str = "faults/") -> list[str]:
    chance = random.Random(6)
    return [f"{prefix}{chance.getrandbits(128):032x}.json" for _ in range(count)]


def an_object(key: str) -> LakeObject:
    return LakeObject(f"s3://lake/{key}", "lake", key, 1, "etag", START, "STANDARD")


def numbers(count: int) -> list[str]:
    return [f"x/{number:06}" for number in range(count)]


def skewed() -> list[str]:
    """A thousand folders of a few objects, and two of many."""
    return [f"c/{at:04}/{each:04}" for at in range(300) for each in range(300 if at in (70, 200) else 2)]


letters = st.text(st.sampled_from("ab/0/19-.é\U0001f600\uffff "), min_size=1, max_size=7)
counted = st.builds(
    lambda begin, count, step: [f"{begin}{number:03x}" for number in range(0, count * step, step)],
    st.sampled_from(["", "a/", "a/b/c", "z//"]), st.integers(1, 60), st.integers(1, 9),
)  # fmt: skip
nested = st.builds(
    lambda begin, folders, each: [f"{begin}{at:02}/{n}" for at in range(folders) for n in range(each)],
    st.sampled_from(["", "a/", "a/b", "s/2018/04/"]), st.integers(1, 9), st.integers(1, 14),
)  # fmt: skip
dated = st.integers(1, 60).map(lambda count: hours(count, 2, ""))
lakes = st.lists(st.one_of(letters.map(lambda key: [key]), counted, nested, dated), max_size=8).map(
    lambda parts: set(itertools.chain.from_iterable(parts))
)
prefixes = st.sampled_from(["", "a", "a/", "a/b/", "s/2018/0", "2018/04/08/0", "z/"])
windows = st.none() | st.builds(
    lambda hour, length: TimeWindow(
        begin := int((START + timedelta(hours=hour)).timestamp() * 1000), begin + length * 3_600_000
    ),
    st.integers(-5, 60), st.integers(1, 40),
)  # fmt: skip


@quick
@given(lakes, prefixes, windows, st.integers(2, 7))
@example({f"a/{n:03}" for n in range(60)} | {"a/010", "a/0100", "a/01/"}, "", None, 2)
@example({*hours(40, 3, ""), "2018/04/08/00", "2018/04/08/010", "2018/04/08/03/"}, "", None, 3)
def test_the_keys_and_their_order_are_those_of_page_after_page(
    client: "S3Client", lake: set[str], prefix: str, window: TimeWindow | None, page: int
) -> None:
    with far(client, lake, page) as side:
        plain = list(side.listed(prefix, window, at_once=1))
        assert list(side.listed(prefix, window)) == plain
    wanted = [key for key in sorted(lake) if key.startswith(prefix)]
    assert plain == (wanted if window is None else [key for key in wanted if key in set(plain)])


@pytest.mark.parametrize(
    ("lake", "prefix", "most"),
    [
        (hours(100, 27), "s1/", 1.35),
        (hours(60, 30), "s1/", 1.2),
        (hours(24 * 20, 2), "s1/", 1.8),
        (hashes(1_000), "faults/", 2.2),
        (numbers(1_000), "x/", 1.4),
        (skewed(), "c/", 1.9),
    ],
    ids=["hours", "hours of whole pages", "small hours", "hashes", "numbers", "skewed"],
)  # fmt: skip
def test_few_calls_are_in_vain_and_many_are_made_at_once(
    client: "S3Client", lake: list[str], prefix: str, most: float
) -> None:
    with far(client, lake, 10) as side:
        many = LISTERS // 2

        def meet(_: Query) -> None:
            """Each waits a little for others, until many have met."""
            with side.changed:
                side.changed.wait_for(lambda: side.most >= many, 0.02)

        side.before = meet
        assert list(side.listed(prefix)) == side.keys
    assert many <= side.most <= LISTERS
    assert len(side.asked) <= most * side.pages


def test_a_part_whose_page_comes_late_does_not_grow_into_a_folder_that_is_listed_by_itself(client: "S3Client") -> None:
    """Of a row of folders: so wide as two is thought, until a large one is met and the next is asked for alone."""
    objects = [an_object(f"p/{folder}/{at}") for folder in "abcd" for at in range(3)]
    piece = _Piece(Stretch(Bucket(client, "lake"), "p/", Hopes()), "p/a/", None)
    cut = _Cut(piece, Page([], ["p/a/", "p/b/", "p/c/", "p/d/"], None), ["p/a/", "p/b/", "p/c/", "p/d/"], 2, 10)
    parts = cut.pieces()
    wide = next(parts)
    cut.learn_of_folder(Page(objects[:10], [], "more"))
    alone = next(parts)
    assert isinstance(wide, _Piece)
    assert isinstance(alone, _Folder)
    first, *_ = wide.answer(Page(objects[:11], [], "more"))
    last = next(parts)
    assert isinstance(last, _Folder)
    assert [obj.key for obj in first] == [obj.key for obj in objects[:6]]
    assert [alone.piece.begin, last.piece.begin] == ["p/c/", "p/d/"]


@pytest.mark.parametrize("lake", [hours(40, 12), hashes(300, "s1/"), skewed()], ids=["hours", "hashes", "skewed"])
def test_pages_that_come_in_the_reverse_of_their_order_are_given_in_order(client: "S3Client", lake: list[str]) -> None:
    with far(client, lake, 5) as side:
        waiting: list[Query] = []

        def last_first(query: Query) -> None:
            with side.changed:
                waiting.append(query)
                assert side.changed.wait_for(lambda: waiting[-1] is query, WAIT_S)

        def leave(query: Query, answer: far_side_s3.Answer) -> far_side_s3.Answer:
            with side.changed:
                waiting.remove(query)
            return answer

        side.before, side.after = last_first, leave
        assert list(side.listed()) == side.keys


@pytest.mark.parametrize(("keys", "calls"), [(0, 1), (10, 1), (11, 2), (20, 2), (21, 4)])
def test_a_small_lake_takes_as_many_calls_as_it_has_pages(client: "S3Client", keys: int, calls: int) -> None:
    with far(client, numbers(keys), 10) as side:
        assert list(side.listed("x/")) == side.keys
    assert len(side.asked) <= calls


def test_no_more_is_asked_for_than_was_taken_and_what_may_lie_ahead(client: "S3Client") -> None:
    with far(client, hours(100, 27), 10) as side, closing(side.listed("s1/")) as listing:
        next(listing)
        assert len(side.asked) == 1
        for pages in range(1, 60):
            assert len(list(itertools.islice(listing, 10))) == 10
            assert len(side.asked) <= pages * 1.6 + most_held(LISTERS) + 12  # those that look for folders bring no page
        assert len(side.asked) > 60 + LISTERS / 2


def test_what_is_given_up_while_calls_are_under_way_ends_with_them(client: "S3Client") -> None:
    with far(client, numbers(3_000), 10) as side:
        with closing(side.listed("x/")) as listing:
            assert len(list(itertools.islice(listing, 200))) == 200
        assert (side.under_way, list_threads()) == (0, [])


def refusing(side: Far, key: str) -> None:
    """Refuse each page that holds a key."""

    def refuse(query: Query, answer: far_side_s3.Answer) -> far_side_s3.Answer:
        is_there = f"<Key>{key}</Key>".encode() in answer.body
        return far_side_s3.error(403, "AccessDenied", "Access Denied") if is_there else answer

    side.after = refuse


@pytest.mark.parametrize("at", [0, 15, 300, 809])
@pytest.mark.parametrize("at_once", [1, LISTERS])
def test_an_error_comes_where_the_keys_would_have_come(client: "S3Client", at: int, at_once: int) -> None:
    with far(client, hours(30, 27), 10) as side:
        refusing(side, side.keys[at])
        found: list[str] = []
        with pytest.raises(ClientError, match="AccessDenied"):
            found.extend(side.listed("s1/", at_once=at_once))
    assert found == side.keys[: len(found)]
    assert at - 10 < len(found) <= at


@pytest.mark.parametrize("may_look", [False, True], ids=["nor their names", "but for their names"])
def test_folders_that_may_not_be_asked_for_are_listed_all_the_same(client: "S3Client", *, may_look: bool) -> None:
    with far(client, hours(30, 27), 10) as side:
        denied = far_side_s3.error(403, "AccessDenied", "Access Denied")

        def may(query: Query) -> bool:
            return may_look if "delimiter" in query else query["prefix"] == "s1/"

        side.before = lambda query: None if may(query) else denied
        assert list(side.listed("s1/")) == side.keys
    refused = [query for query in side.asked if "delimiter" not in query and not may(query)]
    assert may_look is bool(refused)
    assert len(refused) <= LISTERS, "those under way when the first was refused"


@pytest.mark.parametrize("prefix", ["", "s1/", "s1/2018/"])
def test_the_folders_in_which_a_window_begins_and_ends_are_asked_for_at_once(client: "S3Client", prefix: str) -> None:
    asked = TimeWindow(*(int((START + timedelta(hours=at)).timestamp() * 1000) for at in (20, 28)))
    lake = hours(72, 3, f"{prefix.removesuffix('2018/')}")
    below = ["2018/", "2018/04/", "2018/04/08/", "2018/04/09/"]
    levels = {prefix, *(f"{prefix.removesuffix('2018/')}{each}" for each in below)}
    with far(client, lake, 30) as side:
        together = threading.Barrier(len(levels))
        side.before = lambda query: together.wait(WAIT_S) and None if "delimiter" in query else None
        assert len(list(side.listed(prefix, asked))) == 10 * 3  # with the hour before and the hour after
    assert sorted(query["prefix"] for query in side.asked if "delimiter" in query) == sorted(levels)


@pytest.mark.parametrize("lake", [hours(10, 27), numbers(200)], ids=["hours", "numbers"])
def test_a_server_that_lists_from_no_key_on_is_listed_all_the_same(client: "S3Client", lake: list[str]) -> None:
    with far(client, lake, 10) as side:

        def forget(query: Query) -> None:
            query.pop("start-after", None)

        side.before = forget
        assert list(side.listed()) == side.keys
        assert len(side.asked) <= side.pages * 3


def test_a_bucket_without_order_is_listed_in_its_own(client: "S3Client") -> None:
    with far(client, numbers(200), 10) as side:
        random.Random(6).shuffle(side.bucket._keys)
        order = list(side.bucket._keys)
        pages = [order[at : at + 10] for at in range(0, 200, 10)]

        def page(query: Query) -> far_side_s3.Answer:
            at = int(query.get("continuation-token", "0"))
            return side.bucket._page(query, pages[at], str(at + 1) if at + 1 < len(pages) else "")

        side.before = page
        assert list(side.listed("x/")) == order
        assert len(side.asked) == len(pages)


def test_an_empty_page_is_not_the_end(client: "S3Client") -> None:
    """S3 gives one where it went over many deleted keys."""
    with far(client, numbers(30), 10) as side:
        empty = iter([True, False])

        def page(query: Query) -> far_side_s3.Answer | None:
            if query.get("continuation-token") == "again":
                del query["continuation-token"]
                return None
            return side.bucket._page(query, [], "again") if next(empty, False) else None

        side.before = page
        assert list(side.listed("x/")) == side.keys


@pytest.mark.parametrize("at_once", [1, LISTERS // 2, LISTERS])
def test_the_objects_of_pages_that_were_taken_are_not_kept(client: "S3Client", at_once: int) -> None:
    with far(client, numbers(2_000), page=20) as side:
        held = max(live_objects() for at, _ in enumerate(side.listed(at_once=at_once)) if at % 500 == 499)
    assert held <= 20 * (1 if at_once == 1 else most_held(at_once) + 2)


def test_pages_on_the_way_are_not_kept_where_cuts_are_made_within_cuts(client: "S3Client") -> None:
    """Times, of which a page holds some seconds: guesses go as far as the minute, and each minute goes on."""
    with far(client, hours(1, 2_000, "x/"), page=20):
        listed = in_order(Stretch(Bucket(client, "lake"), "x/", Hopes()).pieces(), 1)
        held = max(live_objects() for at, _ in enumerate(listed) if at % 500 == 499)
    assert held <= 20 * 2


def live_objects() -> int:
    """How many objects of the bucket `lake` something holds."""
    # One that a thread is making has no key yet; of a weak reference to what is gone, `isinstance` would raise.
    return sum(type(each) is LakeObject and getattr(each, "key", "").startswith("x/") for each in gc.get_objects())


@pytest.mark.parametrize(
    ("lake", "window", "calls_before"),
    [
        (numbers(5), None, []),
        (numbers(11), None, [1]),
        (hours(3, 2, ""), TimeWindow(int(START.timestamp() * 1000), None), [0]),  # folders are asked about side by side
    ],
    ids=["a page", "pages", "folders"],
)
def test_threads_are_told_of_before_they_begin_and_a_page_takes_none(
    s3: "S3Client", lake: list[str], window: TimeWindow | None, calls_before: list[int]
) -> None:
    told = list[int]()
    with far(s3, lake) as side:

        def before_threads() -> None:
            assert not list_threads()
            told.append(len(side.asked))

        found = list_objects(S3Source("lake", ""), s3, window, before_threads=before_threads)
        assert [each.key for each in found] == lake
    assert told == calls_before
