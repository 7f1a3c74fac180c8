"""The seam between a session and where its work is done: tasks go out by name, outcomes are taken as they come.

Behind it stand this process's threads, or several processes, each with a station of its own.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol

from cncbops.errors import CncbopsError
from cncbops.execution.crew import Crew
from cncbops.execution.station import Outfit

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Then = Callable[[Any], None]
"""What is to be done with a task's outcome."""


def fail(error: BaseException) -> None:
    """What is to be done with a defect, which any error of a task is: none ends a run in good order."""
    if isinstance(error, CncbopsError):
        raise RuntimeError(str(error)) from error
    raise error


class PlaceLost(Exception):
    """A place is gone, with all that it kept and all that it had under way. `what` is one line."""

    def __init__(self, what: str, place: int) -> None:
        super().__init__(what)
        self.what, self.place = what, place


class Executor(Protocol):
    """Does tasks at its places. For one thread.

    Places come and go: each has a number of its own for as long as there is an executor.
    """

    @property
    def places(self) -> Sequence[int]:
        """The places that there are."""

    def room(self, place: int) -> int:
        """How many invocations a place makes at a time, at most."""

    def submit(self, place: int, method: str, *arguments: Any, then: Then) -> None:
        """Have a method of the station at a place called; at one that is gone nothing comes of it."""

    def ended(self, longest_s: float) -> Sequence[tuple[Then, Any]]:
        """The tasks that ended, each with its outcome; waits up to so long for one.

        Raises PlaceLost, once for each place, after all that came of it; of what it had under way nothing is told any
        more. Raises CannotRun where no place is left, and none is to be hoped for. A defect, which a task that raises
        anything has, comes last, and is raised by what is to be done with it: so that what ended beside it is taken
        down.
        """

    def close(self) -> None:
        """Begin nothing more; nothing is to be under way whose outcome is wanted."""


class Cluster(Protocol):
    """Workers on other machines, too, at which a session's work can be done.

    `address` is as it was typed. `workers` and `room` are as they were at the start: how many there were, and how many
    invocations they make at a time.
    """

    address: str
    workers: int
    room: int

    def executor(self, outfit: Outfit) -> Executor:
        """All of them, those that join later included, as places of one session."""

    def listing(self, s3: "S3Client") -> "S3Client":
        """A client whose list calls they make, while there is a session at them."""


class Threads:
    """An Executor with one place, in this process."""

    places = (0,)

    def __init__(self, outfit: Outfit, concurrency: int) -> None:
        self._concurrency = concurrency
        self._crew = Crew(outfit, concurrency)
        self._ended: SimpleQueue[tuple[Then, Any, BaseException | None]] = SimpleQueue()

    def room(self, place: int) -> int:  # noqa: ARG002  there is but one
        """All that the session makes."""
        return self._concurrency

    def submit(self, place: int, method: str, *arguments: Any, then: Then) -> None:  # noqa: ARG002  there is but one
        """Have a method of the station called."""
        self._crew.do(method, arguments, lambda result, error: self._ended.put((then, result, error)))

    def ended(self, longest_s: float) -> Sequence[tuple[Then, Any]]:
        """The tasks that ended."""
        found: list[tuple[Then, Any]] = []
        defects: list[tuple[Then, Any]] = []
        with suppress(Empty):
            while True:
                then, result, error = self._ended.get(block=not (found or defects), timeout=longest_s)
                if error:
                    defects.append((fail, error))
                else:
                    found.append((then, result))
        return [*found, *defects]

    def close(self) -> None:
        """Begin nothing more, and wait for what is under way."""
        self._crew.close()
