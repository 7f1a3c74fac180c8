"""The bookkeeping of messages in hand."""

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from cncbops.queues.calls import Held
from cncbops.queues.in_hand import InHand, Standing

VISIBILITY_S = 60.0
Step = tuple[Literal["receive", "done", "leave", "deleted", "refused"], int]
STEPS = st.lists(st.tuples(st.sampled_from(["receive", "done", "leave", "deleted", "refused"]), st.integers(0, 4)))


@given(STEPS)
def test_a_message_is_new_once_and_its_standing_is_what_was_said_of_it_last(steps: list[Step]) -> None:
    in_hand = InHand(VISIBILITY_S)
    said: dict[str, Standing] = {}
    on_queue_though_done: set[str] = set()
    deleting: set[str] = set()
    for number, (step, message) in enumerate(steps):
        id_ = str(message)
        if step == "receive":
            assert in_hand.receive(Held(id_, f"r-{number}"), number) is said.get(id_, Standing.NEW)
            said.setdefault(id_, Standing.HELD)
            deleting |= {id_} & {each for each, standing in said.items() if standing is Standing.DONE}
        elif step == "done":
            was_held = said.get(id_) is Standing.HELD
            assert in_hand.done([id_, id_]) == [id_] * was_held
            if was_held:
                said[id_] = Standing.DONE
                deleting.add(id_)
        elif step == "leave":
            in_hand.leave([id_], number)
            if said.get(id_) is Standing.HELD:
                said[id_] = Standing.LEFT
        else:
            batch = in_hand.deleting([id_])
            assert len(batch) == (id_ in deleting)
            (in_hand.deleted if step == "deleted" else in_hand.refused)(batch)
            if batch:
                (on_queue_though_done.discard if step == "deleted" else on_queue_though_done.add)(id_)
            deleting.discard(id_)
        held = [each for each, standing in said.items() if standing is Standing.HELD]
        assert (in_hand.held, in_hand.open) == (len(held), len(held) + len(deleting))
        assert in_hand.not_deleted == len(on_queue_though_done)


def test_what_is_in_hand_is_due_a_third_of_its_visibility_after_it_was_received_or_last_extended() -> None:
    in_hand = InHand(VISIBILITY_S)
    in_hand.receive(Held("a", "r"), 0)
    assert in_hand.due(19) == []
    assert in_hand.due(20) == [Held("a", "r")]
    assert in_hand.due(39) == []
    assert in_hand.due(40) == [Held("a", "r")]


def test_what_is_being_deleted_is_extended_too_and_what_was_left_is_not() -> None:
    in_hand = InHand(VISIBILITY_S)
    for id_ in "abc":
        in_hand.receive(Held(id_, "r"), 0)
    in_hand.done(["b"])
    in_hand.leave(["c"], 0)
    assert in_hand.due(20) == [Held("a", "r"), Held("b", "r")]


def test_what_was_let_go_is_not_due_until_it_is_received_again() -> None:
    in_hand = InHand(VISIBILITY_S)
    in_hand.receive(Held("a", "r"), 0)
    in_hand.let_go([Held("a", "r"), Held("unknown", "r")])
    assert in_hand.due(1000) == []
    assert in_hand.receive(Held("a", "s"), 1000) is Standing.HELD
    in_hand.let_go([Held("a", "r")])
    assert in_hand.due(1020) == [Held("a", "s")]


def test_a_deletion_under_an_old_receipt_settles_nothing() -> None:
    in_hand = InHand(VISIBILITY_S)
    in_hand.receive(Held("a", "r"), 0)
    in_hand.done(["a"])
    old = in_hand.deleting(["a"])
    assert in_hand.receive(Held("a", "s"), 1) is Standing.DONE
    in_hand.refused(old)
    in_hand.deleted(old)
    assert (in_hand.not_deleted, in_hand.deleting(["a"])) == (0, [Held("a", "s")])


def test_given_back_is_what_is_held_and_what_was_left_and_may_still_be_hidden() -> None:
    in_hand = InHand(VISIBILITY_S)
    for id_ in "abcd":
        in_hand.receive(Held(id_, "r"), 0)
    in_hand.done(["a"])
    in_hand.leave(["b"], 0)
    in_hand.leave(["c"], 30)
    in_hand.due(70)
    assert in_hand.give_back() == [Held("d", "r"), Held("c", "r")]
    assert in_hand.give_back() == []
    assert (in_hand.held, in_hand.open) == (0, 1)
    assert in_hand.receive(Held("d", "s"), 80) is Standing.LEFT
