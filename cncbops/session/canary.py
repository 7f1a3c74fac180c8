"""The canary: the first records of each function go first, and the others wait until all of these succeeded."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct, field

from cncbops.delivery.outcome import Settled, Waybill


class _Bird(Struct):
    """The canary of one function: its batches not settled, what became of its records, and who waits for it."""

    pending: int = 0
    size: int = 0
    failed: int = 0
    is_complete: bool = False
    waiting: deque[Waybill] = field(default_factory=deque)


class Canary:
    """Holds every function's batches back behind those of its canary, which come before them.

    `halt` is called, with the reason, where one fails.
    """

    def __init__(self, halt: Callable[[str], None]) -> None:
        self._halt = halt
        self._birds: dict[str, _Bird] = {}

    @property
    def holds(self) -> bool:
        """Whether anything waits."""
        return any(bird.waiting for bird in self._birds.values())

    def admit(self, batch: Waybill) -> Iterator[Waybill]:
        """Take a batch in: it comes out at once, or once its function's canary succeeded."""
        bird = self._birds.setdefault(batch.function, _Bird())
        if batch.is_canary:
            bird.pending += 1
            bird.size += len(batch.places)
            yield batch
        elif bird.pending or bird.failed:
            bird.waiting.append(batch)
        else:
            yield batch

    def complete(self, left: Mapping[str, int], *, is_over: bool) -> None:
        """Take down how many records each canary still takes; none where nothing follows any more."""
        for function, count in left.items():
            bird = self._birds.setdefault(function, _Bird())
            bird.is_complete = is_over or not count
            self._judge(bird, function)

    def leave(self, settled: Settled) -> Iterator[Waybill]:
        """Take down what became of a batch; those that waited for it."""
        batch, outcome = settled
        if not batch.is_canary:
            return
        bird = self._birds[batch.function]
        bird.pending -= 1
        bird.failed += len(outcome.failed) + len(outcome.unknown)
        self._judge(bird, batch.function)
        while bird.waiting and not (bird.pending or bird.failed):
            yield bird.waiting.popleft()

    def _judge(self, bird: _Bird, function: str) -> None:
        """Halt where the whole canary is settled and some of it failed."""
        if bird.is_complete and bird.failed and not bird.pending:
            of_function = f" of {function}" if function else ""
            self._halt(f"{bird.failed:,} of the canary's {bird.size:,} records{of_function} failed")
