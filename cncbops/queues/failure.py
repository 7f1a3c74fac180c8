"""What a background thread found that the run cannot survive, until the run's own thread asks."""

import threading


class Failure:
    """Keeps the first error; any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first: BaseException | None = None
        self._is_taken = False

    def keep(self, error: BaseException) -> None:
        with self._lock:
            self._first = self._first or error

    def take(self) -> BaseException | None:
        """The error, if there is one that was not yet taken."""
        with self._lock:
            error, self._is_taken = (None if self._is_taken else self._first), self._first is not None
            return error

    def tell(self) -> None:
        """Raise the error, if there is one that was not yet taken."""
        error = self.take()
        if error:
            raise error
