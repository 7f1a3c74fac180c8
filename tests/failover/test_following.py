"""Following a switch: until all that hangs on it has turned, or it is time to end."""

import threading

import pytest

from cncbops.failover.following import Following, Seen, Sight

YES, NO = Seen(True, "503"), Seen(False, "200")


class Clock:
    """A time that goes on by a second whenever it is asked for."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def scripted(kind: str, *looks: Seen, every: int = 1) -> Sight:
    """A sight that shows these looks in turn, and the last of them from then on."""
    left = list(looks)
    return Sight(kind, kind, lambda: left.pop(0) if len(left) > 1 else left[0], every)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cncbops.failover.following.ROUND_S", 0.001)


def run(following: Following, longest_s: float = 1e9, stop: threading.Event | None = None) -> list[tuple[str, str]]:
    news = following.news(stop or threading.Event(), longest_s)
    return [(sight.kind, sight.last.shown) for sight in news if sight.last]


def test_each_change_is_told_once_and_it_ends_when_all_have_turned() -> None:
    following = Following([scripted("check", NO, YES), scripted("alarm", NO, NO, NO, YES)], Clock())
    assert run(following) == [("check", "200"), ("alarm", "200"), ("check", "503"), ("alarm", "503")]
    assert following.is_done
    times = following.times()
    assert times["check"] is not None
    assert times["alarm"] is not None
    assert times["check"] < times["alarm"]


def test_the_check_is_called_until_the_end_so_that_the_alarm_has_data() -> None:
    calls: list[None] = []

    def check() -> Seen:
        calls.append(None)
        return YES

    run(Following([Sight("check", "url", check), scripted("alarm", *[NO] * 9, YES)], Clock()))
    assert len(calls) == 10


def test_what_turned_back_is_not_done_and_its_time_counts_anew() -> None:
    following = Following([scripted("check", YES, NO, YES), scripted("alarm", NO, NO, YES)], Clock())
    run(following)
    times = following.times()
    assert times["check"] is not None
    assert times["alarm"] is not None
    assert times["check"] > 4


def test_a_slow_sight_is_looked_at_seldom_and_at_once_when_the_others_are_done() -> None:
    looks: list[None] = []

    def look() -> Seen:
        looks.append(None)
        return YES if len(looks) > 1 else NO

    alarm = scripted("alarm", *[NO] * 6, YES)
    run(Following([alarm, Sight("health check", "id", look, every=100)], Clock()))
    assert len(looks) == 2


def test_a_kind_of_which_one_has_not_turned_has_no_time() -> None:
    following = Following([scripted("alarm", YES), scripted("alarm", NO)], Clock())
    assert len(run(following, longest_s=20)) == 2
    assert following.times() == {"alarm": None}
    assert not following.is_done


@pytest.mark.parametrize("when", [0, 3])
def test_it_ends_where_it_is_told_to_stop(when: int) -> None:
    stop = threading.Event()
    if not when:
        stop.set()
    looks: list[None] = []

    def look() -> Seen:
        looks.append(None)
        if len(looks) == when:
            stop.set()
        return NO

    run(Following([Sight("check", "url", look)], Clock()), stop=stop)
    assert len(looks) == when


def test_with_nothing_to_follow_it_is_done_at_once() -> None:
    following = Following([], Clock())
    assert run(following) == []
    assert (following.is_done, following.times()) == (True, {})
