"""Whether a rate was held, judged by what a loaded machine cannot change: it makes calls late, and never early."""

from collections.abc import Sequence
from itertools import accumulate

from tests.e2e.far_side import Invocation

_WINDOW = 12
_LATE_S = 0.1
"""Of the first third of all calls one at least comes no later than this after its turn."""


def assert_none_early(calls: Sequence[Invocation], per_s: float) -> None:
    """No record came before its turn. When the turns began is told by those of the first calls that came soonest."""
    before = accumulate((len(call.records) for call in calls), initial=0)
    ahead = [call.started - records / per_s for call, records in zip(calls, before, strict=False)]
    third = len(calls) // 3
    assert min(ahead[third:]) > min(ahead[:third]) - _LATE_S


def assert_none_before(calls: Sequence[Invocation], per_s: float, began: float) -> None:
    """No record came before its turn, where the turns began then, or later."""
    before = accumulate((len(call.records) for call in calls), initial=0)
    assert all(call.started >= began + records / per_s for call, records in zip(calls, before, strict=False))


def assert_held(calls: Sequence[Invocation], per_s: float) -> None:
    """Neither did one come early, nor were they slowed down: somewhere the machine had time for them all."""
    assert_none_early(calls, per_s)
    windows = (calls[at : at + _WINDOW] for at in range(len(calls) - _WINDOW))
    assert max(map(_rate_of, windows)) > per_s * 0.9


def _rate_of(calls: Sequence[Invocation]) -> float:
    """Records a second."""
    return sum(len(call.records) for call in calls[:-1]) / (calls[-1].started - calls[0].started)
