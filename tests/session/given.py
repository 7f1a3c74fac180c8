"""An agenda that a test makes up."""

import threading
from collections.abc import Callable, Iterator

from cncbops.lake.in_order import nothing
from cncbops.session.agenda import Agenda, Item


class Given(Agenda):
    """An agenda of these items; an error is raised where it stands."""

    def __init__(self, *items: Item | Exception | None) -> None:
        self._items = items
        self.taken = 0

    def items(self, _stop: threading.Event, _before_threads: Callable[[], None] = nothing) -> Iterator[Item | None]:
        for item in self._items:
            self.taken += 1
            if isinstance(item, Exception):
                raise item
            yield item
