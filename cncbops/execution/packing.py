"""What tasks came to, on its way from one process to another."""

import copyreg
import pickle
import traceback
from collections.abc import Sequence
from io import BytesIO
from typing import Any

from cncbops.delivery.answers import Kind
from cncbops.delivery.outcome import Calls, Outcome
from cncbops.delivery.sender import Step
from cncbops.kinesis.record import Trace

Answer = tuple[int, Any, BaseException | None]
"""A task's ticket, and its result or what it raised."""


def packed(answers: Sequence[Answer]) -> bytes:
    """Answers as they are sent; of one that cannot be, that is told."""
    try:
        return _dumped(answers)
    except Exception:  # noqa: BLE001  whatever a result makes of being copied
        return _dumped([_sendable(*answer) for answer in answers])


def _dumped(what: object) -> bytes:
    buffer = BytesIO()
    _Pickler(buffer, protocol=5).dump(what)
    return buffer.getvalue()


def _taken(kind: str, count: int, calls: Sequence[int], possible_duplicates: int, traces: Sequence[Any]) -> Step:
    """The step by which the whole of a batch was delivered, of so many records."""
    outcome = Outcome(calls=Calls(*calls), possible_duplicates=possible_duplicates, is_whole=True)
    outcome.traces = [Trace(*each) for each in traces]
    return Step(Kind(kind), count, 0, outcome)


def _apart(step: Step) -> Any:
    """A step as pickle is to build it; what comes of nearly all batches from plain values, sooner read than classes."""
    outcome, kind = step.outcome, step.kind
    if outcome is None or kind is None or not outcome.is_whole or outcome.refusal or step.failed:
        return step.__reduce__()
    calls = [getattr(outcome.calls, name) for name in Calls.__struct_fields__]
    traces = [tuple(each) for each in outcome.traces]
    return _taken, (kind.value, step.delivered, calls, outcome.possible_duplicates, traces)


class _Pickler(pickle.Pickler):
    dispatch_table = {**copyreg.dispatch_table, Step: _apart}  # noqa: RUF012  nobody changes it


def _sendable(ticket: int, result: Any, error: BaseException | None) -> Answer:
    try:
        _dumped(result)
    except Exception as unsendable:  # noqa: BLE001  whatever it makes of being copied
        return ticket, None, portable(unsendable)
    return ticket, result, error


def portable(error: BaseException) -> BaseException:
    """An error as it can be sent; one that cannot is told by its traceback."""
    try:
        pickle.loads(_dumped(error))  # noqa: S301  made just now
    except Exception:  # noqa: BLE001  whatever its class makes of being copied
        return RuntimeError("".join(traceback.format_exception(error)))
    error.add_note("".join(traceback.format_exception(error)))
    return error
