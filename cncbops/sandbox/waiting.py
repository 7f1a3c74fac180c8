"""Wait for what another process does, within a bound."""

import time
from collections.abc import Callable

from cncbops.errors import CannotRun


def wait_until(
    condition: Callable[[], bool],
    timeout_s: float,
    *,
    what: str = "what was waited for",
    every_s: float = 0.1,
) -> None:
    """Return as soon as the condition holds; it is asked at least once.

    Raises CannotRun, naming `what`, when it does not within `timeout_s` seconds.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise CannotRun(
                f"{what} did not happen within {timeout_s:g} s",
                "Try it again; sandbox.log beside its sandbox.json says more",
            )
        time.sleep(every_s)
