"""Ways measured in turns: what disturbs one round disturbs all of them alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.errors import CannotMeasure
from benchmarks.far_side import FarSide
from benchmarks.report import tell, whole
from benchmarks.ways import Taken, Way


@dataclass(frozen=True, slots=True)
class Series:
    """The runs of one way."""

    way: Way
    runs: Sequence[Taken]

    @property
    def best(self) -> Taken:
        """The fastest by its own clock."""
        return max(self.runs, key=lambda taken: taken.rate)

    @property
    def rate(self) -> float:
        """The median of events a second: what ratios are made of."""
        return self.median(lambda taken: taken.rate)

    def median(self, value: Callable[[Taken], float]) -> float:
        """The median of something of its runs."""
        return median(map(value, self.runs))


def measure_in_turns(ways: Sequence[Way], far: FarSide, repeat: int) -> tuple[list[Series], list[str]]:
    """Each way so many times, and notes on those that cannot be measured here."""
    runs: dict[Way, list[Taken]] = {way: [] for way in ways}
    failed: dict[Way, str] = {}
    for turn in range(repeat):
        for way in [each for each in ways if each not in failed]:
            name = f"{way.name}, batches of {way.batch}"
            try:
                runs[way].append(way.run(way, far))
            except CannotMeasure as error:
                failed[way] = f"{name}: not measured to the end. {error}"
                tell(failed[way])
            else:
                tell(f"{turn + 1}/{repeat}  {name}: {whole(runs[way][-1].rate)} events/s")
    return [Series(way, taken) for way, taken in runs.items() if taken], list(failed.values())


def measure_one(way: Way, far: FarSide, repeat: int) -> Series:
    """One way so many times. Raises CannotMeasure."""
    series, notes = measure_in_turns([way], far, repeat)
    if not series:
        raise CannotMeasure(notes[0])
    return series[0]
