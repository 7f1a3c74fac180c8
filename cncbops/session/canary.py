"""The canary: the first records of each function go first, and the others wait until all of these succeeded.

The thread that pulls records marks the batches that are of a canary; the threads that send them wait here.
A batch waits only for batches that were given out before it, and that go first wherever a thread is free.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from cncbops.delivery.outcome import Outcome
from cncbops.kinesis.batching import Batch
from cncbops.kinesis.record import Record

_LOOK_S = 0.25


@dataclass(slots=True)
class _Bird:
    """The canary of one function: `left` records are still to be pulled, `pending` batches to be settled."""

    left: int
    size: int = 0
    pending: int = 0
    failed: int = 0
    is_complete: bool = False


@dataclass
class Canary:
    """Holds every function's records back behind its first `size`; none where that is None.

    `halt` is called, with the reason, where one fails. Once `stop` is set nobody waits any more.
    """

    size: int | None
    halt: Callable[[str], None]
    stop: threading.Event
    _birds: dict[str, _Bird] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def pieces(self, records: Sequence[Record]) -> Iterator[tuple[Sequence[Record], str | None]]:
        """The records in pieces, each with the function whose canary ends with it, if one does."""
        start = 0
        if self.size:
            for end, record in enumerate(records, start=1):
                if self._takes_last(record.function):
                    yield records[start:end], record.function
                    start = end
        yield records[start:], None

    def complete(self, function: str) -> None:
        """All batches of a function's canary are given out: what follows has to wait for them."""
        bird = self._birds[function]
        with self._changed:
            bird.is_complete = True
        self._judge(bird, function)

    def end(self) -> None:
        """Nothing follows any more: what was given out of each function was its canary."""
        for function in [name for name, bird in self._birds.items() if not bird.is_complete]:
            self.complete(function)

    def marked(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The batches, those of a canary marked."""
        for batch in batches:
            bird = self._birds.get(batch.function)
            if bird and not bird.is_complete:
                batch.is_canary = True
                with self._changed:
                    bird.pending += 1
            yield batch

    def enter(self, batch: Batch) -> bool:
        """Wait until the batch may be sent; False if the run was stopped meanwhile."""
        bird = self._birds.get(batch.function)
        if bird and not batch.is_canary:
            with self._changed:
                while bird.pending and not self.stop.is_set():
                    self._changed.wait(_LOOK_S)
        return not self.stop.is_set()

    def leave(self, batch: Batch, outcome: Outcome) -> None:
        """Take down what became of a batch that was let in."""
        if not batch.is_canary:
            return
        bird = self._birds[batch.function]
        with self._changed:
            bird.pending -= 1
            bird.failed += len(outcome.failed) + len(outcome.unknown)
            self._judge(bird, batch.function)
            self._changed.notify_all()

    def _judge(self, bird: _Bird, function: str) -> None:
        """Halt where the whole canary is settled and some of it failed."""
        if bird.is_complete and bird.failed and not bird.pending and not self.stop.is_set():
            of_function = f" of {function}" if function else ""
            self.halt(f"{bird.failed:,} of the canary's {bird.size:,} records{of_function} failed")

    def _takes_last(self, function: str) -> bool:
        """Count a record in; whether its function's canary is complete with it."""
        bird = self._birds.get(function)
        if bird is None:
            assert self.size is not None
            bird = self._birds[function] = _Bird(self.size)
        if not bird.left:
            return False
        bird.left -= 1
        bird.size += 1
        return not bird.left
