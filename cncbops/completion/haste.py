"""What can be had of a source that may not answer, within a time."""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def gathered(pages: Callable[[], Iterable[Sequence[Item]]], within_s: float) -> tuple[list[Item], bool]:
    """What came of the pages within a time, and whether that is all. Raises nothing, whatever they raise.

    What does not answer in time is left behind in a thread that keeps no process alive.
    """
    found: list[Item] = []
    ended = threading.Event()

    def gather() -> None:
        try:
            for page in pages():
                found.extend(page)
            ended.set()
        except Exception:  # noqa: BLE001, S110  somebody is typing: whatever it is, there is nothing to say
            pass

    thread = threading.Thread(target=gather, daemon=True)
    thread.start()
    thread.join(within_s)
    return list(found), ended.is_set()
