"""Work that is done again and again beside a run: heartbeats, orders from elsewhere, alarms."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from cncbops.errors import CannotRun, CncbopsError

LEAVE_S = 10.0
"""How long leaving waits for work that is under way; what hangs for longer is left to itself."""


class Ticker:
    """Calls `work` in a thread of its own, `interval_s` after it was entered and after each call.

    A CncbopsError of `work` is given to `failed`, in that thread, and ends the ticking. So does any
    other exception, a defect, which is raised as well. Can be entered once.
    """

    def __init__(self, interval_s: float, work: Callable[[], None], failed: Callable[[CncbopsError], None]) -> None:
        self._interval_s = interval_s
        self._work = work
        self._failed = failed
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cncbops-ticker", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        self._thread.join(LEAVE_S)

    def _run(self) -> None:
        while not self._left.wait(self._interval_s):
            try:
                self._work()
            except CncbopsError as error:
                self._failed(error)
                return
            except BaseException:
                self._failed(
                    CannotRun("what watches over the run broke down", "Please report it with what stands above")
                )
                raise
