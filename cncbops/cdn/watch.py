"""What a distribution has in progress: the invalidations of a run, and those of everybody else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cncbops.cdn.batches import Load
from cncbops.cdn.edge import COMPLETED, IN_PROGRESS, Denied, Edge, Unanswered

LOADS_A_LOOK = 50
"""Each takes a call. A bucket's trigger may have thousands of a path each: that is what the others are taken for."""

_ONE_PATH = Load(singles=1)


@dataclass(frozen=True, slots=True)
class Others:
    """What is in progress that is none of a run's."""

    invalidations: int
    load: Load


class Watch:
    """Keeps an eye on one distribution. `open` are the run's own that are not known to be completed, by id.

    `others` is None as long as nobody has told of them: CloudFront then refuses what there is no room for. Why nobody
    did is in `denied`, or `unanswered` of the last look.
    """

    def __init__(self, edge: Edge, open_: Mapping[str, Load]) -> None:
        self._edge = edge
        self.open = dict(open_)
        self.others: Others | None = None
        self.denied: Denied | None = None
        self.unanswered: Unanswered | None = None
        self._own = set(open_)
        self._loads: dict[str, Load] = {}
        self._may_find = True

    def add(self, invalidation: str, load: Load) -> None:
        """One more of the run's own."""
        self._own.add(invalidation)
        self.open[invalidation] = load

    def has_room(self, load: Load) -> bool:
        """Whether a request fits beside all that is known to be in progress."""
        others = [self.others.load] if self.others else []
        return load.fits_beside(sum([*self.open.values(), *others], Load()))

    def look(self) -> list[str]:
        """Look again; the run's own that have been completed since. What CloudFront has no answer to stays as it was.

        Raises Denied if nothing tells of the run's own.
        """
        self.unanswered = None
        try:
            return self._look()
        except Unanswered as error:
            self.unanswered = error
            return []

    def _look(self) -> list[str]:
        statuses = self._listed()
        completed = [each for each in self.open if (statuses.get(each) or self._status(each)) == COMPLETED]
        for each in completed:
            del self.open[each]
        if self.denied is None:
            in_progress = [each for each, status in statuses.items() if status != COMPLETED and each not in self._own]
            self.others = Others(len(in_progress), self._load_of(in_progress))
        return completed

    def _listed(self) -> Mapping[str, str]:
        """The recent ones' statuses; none where they may not be listed."""
        if self.denied is None:
            try:
                return {each.id: each.status for each in self._edge.recent()}
            except Denied as error:
                self.denied, self.others = error, None
        return {}

    def _status(self, invalidation: str) -> str:
        """The status of one that no list tells of: it may be too new for that."""
        try:
            return self._edge.find(invalidation).status
        except Denied:
            if self.denied:
                raise
            return IN_PROGRESS

    def _load_of(self, invalidations: Iterable[str]) -> Load:
        left = LOADS_A_LOOK
        total = Load()
        for each in invalidations:
            if each not in self._loads and left and self._may_find:
                left = left - 1 if self._learn(each) else 0
            total += self._loads.get(each, _ONE_PATH)
        return total

    def _learn(self, invalidation: str) -> bool:
        """Whether it was told how much another takes: if not, nobody else is asked for in this look."""
        try:
            self._loads[invalidation] = Load.of(self._edge.find(invalidation).items or ())
        except Denied:
            self._may_find = False
        except Unanswered:
            return False
        return self._may_find
