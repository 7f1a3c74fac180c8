"""Finding out which events are sent before any is: all objects are read twice, or those that hold such an event.

What is read the first time is noted in a scratch database, and written down as a whole once all of it is read: a run
that is ended before has nothing in the ledger, and begins anew when it is resumed; one that is ended later goes on
with what was picked, whatever the lake has become.
"""

import pickle
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from cncbops.delivery.outcome import Settled
from cncbops.lake.in_order import nothing
from cncbops.session.agenda import Agenda, Item
from cncbops.session.entry import Entry
from cncbops.session.keeper import Keeper, NoKeeper, RunKeeper
from cncbops.session.newest import Newest
from cncbops.session.picks import Picked
from cncbops.session.scratch import at_one_go, noting, scratch
from cncbops.tally import Events, Failure


class Looked:
    """The Keeper of a session that picks: notes down what it is told until it has picked, then passes it on."""

    def __init__(self) -> None:
        """Raises CannotRun if nothing can be noted down."""
        self._keeper: RunKeeper = NoKeeper()
        self.is_open = True
        with noting():
            self._noted = scratch()
            self._noted.execute("CREATE TABLE objects (number INTEGER PRIMARY KEY, entry BLOB NOT NULL)")
            self._noted.execute("CREATE TABLE failures (object INTEGER NOT NULL, failure BLOB NOT NULL)")
            self._noted.execute("CREATE TABLE picks (number INTEGER PRIMARY KEY, bits BLOB NOT NULL)")

    def before(self, keeper: RunKeeper) -> Keeper:
        """What is to be told in the place of a keeper."""
        self._keeper = keeper
        return self

    def write(
        self,
        entries: Collection[Entry],
        failures: Sequence[tuple[int, Failure]],
        settled: Sequence[Settled],
        claimed: Sequence[bytes],
    ) -> None:
        """Note objects and failures, or pass all on. Raises CannotRun."""
        if not self.is_open:
            self._keeper.write(entries, failures, settled, claimed)
            return
        with noting(), at_one_go(self._noted):
            self._put("INSERT OR REPLACE INTO objects VALUES (?, ?)", ((entry.number, entry) for entry in entries))
            self._put("INSERT INTO failures VALUES (?, ?)", failures)

    def mend(self, failures: Sequence[tuple[int, int, int]]) -> None:
        """Nothing: what picks is no redrive."""

    def pick(self, picks: Iterator[tuple[int, bytes]]) -> None:
        """Keep all that was noted, with what is picked of it, and pass on what comes. Raises CannotRun."""
        with noting(), at_one_go(self._noted):
            self._noted.executemany("INSERT INTO picks VALUES (?, ?)", picks)
        self._keeper.pick(self._objects(), self._failures())
        self.is_open = False

    def picked(self) -> Iterator[tuple[Entry, bytes]]:
        """The objects of which something is picked, as they are to be read, and what. Raises CannotRun."""
        return ((entry, picks) for entry, picks in self._objects() if picks)

    def _put(self, statement: str, rows: Any) -> None:
        self._noted.executemany(statement, ((number, pickle.dumps(what, protocol=5)) for number, what in rows))

    def _objects(self) -> Iterator[tuple[Entry, bytes]]:
        with noting():
            rows = self._noted.execute(
                "SELECT o.entry, coalesce(p.bits, x'') FROM objects o LEFT JOIN picks p USING (number) ORDER BY number"
            )
            for pickled, picks in rows:
                entry: Entry = pickle.loads(pickled)  # noqa: S301  from our own process
                yield replace(entry, pulled=0, ended=not picks), picks

    def _failures(self) -> Iterator[tuple[int, Failure]]:
        with noting():
            for number, pickled in self._noted.execute("SELECT object, failure FROM failures"):
                yield number, pickle.loads(pickled)  # noqa: S301  from our own process


class PicksNewest(Agenda):
    """First all objects of an agenda, to be read for the newest event of each key; then those that hold one.

    `most` is how many events are sent, the first of the lake; None sends all. `register` is to judge what is read.
    """

    def __init__(self, objects: Agenda, most: int | None) -> None:
        """Raises CannotRun if nothing can be noted down."""
        self._objects, self._most = objects, most
        self._looked, self.register = Looked(), Newest()
        self._counts = Events()

    @property
    def looks(self) -> bool:
        """Whether it is not known yet what is sent."""
        return self._looked.is_open

    def serve(self, keeper: RunKeeper) -> Keeper:
        """What a session is to tell what it would tell a keeper."""
        return self._looked.before(keeper)

    def count_in(self, counts: Events) -> None:
        """Where the events that are older than another of their key are counted, once that is known."""
        self._counts = counts

    def items(self, stop: threading.Event, before_threads: Callable[[], None] = nothing) -> Iterator[Item | None]:
        """The objects. Raises CannotRun if what is picked cannot be kept."""
        yield from self._objects.items(stop, before_threads)
        yield None  # and goes on once all of that is read
        self._counts.older += self.register.met - self.register.count_keys()
        self._looked.pick(self.register.picks(self._most))
        for entry, picks in self._looked.picked():
            yield Item(entry.source, entry.object, entry, picked=Picked(picks, again=True, broken=entry.error))
