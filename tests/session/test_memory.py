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


def test_a_record_is_met_for_another_pipeline_once_a_pipeline_has_met_it() -> None:
    seen = Seen()
    assert [seen.for_another(b"record", pipeline) for pipeline in ("m1", "m2", "m3")] == [False, True, True]
    assert not seen.for_another(b"another", "m2")


def test_a_record_that_a_pipeline_meets_again_is_not_anothers() -> None:
    seen = Seen()
    assert [seen.for_another(b"record", "m1") for _ in range(3)] == [False, False, False]


def test_what_one_session_has_seen_another_has_not() -> None:
    assert Seen().add(b"fault")
    assert Seen().add(b"fault")


def test_without_a_ledger_nothing_was_sent() -> None:
    assert NoMemory().sent_by(b"fault") is None
    assert NoMemory().last_sent_ms([b"record"]) is None
    assert not NoMemory().sent_for_another([b"record"], "m1", 0)
