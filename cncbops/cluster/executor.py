"""The workers of a Dask cluster, each a place of a session."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from cncbops.cluster.line import Answered, Begun, Ended
from cncbops.cluster.loop import Loop
from cncbops.cluster.parcels import Kept, packed
from cncbops.cluster.roster import Member, Roster
from cncbops.cluster.watch import Alone, Event, Failed, Joined, Unfit, Watch
from cncbops.errors import CannotRun, CncbopsError
from cncbops.execution.executor import PlaceLost, Then, fail
from cncbops.execution.outbox import Outbox
from cncbops.execution.processes import MOST_AT_A_TIME
from cncbops.execution.station import Outfit
from cncbops.lake.pages import Page

WITHOUT_S = 60.0
"""How long a session waits for a worker where none is left: one that was restarted is soon back."""

_FIRST_S = 20.0
"""How long those that are there at the start may take to settle in, if one has."""

_LOOK_S = 0.1

_ANSWERERS = 4


class ClusterExecutor:
    """An Executor with as many places as workers, which come and go. `note` is told what the operator should know."""

    def __init__(
        self, loop: Loop, roster: Roster, outfit: Outfit, note: Callable[[str], None], without_s: float = WITHOUT_S
    ) -> None:
        """Waits for the workers that are there. Raises CannotRun where none of them can be used."""
        self._outfit, self._note, self._without_s = outfit, note, without_s
        self._kept, self._outbox = Kept(here=roster.here), Outbox()
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._pool = ThreadPoolExecutor(_ANSWERERS, thread_name_prefix="answer")
        self._watch = Watch(loop, roster, self._kept, self._pool, self._events.put)
        self._members: dict[int, Member] = {}  # all whose lines were opened and have not ended
        self._settling: dict[int, Set[str]] = {}  # places that settle in, with the functions that they know
        self._gone: deque[tuple[int, str]] = deque()  # places that have ended, and why; not told of yet
        self._alone_since: float | None = None
        self._why_none: CncbopsError | None = None
        try:
            self._await_first()
        except BaseException:
            self.close()
            raise

    @property
    def places(self) -> Sequence[int]:
        """The workers that have settled in and are not gone."""
        return self._outbox.places

    def room(self, place: int) -> int:
        """Eight, or as many as the worker has threads if those are more."""
        return self._members[place].room

    def submit(self, place: int, method: str, *arguments: Any, then: Then) -> None:
        """Have a method of the station at a place called."""
        self._outbox.put(place, method, arguments, then)

    def ended(self, longest_s: float) -> Sequence[tuple[Then, Any]]:
        """The tasks that ended, defects last; those that were given until now go out first. Raises PlaceLost."""
        if self._gone:
            raise self._lost(*self._gone.popleft())
        self._send_out()
        self._hope()
        found: list[tuple[Then, Any]] = []
        with suppress(Empty):
            while len(found) < MOST_AT_A_TIME and not self._gone:
                event = self._events.get(block=not found, timeout=longest_s)
                if isinstance(event, Answered):
                    found += self._outbox.redeem(event.answers)
                elif isinstance(event, Failed):
                    found.append((fail, event.defect))
                else:
                    self._heed(event)
                    break
        if self._gone and not found:
            raise self._lost(*self._gone.popleft())
        return sorted(found, key=lambda each: each[0] is fail)

    def page(self, bucket: str, asked: Mapping[str, str]) -> Page | None:
        """A page of a bucket's listing, asked for by some worker; None if there is none. In any thread."""
        return self._watch.page(bucket, asked)

    def close(self) -> None:
        """Let all places go."""
        self._watch.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _send_out(self) -> None:
        """Send each place what it has to do, in one message."""
        if busy := self._outbox.emptied():
            self._watch.send([(place, packed((tasks, ()), self._kept)) for place, tasks in busy])

    def _heed(self, event: Event) -> None:
        """Take down what happened to a worker."""
        match event:
            case Joined(number, member):
                self._members[number] = member
                self._settling[number] = frozenset(self._outfit.recipients.known)
                self._watch.open(number, packed(self._outfit, self._kept))
            case Begun(place):
                self._outbox.open(place)
                self._introduce(place, self._settling.pop(place))
            case Ended(place, error) if place in self.places:
                self._gone.append((place, error.what if error else f"{self._members[place]} is gone"))
            case Ended(place, error):
                self._settling.pop(place)
                self._leave_out(self._members.pop(place), error)
            case Unfit(error):
                self._why_none = error
                self._note(f"{error.what}: it is not used. {error.next_step}")
            case Alone():
                self._note("the scheduler does not answer")
            case Failed(defect):
                raise defect

    def _introduce(self, place: int, known: Set[str]) -> None:
        """Make the functions known at a place that were found while it settled in."""
        recipients = self._outfit.recipients.known
        if new := {name: recipients[name] for name in recipients.keys() - known}:
            self.submit(place, "meet", new, then=lambda _: None)

    def _leave_out(self, member: Member, error: CncbopsError | None) -> None:
        """Do without a worker that could not settle in."""
        self._why_none = error or CannotRun(f"{member} is gone", "Start workers")
        if error:
            self._note(f"{member} is not used: {error.what}")

    def _lost(self, place: int, why: str) -> PlaceLost:
        self._outbox.close(place)
        del self._members[place]
        return PlaceLost(why, place)

    def _await_first(self) -> None:
        """Have the workers that are there settle in."""
        self._watch.begin()
        deadline = time.monotonic() + _FIRST_S
        while not self._events.empty() or (self._settling and not (self.places and time.monotonic() > deadline)):
            with suppress(Empty):
                self._heed(self._events.get(timeout=_LOOK_S))
        if not self.places:
            raise self._why_none or CannotRun("there is no worker that could be used", "Start workers")

    def _hope(self) -> None:
        """Wait for a worker where none is left, and give up in the end. Raises CannotRun."""
        now = time.monotonic()
        if self.places:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = now
            self._note(f"no worker is left: waiting {self._without_s:g} s for another")
        elif now - self._alone_since >= self._without_s:
            why = f" ({self._why_none.what})" if self._why_none else ""
            raise CannotRun(f"no worker is left{why}", "Start workers before it is tried again")
