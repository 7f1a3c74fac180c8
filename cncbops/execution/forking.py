"""Whether a session works in several processes, decided as late as can be: beside other threads none may be forked."""

from collections.abc import Callable
from functools import partial

from cncbops.execution.executor import Executor, Threads
from cncbops.execution.processes import Processes, with_client
from cncbops.execution.station import Outfit


class Forking:
    """Forks worker processes before anything else takes threads, or once there is known to be work for several."""

    def __init__(self) -> None:
        self._fork: Callable[[], Processes] | None = None  # while that is to be decided
        self._forked: Processes | None = None

    def before_threads(self) -> None:
        """To be called before a thread is begun: while it is to be decided, processes are forked for all cases."""
        if self._fork:
            self._forked = self._forked or self._fork()

    def executor(self, outfit: Outfit, concurrency: int, places: int, is_small: Callable[[], bool]) -> Executor:
        """So many processes; this one's threads where there is no work for several. Raises what `is_small` raises."""
        outfit = with_client(outfit)
        self._fork = partial(Processes, outfit, concurrency, places)
        try:
            if is_small():
                return Threads(outfit, concurrency)
            self.before_threads()
            return self._taken()
        finally:
            self._fork = None
            if self._forked:
                self._forked.close()

    def _taken(self) -> Processes:
        assert self._forked
        taken, self._forked = self._forked, None
        return taken
