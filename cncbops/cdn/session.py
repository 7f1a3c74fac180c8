"""One session of an invalidation: requests are created as there is room, and followed to their end.

    requests ─ room? ─▶ create ─▶ ledger ─▶ (follow ─▶ completed ─▶ ledger)
                ▲ wait     ▲ again, where the answer was throttled, broken or lost

One thread does it all. Every pause hears the stop and the deadline, at which there is one try or look more; a call
under way hears neither, and gives up soon (see `edge`).
"""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cncbops.cdn.batches import Batch, Load
from cncbops.cdn.edge import COMPLETED, Denied, Edge, Invalidation, Trouble
from cncbops.cdn.watch import Watch
from cncbops.errors import CannotRun

MOST_ATTEMPTS = 8
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.4, 20.0
FIRST_LOOK_S, LONGEST_LOOK_S, SLOWER = 0.4, 20.0, 1.5


class Keeper(Protocol):
    """Writes down what became of requests. Both methods raise CannotRun."""

    def created(self, number: int, invalidation: Invalidation) -> None:
        """A request was taken."""

    def completed(self, number: int) -> None:
        """Its invalidation has reached every edge."""


@dataclass
class Calls:
    """Calls of this session to create: `retried` are those made again, `throttled` and `no_room` answers to them."""

    created: int = 0
    retried: int = 0
    throttled: int = 0
    no_room: int = 0


@dataclass(frozen=True)
class Pauses:
    """How a session waits: for its stop, and no longer than `timeout_s` from its beginning."""

    stop: threading.Event
    timeout_s: float
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random


@dataclass
class Requests:
    """A run's requests, and how far they are: of the whole run, over all its sessions."""

    all: Sequence[Batch]
    invalidations: dict[int, str] = field(default_factory=dict)
    completed: set[int] = field(default_factory=set)

    @property
    def to_create(self) -> list[Batch]:
        """Those that are no invalidation yet."""
        return [batch for batch in self.all if batch.number not in self.invalidations]

    def open(self) -> dict[str, Load]:
        """What is in progress as far as is known, by invalidation."""
        return {
            self.invalidations[batch.number]: Load.of(batch.items)
            for batch in self.all
            if batch.number in self.invalidations and batch.number not in self.completed
        }

    def number_of(self, invalidation: str) -> int:
        """Whose invalidation it is."""
        return next(number for number, known in self.invalidations.items() if known == invalidation)


class Session:
    """Creates what is to be created of a run, and follows it.

    `halted` is why it ended early, if nobody stopped it; `waiting_for` what it waits for now, as `for room`.
    """

    def __init__(self, edge: Edge, requests: Requests, keeper: Keeper, pauses: Pauses) -> None:
        self.requests = requests
        self.calls = Calls()
        self.halted: str | None = None
        self.waiting_for: str | None = None
        self.watch = Watch(edge, requests.open())
        self._is_blind = False
        self._edge, self._keeper, self._pauses = edge, keeper, pauses
        self._ends = pauses.clock() + pauses.timeout_s

    def is_open(self, *, waits: bool) -> bool:
        """Whether anything is left to be created, or to be waited for where that is asked."""
        return bool(self.requests.to_create or (waits and self.watch.open))

    def create(self) -> None:
        """Create what is to be created, until a stop or the deadline. Raises CncbopsError if CloudFront refuses."""
        to_create = self.requests.to_create
        if to_create:
            self._look()
        for batch in to_create:
            if not (self._await_room(Load.of(batch.items)) and self._create(batch)):
                return

    def follow(self) -> None:
        """Wait until all that was created is completed, until a stop or the deadline. Raises CncbopsError."""
        pauses = _longer_and_longer()
        while self.watch.open and self._pause(next(pauses), "for invalidations to be completed"):
            self._note_completed(self.watch.look())

    def _await_room(self, load: Load) -> bool:
        pauses = _longer_and_longer()
        while not (self._is_blind or self.watch.has_room(load)):
            if not self._pause(next(pauses), "for room"):
                return False
            self._look()
        return not self._pauses.stop.is_set()

    def _look(self) -> None:
        """See what is in progress; where nothing may be seen, CloudFront itself refuses what there is no room for."""
        try:
            self._note_completed(self.watch.look())
        except Denied:
            self._is_blind = True

    def _create(self, batch: Batch) -> bool:
        """Whether it was created; if not, a stop or the deadline came first."""
        failed, full = 0, _longer_and_longer()
        while isinstance(answer := self._edge.create(batch), Trouble):
            if answer is Trouble.FULL:
                self.calls.no_room += 1
                go_on = self._pause(next(full), "for room")
            else:
                failed += 1
                go_on = self._back_off(answer, failed)
            if not go_on:
                return False
            self.calls.retried += 1
        self._note_created(batch, answer)
        return True

    def _back_off(self, trouble: Trouble, failed: int) -> bool:
        self.calls.throttled += trouble is Trouble.THROTTLED
        if failed == MOST_ATTEMPTS:
            what = f"cannot create an invalidation of {self._edge.distribution}: {trouble.value} ({failed} tries)"
            raise CannotRun(what, "Go on with the run when that is over; what was tried is paid once")
        longest_s = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** (failed - 1))
        return self._pause(self._pauses.jitter() * longest_s, "for CloudFront to answer")

    def _note_created(self, batch: Batch, made: Invalidation) -> None:
        self._keeper.created(batch.number, made)
        self.calls.created += 1
        self.requests.invalidations[batch.number] = made.id
        if made.status == COMPLETED:
            self.requests.completed.add(batch.number)
        else:
            self.watch.add(made.id, Load.of(batch.items))

    def _note_completed(self, invalidations: Sequence[str]) -> None:
        for each in invalidations:
            number = self.requests.number_of(each)
            self._keeper.completed(number)
            self.requests.completed.add(number)

    def _pause(self, seconds: float, what_for: str) -> bool:
        """Whether to go on after a pause, which the deadline cuts short: not if the stop came, or that was before."""
        left_s = max(0.0, self._ends - self._pauses.clock())
        self.waiting_for = what_for
        stopped = self._pauses.stop.wait(min(seconds, left_s))
        self.waiting_for = None
        if stopped:
            return False
        if not left_s:
            self.halted = f"waited {what_for} as long as --timeout allows, {self._pauses.timeout_s:g} s"
        return self.halted is None


def _longer_and_longer() -> Iterator[float]:
    """Pauses between looks, in seconds."""
    pause_s = FIRST_LOOK_S
    while True:
        yield pause_s
        pause_s = min(LONGEST_LOOK_S, pause_s * SLOWER)
