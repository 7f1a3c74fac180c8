"""What tasks came to, on its way from one process to another."""

import pickle
import traceback
from collections.abc import Sequence
from typing import Any

Answer = tuple[int, Any, BaseException | None]
"""A task's ticket, and its result or what it raised."""


def packed(answers: Sequence[Answer]) -> bytes:
    """Answers as they are sent; of one that cannot be, that is told."""
    try:
        return pickle.dumps(answers, protocol=5)
    except Exception:  # noqa: BLE001  whatever a result makes of being copied
        return pickle.dumps([_sendable(*answer) for answer in answers], protocol=5)


def _sendable(ticket: int, result: Any, error: BaseException | None) -> Answer:
    try:
        pickle.dumps(result)
    except Exception as unsendable:  # noqa: BLE001  whatever it makes of being copied
        return ticket, None, portable(unsendable)
    return ticket, result, error


def portable(error: BaseException) -> BaseException:
    """An error as it can be sent; one that cannot is told by its traceback."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  made just now
    except Exception:  # noqa: BLE001  whatever its class makes of being copied
        return RuntimeError("".join(traceback.format_exception(error)))
    error.add_note("".join(traceback.format_exception(error)))
    return error
