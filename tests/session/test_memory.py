"""What a session remembers of the faults that it came to."""

from hypothesis import given
from hypothesis import strategies as st

from cncbops.session.memory import NoMemory, Seen


@given(st.lists(st.binary(max_size=3)))
def test_each_fault_is_met_for_the_first_time_once(faults: list[bytes]) -> None:
    seen, before = Seen(), set[bytes]()
    for fault in faults:
        assert seen.add(fault) is (fault not in before)
        before.add(fault)


def test_what_one_session_has_seen_another_has_not() -> None:
    assert Seen().add(b"fault")
    assert Seen().add(b"fault")


def test_without_a_ledger_nothing_was_sent() -> None:
    assert NoMemory().sent_by(b"fault") is None
    assert NoMemory().sent_ms([b"record", b"another"]) == [None, None]
