"""Deleting in the background, while messages may come back under another receipt."""

from collections.abc import Callable, Sequence
from threading import Event
from typing import Any, cast

import pytest

from cncbops.errors import CannotRun
from cncbops.queues import deleting
from cncbops.queues.calls import Held, QueueCalls, Refused
from cncbops.queues.deleting import Deleting
from cncbops.queues.failure import Failure
from cncbops.queues.in_hand import InHand, Standing

Answer = Callable[[Sequence[Held]], list[Refused]]


class Calls:
    """A queue that answers each deletion as it is told, the last answer again and again."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.batches: list[list[Held]] = []

    def delete(self, batch: Sequence[Held]) -> list[Refused]:
        self.batches.append(list(batch))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return answer(batch)


def refuse(*, final: bool) -> Answer:
    return lambda batch: [Refused(held, final) for held in batch]


def accept(_: Sequence[Held]) -> list[Refused]:
    return []


@pytest.fixture
def in_hand() -> InHand:
    """Two messages in hand, `a` and `b`, by their first receipts."""
    made = InHand(60)
    for id_ in "ab":
        made.receive(Held(id_, "first"), 0)
    return made


def test_a_message_that_comes_back_while_its_deletion_is_refused_is_deleted_under_its_new_receipt(
    in_hand: InHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where its visibility ran out: the old receipt is worth nothing, and the new one came before that was told."""

    monkeypatch.setattr(deleting, "THREADS", 1)  # one deletion after the other
    came_back = Event()

    def come_back(batch: Sequence[Held]) -> list[Refused]:
        assert in_hand.receive(Held("a", "second"), 1) is Standing.DONE
        made.delete(["a"])  # as who receives it does
        came_back.set()
        return refuse(final=True)(batch)

    calls = Calls(come_back, accept)
    made = Deleting(cast(QueueCalls, calls), in_hand, Failure())
    made.delete(in_hand.done(["a"]))
    assert came_back.wait(10)
    made.close()
    assert calls.batches == [[Held("a", "first")], [Held("a", "second")]]
    assert (in_hand.open, in_hand.not_deleted) == (1, 0)


@pytest.mark.parametrize(("final", "tries"), [(True, 1), (False, 4)])
def test_what_is_refused_is_tried_again_where_that_may_help_and_then_counted(
    final: bool, tries: int, in_hand: InHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deleting, "PAUSES_S", (0, 0, 0))
    calls = Calls(refuse(final=final))
    made = Deleting(cast(QueueCalls, calls), in_hand, Failure())
    made.delete(in_hand.done("ab"))
    made.close()
    assert calls.batches == [[Held("a", "first"), Held("b", "first")]] * tries
    assert (in_hand.open, in_hand.not_deleted) == (0, 2)


def test_where_nothing_can_be_deleted_nothing_more_is_tried_and_all_is_counted(in_hand: InHand) -> None:
    def fail(_: Sequence[Held]) -> Any:
        raise CannotRun("access denied", "ask")

    failure = Failure()
    made = Deleting(cast(QueueCalls, Calls(fail)), in_hand, failure)
    for id_ in "ab":
        made.delete(in_hand.done([id_]))
    made.close()
    assert isinstance(failure.take(), CannotRun)
    assert (in_hand.open, in_hand.not_deleted) == (0, 2)
