"""Which events are the first of their ids, as a run judges it over its portions and its sessions."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.formats.event import LakeEvent
from cncbops.session import event_ids
from cncbops.session.event_ids import EventIds
from cncbops.session.id_claims import CLAIM_BYTES, claims_of

IDS = st.lists(st.sampled_from(["a", "b", "c", "d", "e", None, ""]), max_size=40)


def event(event_id: str | None) -> LakeEvent:
    return LakeEvent(b"{}", 1, 0, event_id, None, None)


@contextmanager
def holding(most: int) -> Iterator[None]:
    """Have so little be held in memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_ids, "MOST_HELD", most)
        yield


def claims(ids: Sequence[str | None], first: int = 0) -> bytes:
    return claims_of([event(each) for each in ids], range(first, first + len(ids)))


def first_ones(ids: Sequence[str | None]) -> list[int]:
    """The indices of those that are not the first of their id, worked out one by one."""
    return [at for at, each in enumerate(ids) if each and each in ids[:at]]


def asked(register: EventIds, ids: Sequence[str | None], at_a_time: int, first: int = 0) -> list[int]:
    starts = range(first, len(ids), at_a_time)
    return [at + each for at in starts for each in register.repeated(claims(ids[at : at + at_a_time], at))]


@given(IDS, st.integers(1, 20), st.integers(1, 20))
def test_the_first_of_each_id_is_sent_however_many_are_asked_about_and_kept_at_a_time(
    ids: list[str | None], at_a_time: int, most_fresh: int
) -> None:
    with holding(most_fresh):
        register = EventIds()
        assert asked(register, ids, at_a_time) == first_ones(ids)
        assert asked(register, ids, at_a_time) == first_ones(ids), "what was judged stays so"


@given(IDS, st.integers(0, 40), st.integers(0, 40), st.integers(1, 20))
def test_another_session_judges_alike_whatever_it_reads_again(
    ids: list[str | None], known: int, again: int, most_fresh: int
) -> None:
    before = claims(ids[:known])
    kept = [before[at * CLAIM_BYTES :][:CLAIM_BYTES] for at in range(len(ids[:known])) if at not in first_ones(ids)]
    first = min(again, known)
    with holding(most_fresh):
        assert asked(EventIds(kept), ids, 7, first) == [at for at in first_ones(ids) if at >= first]


def test_what_a_session_could_read_later_alone_is_not_first() -> None:
    """An object that could not be read comes again behind those whose events have been sent."""
    register = EventIds([claims(["a", "b"], first=20)])
    assert register.repeated(claims(["a", "c"], first=0)) == [0]
    assert register.repeated(claims(["a", "b"], first=20)) == []
