"""An agenda's objects in chunks: as many at a time as one place reads before the next are given out."""

import threading
from collections.abc import Callable, Generator, Iterator, Sequence

from cncbops.errors import CncbopsError
from cncbops.lake.in_order import nothing
from cncbops.lake.layout import CLAIM_CHECK, skip_reason
from cncbops.session.agenda import Agenda, Item
from cncbops.session.entry import Entry
from cncbops.session.journal import Journal

CHUNK_OBJECTS = 256
CHUNK_MESSAGES = 10
"""Of a queue, which gives so many at a time: they shall not wait for others to come."""

Objects = Sequence[tuple[Item, Entry]]


class Chunks:
    """Gives out an agenda's objects that hold events, each with its entry, and counts the others as skipped.

    A chunk has so many bytes, as they are stored, or one object of more. `is_at_limit` is set once as much is chosen
    as was asked for: then only what was begun and has records left is wanted.
    """

    def __init__(
        self,
        agenda: Agenda,
        journal: Journal,
        chunk_bytes: int,
        stop: threading.Event,
        before_threads: Callable[[], None] = nothing,
    ) -> None:
        """`before_threads` is called before threads begin to find out what there is."""
        self._agenda, self._journal, self._chunk_bytes = agenda, journal, chunk_bytes
        self._stop, self._before_threads = stop, before_threads
        self.is_at_limit = False

    def __iter__(self) -> Generator[Objects | None, None, None]:
        """The chunks; None where nothing more comes before something that was given out is settled.

        Raises CncbopsError, after what was found, where objects cannot be found out.
        """
        broken: CncbopsError | None = None
        chunk: list[tuple[Item, Entry]] = []
        size = 0
        try:
            for item in self._wanted():
                if item is not None:
                    chunk.append((item, self._journal.entry_of(item)))
                    size += item.object.size
                if chunk and (item is None or size >= self._chunk_bytes or len(chunk) >= _most(item)):
                    yield chunk
                    chunk, size = [], 0
                if item is None:
                    yield None
        except CncbopsError as error:
            broken = error
        if chunk:
            yield chunk
        if broken:
            raise broken

    def _wanted(self) -> Iterator[Item | None]:
        objects = self._journal.tally.objects
        for item in self._agenda.items(self._stop, self._before_threads):
            if item is None:
                if self.is_at_limit:
                    return  # what it waits for may be among what is not read any more
                yield None
                continue
            if self._stop.is_set() or (self.is_at_limit and not item.left):
                return
            if self.is_at_limit and item.left and not item.left.matched:
                continue  # another that was begun may have some left
            reason = item.passed_over or skip_reason(item.object)
            if reason and not (item.by_name and reason == CLAIM_CHECK):
                objects.listed += 1
                objects.skip(reason)
            else:
                yield item


def _most(item: Item) -> int:
    """How many of its kind a chunk has."""
    return CHUNK_OBJECTS if item.content is None else CHUNK_MESSAGES
