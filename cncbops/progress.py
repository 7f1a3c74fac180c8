"""How far an earlier session of a run came: which records are settled, and which objects are not done."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from cncbops.entry import ordinal
from cncbops.kinesis.batching import NOTHING_SETTLED, Mark, lane_of


@dataclass(frozen=True)
class Progress:
    """What is settled: by lane up to its mark, and beyond the marks the places in `beyond`.

    `next_number` is that of the next object new to the run; `chosen` counts the events that were
    chosen from objects that are done.
    """

    lanes: int = 0
    marks: Mapping[int, Mark] = field(default_factory=dict)
    beyond: Set[int] = frozenset()
    next_number: int = 0
    chosen: int = 0

    def is_settled(self, place: int, partition_key: str, pulled: int) -> bool:
        """Whether a record is settled, of an object of which `pulled` records were chosen then.

        A lane's mark speaks of records that were chosen, not of those that could not be read then.
        """
        if ordinal(place) >= pulled:
            return False
        return place in self.beyond or self._mark(partition_key).covers(place)

    def _mark(self, partition_key: str) -> Mark:
        return self.marks.get(lane_of(partition_key, self.lanes), NOTHING_SETTLED)
