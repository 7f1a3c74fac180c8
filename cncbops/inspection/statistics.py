"""What there is in a lake: the chosen events counted by everything that tells them apart, in bounded memory."""

from collections import Counter
from collections.abc import Sequence

from cncbops.inspection.columns import Columns
from cncbops.inspection.gaps import Gaps
from cncbops.inspection.reading import Chunk
from cncbops.inspection.repeats import Repeats
from cncbops.inspection.seconds import BusiestSecond
from cncbops.inspection.sketches import Keys, Sizes
from cncbops.lake.objects import LakeObject
from cncbops.tally import Tally, count_into

NOT_SPECIFIED, NONE, OTHERS = "not-specified", "(none)", "(others)"
"""Names of what tells none: of a source as the book's metric calls it."""
MOST_NAMES, LONGEST_NAME = 1_000, 256
"""Names are kept, and a hostile lake shall not fill memory."""
_TOGETHER = 4_096
"""Events that are counted together: an object may hold a single one."""


class Statistics:
    """Counts the chunks of a lake; what is asked of it holds for all that came before `finish`."""

    def __init__(self) -> None:
        self._waiting = Columns()
        self.tally = Tally()
        self.by_source: Counter[str] = Counter()
        self.by_region: Counter[str] = Counter()
        self.by_shard: Counter[str] = Counter()
        self.seconds, self.sizes, self.keys = BusiestSecond(), Sizes(), Keys()
        self.repeats, self.gaps = Repeats(), Gaps()
        self.without_id = self.without_time = 0
        self.largest: tuple[int, str, int, int] | None = None

    def meet(self, lake_object: LakeObject) -> None:
        """Take down an object, whether or not anything can be read in it; before its chunks, if it has any."""
        self.gaps.meet(lake_object)

    def add(self, chunk: Chunk) -> None:
        """Count a chunk."""
        self.gaps.add(chunk)
        if not chunk.events:
            return
        self._waiting.take(chunk)
        self._look_for_largest(chunk)
        if len(self._waiting) >= _TOGETHER:
            self.finish()

    def finish(self) -> None:
        """Count what waits to be counted together with what comes after it."""
        if self._waiting:
            self._count(self._waiting)
            self._waiting = Columns()

    def close(self) -> None:
        """Give back what is on disk, and the sketches: of those that an error keeps alive, their library would tell.

        It does so on standard error at the end of the process, in hundreds of lines (nanobind's leak warnings).
        """
        self.repeats.close()
        del self.sizes, self.keys

    def _look_for_largest(self, chunk: Chunk) -> None:
        size = max(self._waiting.sizes[-len(chunk.events) :])
        if self.largest is None or size > self.largest[0]:
            event = next(event for event in chunk.events if len(event.data) == size)
            self.largest = size, chunk.object.uri, event.line, event.part

    def _count(self, events: Columns) -> None:
        self.tally.count_sent(events.types, events.times)
        self.tally.events.synthesized += events.synthesized
        self.without_time += events.without_time
        _count_names(self.by_source, events.sources, NOT_SPECIFIED)
        _count_names(self.by_region, events.regions, NONE)
        _count_names(self.by_shard, events.shards, NONE)
        self.seconds.add(events.times)
        self.sizes.add(events.sizes)
        self.keys.add(events.keys)
        ids = [event_id for event_id in events.ids if event_id is not None]
        self.without_id += len(events) - len(ids)
        self.repeats.add(ids)


def _count_names(counter: Counter[str], names: Sequence[str | None], none: str) -> None:
    for name, number in Counter(names).items():
        count_into(counter, {(name or none)[:LONGEST_NAME]: number}, OTHERS, MOST_NAMES)
