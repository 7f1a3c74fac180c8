"""What places had when they were lost, and what becomes of it: batches that were cut there are read anew elsewhere.

A batch keeps its place in the order of its lanes; what follows it waits until it is there again. Reading is the same
every time, and each record has a place of its own in the run, by which it is known again.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator

from msgspec.structs import replace

from cncbops.delivery.lanes import NOWHERE, Lanes
from cncbops.delivery.outcome import Settled, Waybill
from cncbops.errors import CannotRun
from cncbops.execution.executor import Executor
from cncbops.execution.tasks import Lost, Restored
from cncbops.session.agenda import Item
from cncbops.session.entry import Entry
from cncbops.session.journal import Journal

MOST_LOSSES = 5
"""How often a batch, or a chunk that is read, may be lost: it may be what its places are lost by."""


class Recovery:
    """Knows the batches that are cut and not settled, and the objects that they are of.

    `take_up` goes on with a batch that is there again, and says whether it had been begun.
    """

    def __init__(self, lanes: Lanes, journal: Journal, portion_bytes: int) -> None:
        self._lanes, self._journal, self._portion_bytes = lanes, journal, portion_bytes
        self._items: dict[int, Item] = {}  # by their object's number
        self._unsettled: dict[int, Waybill] = {}  # by number
        self._lost: deque[Waybill] = deque()
        self._restoring: dict[int, list[list[Waybill]]] = {}  # by place
        self._losses: Counter[int] = Counter()

    @property
    def objects(self) -> int:
        """How many there are of which not all is settled."""
        return len(self._items)

    def load(self) -> Counter[int]:
        """How many batches that are not settled are at each place."""
        return Counter(batch.place for batch in self._unsettled.values())

    def note(self, items: Iterable[tuple[Item, Entry]]) -> None:
        """Objects are to be read."""
        self._items.update((entry.number, item) for item, entry in items)

    def forget(self, entry: Entry) -> None:
        """All of an object that was to be sent has its fate."""
        self._items.pop(entry.number, None)

    def put(self, batch: Waybill) -> None:
        """A batch is cut."""
        self._unsettled[batch.number] = batch

    def settled(self, batches: Iterable[Settled]) -> None:
        """Batches have their fate."""
        for batch, _ in batches:
            self._unsettled.pop(batch.number, None)

    def lose(self, place: int) -> None:
        """Take down that all that was at a place is lost. Raises CannotRun where some of it was so too often."""
        self._lanes.lose(place)
        lost = [batch for batch in self._unsettled.values() if batch.place == place]
        lost += [batch for batches in self._restoring.pop(place, ()) for batch in batches]
        self._losses.update(batch.number for batch in lost)
        for batch in lost:
            batch.place = NOWHERE
        self._lost.extend(lost)
        require_few(max((self._losses[batch.number] for batch in lost), default=0))

    def restore(self, executor: Executor, take_up: Callable[[Waybill], bool]) -> None:
        """Have all that is lost read anew, wherever there is a place."""
        places = sorted(executor.places, key=lambda place: len(self._restoring.get(place, ())))
        while self._lost and places:
            place = places.pop(0)
            places.append(place)
            self._restore(list(self._some()), place, executor, take_up)

    def _some(self) -> Iterator[Waybill]:
        """As many of the batches that are lost as make a portion."""
        size = 0
        while self._lost and size < self._portion_bytes:
            size += self._lost[0].payload_bytes
            yield self._lost.popleft()

    def _restore(
        self, batches: list[Waybill], place: int, executor: Executor, take_up: Callable[[Waybill], bool]
    ) -> None:
        def take(restored: Restored) -> None:
            self._restoring[place].remove(batches)
            if restored.broken:
                raise restored.broken
            for batch, name in zip(batches, restored.batches, strict=True):
                batch.batch = name
                self._lanes.move(batch, place, is_begun=take_up(batch))

        self._restoring.setdefault(place, []).append(batches)
        executor.submit(place, "restore", self._task(batches), then=take)

    def _task(self, batches: Iterable[Waybill]) -> Lost:
        numbers = sorted({number for batch in batches for number in batch.objects})
        items = [(self._items[number], _unread(self._journal.entry(number))) for number in numbers]
        return Lost(items, [batch.places for batch in batches])


def require_few(losses: int) -> None:
    """Raise CannotRun if something was lost so often that it may be why."""
    if losses >= MOST_LOSSES:
        what = f"{losses} workers were lost one after another, each with the same in hand"
        raise CannotRun(what, "See why they ended (memory?) before it is tried again")


def _unread(entry: Entry) -> Entry:
    """An entry as it was before this session read its object, as far as reading needs it."""
    return replace(entry, pulled=0, ended=False, error=None)
