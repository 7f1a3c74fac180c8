"""What tasks came to, on its way from one process to another."""

import copyreg
import pickle
import traceback
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import msgspec

from cncbops.delivery.answers import Kind
from cncbops.delivery.outcome import Calls, Outcome
from cncbops.delivery.sender import Step
from cncbops.kinesis.record import Trace

Answer = tuple[int, Any, BaseException | None]
"""A task's ticket, and its result or what it raised."""


class _Whole(msgspec.Struct, array_like=True, gc=False):
    """The step that delivered the whole of a batch, which nearly all tasks come to: sooner read than a pickle."""

    kind: Kind
    delivered: int
    calls: Calls
    possible_duplicates: int
    traces: Sequence[Trace]

    def step(self) -> Step:
        outcome = Outcome(
            calls=self.calls, possible_duplicates=self.possible_duplicates, is_whole=True, traces=self.traces
        )
        return Step(self.kind, self.delivered, 0, outcome)


_Told = tuple[int, _Whole | bytes]
"""A ticket, and what it came to; pickled, with what it raised, where that is anything else."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[_Told]).decode


def packed(answers: Sequence[Answer]) -> bytes:
    """Answers as they are sent; of one that cannot be, that is told."""
    try:
        return _encode([(ticket, _whole(result) or _pickled(result, error)) for ticket, result, error in answers])
    except UnicodeEncodeError:  # of a text that is no Unicode, which pickle takes
        return _encode([(ticket, _pickled(result, error)) for ticket, result, error in answers])


def unpacked(answers: bytes | bytearray) -> Sequence[Answer]:
    """Answers that were packed in a process that does our tasks."""
    return [
        (ticket, told.step(), None) if isinstance(told, _Whole) else (ticket, *pickle.loads(told))  # noqa: S301  ours
        for ticket, told in _decode(answers)
    ]


def _whole(step: object) -> _Whole | None:
    """All that there is to a step, if it is such a one."""
    if not isinstance(step, Step) or step.outcome is None or step.kind is None or step.failed:
        return None
    outcome = step.outcome
    if outcome.refusal or not outcome.is_whole:
        return None
    return _Whole(step.kind, step.delivered, outcome.calls, outcome.possible_duplicates, outcome.traces)


def _pickled(result: Any, error: BaseException | None) -> bytes:
    try:
        return _dumped((result, error))
    except Exception as unsendable:  # noqa: BLE001  whatever a result makes of being copied
        return _dumped((None, portable(unsendable)))


def _dumped(what: object) -> bytes:
    buffer = BytesIO()
    _Pickler(buffer, protocol=5).dump(what)
    return buffer.getvalue()


class _Pickler(pickle.Pickler):
    dispatch_table = copyreg.dispatch_table.copy()  # as it is here, whatever is loaded where tasks are done


def portable(error: BaseException) -> BaseException:
    """An error as it can be sent; one that cannot is told by its traceback."""
    try:
        pickle.loads(_dumped(error))  # noqa: S301  made just now
    except Exception:  # noqa: BLE001  whatever its class makes of being copied
        return RuntimeError("".join(traceback.format_exception(error)))
    error.add_note("".join(traceback.format_exception(error)))
    return error
