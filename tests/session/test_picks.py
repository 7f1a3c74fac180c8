"""Which of an object's events are picked, a bit each."""

from hypothesis import given
from hypothesis import strategies as st

from cncbops.formats.event import LakeEvent
from cncbops.session.picks import Picked, picks_of


@given(st.sets(st.integers(0, 60)), st.integers(0, 70), st.integers(0, 40))
def test_exactly_those_that_were_picked_are_found_again(ordinals: set[int], first: int, count: int) -> None:
    bits = picks_of(sorted(ordinals))
    assert int.from_bytes(bits).bit_count() == len(ordinals)
    numbers = range(first, first + count)
    events = [LakeEvent(b"{}", number + 1, 0, None, None, None) for number in numbers]
    found, places = Picked(bits).of(events, [3 << 32 | number for number in numbers])
    expected = [number for number in numbers if number in ordinals]
    assert [event.line - 1 for event in found] == expected
    assert [place - (3 << 32) for place in places] == expected
    assert Picked(bits).upto > max(ordinals, default=-1)
