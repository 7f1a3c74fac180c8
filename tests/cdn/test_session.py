"""One session: what it does when CloudFront does not do as asked, and how it waits."""

import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from cncbops.aws import LOOK_TRIES, Aws, AwsAccess
from cncbops.cdn.batches import Batch, cut
from cncbops.cdn.edge import CREATE_TIMEOUT_S, Edge, Invalidation
from cncbops.cdn.session import MOST_ATTEMPTS, Pauses, Requests, Session
from cncbops.errors import CannotRun, CncbopsError
from tests.e2e.far_side_cloudfront import (
    ID,
    LOSE,
    THROTTLED,
    TOO_MANY,
    UNAVAILABLE,
    FarSideCloudFront,
    error,
)
from tests.e2e.far_side_s3 import Answer


@dataclass
class Kept:
    """What a session writes down."""

    created_numbers: list[int] = field(default_factory=list)
    completed_numbers: list[int] = field(default_factory=list)

    def created(self, number: int, invalidation: Invalidation) -> None:
        self.created_numbers.append(number)

    def completed(self, number: int) -> None:
        self.completed_numbers.append(number)


class Hours(threading.Event):
    """A stop event on which waiting takes no time: a clock goes on by what was to be waited.

    `at` is a time from which on something happens.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.waited_s: list[float] = []
        self.at: tuple[float, Callable[[], None]] = (math.inf, lambda: None)

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.now_s += timeout
        self.waited_s.append(timeout)
        if self.now_s >= self.at[0]:
            self.at[1]()
        return self.is_set()

    def clock(self) -> float:
        return self.now_s


@pytest.fixture
def far_side(monkeypatch: pytest.MonkeyPatch) -> Iterator[FarSideCloudFront]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with FarSideCloudFront() as server:
        yield server


@pytest.fixture
def edge(far_side: FarSideCloudFront) -> Edge:
    return Edge(Aws(AwsAccess(region="us-east-1", endpoint_url=far_side.url)), ID)


def session_of(edge: Edge, batches: list[Batch], hours: Hours, timeout_s: float = 600.0) -> tuple[Session, Kept]:
    kept = Kept()
    pauses = Pauses(hours, timeout_s, clock=hours.clock, jitter=lambda: 1.0)
    return Session(edge, Requests(batches), kept, pauses), kept


def test_trouble_that_does_not_end_ends_the_session_after_so_many_tries(
    edge: Edge, far_side: FarSideCloudFront
) -> None:
    hours = Hours()
    session, kept = session_of(edge, cut(["/a"], ID, "run"), hours)
    far_side.memory.answers = [UNAVAILABLE, THROTTLED, LOSE, *[error(500, "InternalError", "")] * 5]
    with pytest.raises(CannotRun, match="8 tries"):
        session.create()
    assert len(far_side.memory.creates) == MOST_ATTEMPTS
    assert (session.calls.retried, session.calls.throttled) == (MOST_ATTEMPTS - 1, 1)
    assert hours.waited_s == [0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 20.0]
    assert (kept.created_numbers, session.is_open(waits=False)) == ([], True)


def test_want_of_room_is_no_trouble_however_long_it_lasts(edge: Edge, far_side: FarSideCloudFront) -> None:
    session, kept = session_of(edge, cut(["/a"], ID, "run"), Hours())
    far_side.memory.answers = [TOO_MANY] * 20
    session.create()
    assert (kept.created_numbers, session.calls.no_room) == ([0], 20)


def test_looks_come_at_once_and_then_more_and_more_slowly(edge: Edge, far_side: FarSideCloudFront) -> None:
    hours = Hours()
    session, kept = session_of(edge, cut(["/a"], ID, "run"), hours, timeout_s=200)
    session.create()
    session.follow()
    assert (hours.waited_s[0], max(hours.waited_s), hours.now_s) == (0.4, 20.0, 200.0)
    assert session.halted == "waited for invalidations to be completed as long as --timeout allows, 200 s"
    assert (kept.completed_numbers, session.is_open(waits=True)) == ([], True)


def test_a_look_that_gets_no_answer_is_no_end(edge: Edge, far_side: FarSideCloudFront) -> None:
    session, kept = session_of(edge, cut(["/a"], ID, "run"), Hours())
    session.create()
    far_side.complete()
    far_side.memory.broken_looks = LOOK_TRIES + 1
    session.follow()
    assert (kept.completed_numbers, far_side.memory.broken_looks) == ([0], 0)


def test_what_is_completed_at_the_deadline_is_seen(edge: Edge, far_side: FarSideCloudFront) -> None:
    hours = Hours()
    session, kept = session_of(edge, cut(["/a"], ID, "run"), hours, timeout_s=200)
    session.create()
    hours.at = (200.0, far_side.complete)
    session.follow()
    assert (kept.completed_numbers, hours.now_s) == ([0], 200.0)
    assert (session.halted, session.is_open(waits=True)) == (None, False)


def test_room_at_the_deadline_is_taken(edge: Edge, far_side: FarSideCloudFront) -> None:
    for number in range(3):
        far_side.begin(*(f"/{number}/{each}" for each in range(1_000)))
    hours = Hours()
    hours.at = (100.0, far_side.complete)
    session, kept = session_of(edge, cut(["/a"], ID, "run"), hours, timeout_s=100)
    session.create()
    assert (kept.created_numbers, session.halted) == ([0], None)


def test_a_look_is_given_up_soon(edge: Edge, far_side: FarSideCloudFront) -> None:
    session, _ = session_of(edge, cut(["/a"], ID, "run"), Hours())
    session.create()
    far_side.memory.broken_looks = 100
    before = len(far_side.memory.requests)
    assert session.watch.look() == []
    assert len(far_side.memory.requests) - before == LOOK_TRIES


def test_a_create_that_gets_no_answer_heeds_the_timeout(
    edge: Edge, far_side: FarSideCloudFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert edge._once.meta.config.read_timeout == CREATE_TIMEOUT_S <= 10
    monkeypatch.setattr("cncbops.cdn.edge.CREATE_TIMEOUT_S", 0.2)
    hurried = Edge(Aws(AwsAccess(region="us-east-1", endpoint_url=far_side.url)), ID)
    far_side.hold_creates()
    hours = Hours()
    session, kept = session_of(hurried, cut(["/a"], ID, "run"), hours, timeout_s=0.4)
    session.create()
    assert (kept.created_numbers, hours.now_s) == ([], 0.4)
    assert session.halted == "waited for CloudFront to answer as long as --timeout allows, 0.4 s"


def test_one_without_an_answer_ends_the_look_at_the_others(edge: Edge, far_side: FarSideCloudFront) -> None:
    far_side.memory.unfindable = {far_side.begin(f"/{number}").id for number in range(20)}
    session, kept = session_of(edge, cut(["/a"], ID, "run"), Hours())
    session.create()
    looks = [request for request in far_side.memory.requests if "/invalidation/" in request]
    assert (len(looks), kept.created_numbers) == (LOOK_TRIES, [0])


def test_what_is_completed_is_noted_though_others_cannot_be_looked_at(edge: Edge, far_side: FarSideCloudFront) -> None:
    session, kept = session_of(edge, cut(["/a"], ID, "run"), Hours())
    session.create()
    other = far_side.begin("/b")
    far_side.memory.unfindable = {other.id}
    far_side.memory.made[0].status = "Completed"
    session.follow()
    assert kept.completed_numbers == [0]
    assert session.watch.others is not None
    assert session.watch.others.load.singles == 1


def test_one_that_is_too_new_for_the_list_is_in_progress(edge: Edge, far_side: FarSideCloudFront) -> None:
    hours = Hours()
    session, kept = session_of(edge, cut(["/a"], ID, "run"), hours, timeout_s=5)
    session.create()
    far_side.memory.denied = {"GetInvalidation"}
    (made,) = far_side.memory.made
    far_side.memory.made = []
    session.follow()
    assert (kept.completed_numbers, hours.now_s) == ([], 5.0)
    far_side.memory.made = [made]
    far_side.complete()
    assert session.watch.look() == [made.id]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (error(400, "InvalidArgument", "The path is not valid."), "InvalidArgument: The path is not valid"),
        (error(400, "InvalidationBatchAlreadyExists", ""), "with other paths"),
        (error(413, "BatchTooLarge", "Too large."), "BatchTooLarge"),
    ],
)
def test_what_will_never_be_taken_is_not_tried_again(
    edge: Edge, far_side: FarSideCloudFront, answer: Answer, told: str
) -> None:
    session, _ = session_of(edge, cut(["/a"], ID, "run"), Hours())
    far_side.memory.answers = [answer]
    with pytest.raises(CncbopsError, match=told):
        session.create()
    assert len(far_side.memory.creates) == 1


def test_thousands_of_others_are_not_looked_at_one_by_one(edge: Edge, far_side: FarSideCloudFront) -> None:
    for number in range(150):
        far_side.begin(f"/{number}")
    session, _ = session_of(edge, cut(["/a"], ID, "run"), Hours())
    session.create()
    looks = [request for request in far_side.memory.requests if "/invalidation/" in request]
    assert len(looks) == 50
    assert session.watch.others is not None
    assert session.watch.others.load.singles == 150
