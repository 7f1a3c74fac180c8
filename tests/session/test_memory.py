"""What a session remembers of the faults that it came to."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count, groupby
from threading import Barrier, Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.session import memory
from cncbops.session.memory import Emptiness, History, NoMemory, Seen, Shared

Claim = tuple[bytes, list[bytes], str | None]
DIGESTS = st.integers(0, 9).map(lambda number: bytes([number] * 16))
RECORD = b"record".rjust(16)
PIPELINES = st.sampled_from(["m1", "m2", None])
CLAIMS = st.tuples(DIGESTS, st.lists(DIGESTS.map(lambda each: b"r" + each[1:]), max_size=3), PIPELINES)


@contextmanager
def seen_that_holds(most: int) -> Iterator[Seen]:
    """What a session came to, of which so little is held in memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "MOST_HELD", most)
        yield Seen()


def repeated_of(seen: Seen, *claims: Claim) -> list[int]:
    alike = groupby(enumerate(claims), lambda each: len(each[1][1]))
    shared = [_shared(list(some)) for of_each, some in alike if of_each]
    return seen.repeated(b"".join([fault for fault, _, _ in claims]), shared)


def _shared(some: list[tuple[int, Claim]]) -> Shared:
    """Of claims with as many records each."""
    records = b"".join([record for _, (_, records, _) in some for record in records])
    return Shared([at for at, _ in some], records, [pipeline for _, (*_, pipeline) in some])


def first_claims(claims: list[Claim]) -> list[int]:
    """The indices of claims that were made before, worked out one by one."""
    faults, records, found = set[bytes](), dict[bytes, str | None](), []
    for index, (fault, of, pipeline) in enumerate(claims):
        if fault in faults:
            found.append(index)
            continue
        faults.add(fault)
        first = [records.setdefault(each, pipeline) for each in of]
        if first and all(other != pipeline for other in first):
            found.append(index)
    return found


@given(st.lists(CLAIMS, max_size=40), st.integers(1, 50), st.integers(1, 50))
def test_a_claim_is_made_once_however_many_are_asked_about_and_kept_at_a_time(
    claims: list[Claim], at_once: int, most_fresh: int
) -> None:
    repeated = []
    with seen_that_holds(most_fresh) as seen:
        for start in range(0, len(claims), at_once):
            repeated += [start + index for index in repeated_of(seen, *claims[start : start + at_once])]
    assert repeated == first_claims(claims)


@pytest.mark.parametrize("count", [15, 16, 17, 255, 256, 257, 1_000])
def test_what_is_kept_on_disk_is_known_whatever_number_is_asked_about(count: int) -> None:
    claims = [(b"%16d" % number, list[bytes](), None) for number in range(count)]
    with seen_that_holds(1) as seen:
        assert repeated_of(seen, *claims) == []
        assert repeated_of(seen, (b"%16d" % count, [], None), *claims) == list(range(1, count + 1))


@pytest.mark.parametrize("most_fresh", [1, 100])
def test_a_record_that_was_met_for_another_pipeline_is_claimed_already(most_fresh: int) -> None:
    claims = [(b"%16d" % number, [RECORD], f"m{number}") for number in range(3)]
    with seen_that_holds(most_fresh) as seen:
        assert [repeated_of(seen, each) for each in claims] == [[], [0], [0]]
        assert repeated_of(seen, (b"%16d" % 3, [RECORD], "m0")) == []
        assert repeated_of(seen, (b"%16d" % 4, [RECORD, b"another".rjust(16)], "m9")) == []


def test_what_one_session_has_seen_another_has_not() -> None:
    assert Seen().repeated(b"%16d" % 1, []) == []
    assert Seen().repeated(b"%16d" % 1, []) == []


def test_without_a_ledger_nothing_was_sent() -> None:
    assert NoMemory().sent_by([b"fault"]) == {}
    assert NoMemory().history([b"record"]).last_sent_ms([b"record"]) is None


def test_without_records_nothing_was_sent_for_another() -> None:
    assert not History({b"record": {"m1": 5}}).sent_for_another([], "m2", 0)
    assert History({b"record": {"m1": 5}}).sent_for_another([b"record"], "m2", 0)


def test_what_others_deliver_is_known_a_moment_later_and_then_asked_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, seconds = [True, True, False], count()
    monkeypatch.setattr(memory, "monotonic", lambda: next(seconds))
    is_empty = Emptiness(lambda: answers.pop(0))
    assert [is_empty() for _ in range(5)] == [True, True, False, False, False]
    assert not answers


def test_it_is_not_asked_more_often_than_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [True, False]
    monkeypatch.setattr(memory, "monotonic", lambda: 7.0)
    is_empty = Emptiness(lambda: answers.pop(0))
    assert [is_empty() for _ in range(5)] == [True] * 5
    assert answers == [False]


def test_until_a_first_answer_is_there_nothing_is_empty_to_any_thread() -> None:
    asking = Barrier(8)

    def ask() -> bool:
        asking.wait(10)  # for all others: each has to ask
        return False

    is_empty = Emptiness(ask)
    with ThreadPoolExecutor(8) as threads:
        assert not any(threads.map(lambda _: is_empty(), range(8)))


def test_what_is_known_stays_known_though_another_thread_was_answered_late() -> None:
    is_asked, may_answer, answers = Event(), Event(), [True, False]

    def ask() -> bool:
        answer = answers.pop(0)
        if answer:
            is_asked.set()
            assert may_answer.wait(10)
        return answer

    is_empty = Emptiness(ask)
    with ThreadPoolExecutor(1) as threads:
        late = threads.submit(is_empty)
        assert is_asked.wait(10)
        assert not is_empty()
        may_answer.set()
        assert not late.result(10)
    assert not is_empty()
