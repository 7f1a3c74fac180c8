"""A function that tests hold, so that they see what is done while it is at work."""

import threading
from typing import Any

from tests.e2e.far_side import Context, Reply, ok


class Held:
    """A function whose invocations wait until the test lets them go."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def __call__(self, _payload: Any, _context: Context) -> Reply:
        assert self.go.wait(timeout=120)
        return ok()
