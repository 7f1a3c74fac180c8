"""Rounds of probes: every subject of every probe of every region for itself, and an end at the deadline.

    names known -> tasks -> lanes (threads) -> outcomes -> rows
    looks for names ---------------------------^  more names -> more tasks

The main thread only waits for outcomes. What has brought none at the deadline is unknown, and is left to itself:
its thread is a daemon, and the next round does not ask about the same again while it hangs.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from queue import Empty, SimpleQueue

from cncbops.health.access import Accesses, RegionAccess
from cncbops.health.finding import Finding, Row, Status
from cncbops.health.lane import Lane
from cncbops.health.refusal import REFUSALS, reason_of, refused
from cncbops.health.registry import Probe
from cncbops.stacks import Stacks
from cncbops.stage import Look
from cncbops.watched import Watched

NAMES = "names"
"""Stands in place of a probe's name where names could not be found."""

_CALLS_AND_MORE = 3
"""Looks for names: other calls follow them."""

Key = tuple[str, str, str, int]
Place = tuple[int, int]


@dataclass(frozen=True)
class Region:
    """A region to be looked at: names that are known, and looks for more, which `looked_for` calls by a name."""

    name: str
    known: Watched
    looks: Sequence[Look] = ()
    looked_for: str = ""


@dataclass(frozen=True)
class Round:
    """What one round found: rows by region, probe and subject, and what is watched by region.

    `nameless` are the regions in which looks for names went well and found none.
    """

    rows: Sequence[Row]
    watched: Mapping[str, Watched]
    nameless: frozenset[str]


@dataclass(frozen=True, eq=False)
class _Task:
    """One thing to ask, in so many calls; one `part` of it where there are several. `place` is where its rows stand."""

    region: str
    probe: str
    subject: str
    ask: Callable[[], Watched | Sequence[Finding]]
    place: Place
    calls: int
    part: int = 0
    decides: bool = True

    @property
    def key(self) -> Key:
        return self.region, self.probe, self.subject, self.part

    def row(self, finding: Finding, checked: datetime, took_s: float) -> Row:
        return Row(self.region, self.probe, finding, checked, took_s, self.decides)


@dataclass(frozen=True)
class _Outcome:
    """What came of a task; an exception only if it is a defect."""

    task: _Task
    result: Watched | Sequence[Finding] | BaseException
    checked: datetime
    took_s: float


class Rounds:
    """Looks at regions, as often as asked. `probes` may be none: then only names are found."""

    def __init__(
        self,
        accesses: Accesses,
        regions: Sequence[Region],
        probes: Sequence[Probe],
        timeout_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.accesses = accesses
        self.regions = regions
        self.probes = probes
        self.timeout_s = timeout_s
        self.clock = clock
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._hanging: set[Key] = set()
        self._answered: dict[Key, datetime] = {}

    def run(self) -> Round:
        """One round, over at the latest when its time is. Raises what a probe raises by a defect."""
        found = _Round(self).run()
        for lane in self._lanes.values():
            lane.clear()
        return found

    def begin(self, task: _Task, outcomes: "SimpleQueue[_Outcome]") -> None:
        """Have a task done in a thread of its lane."""
        lane = self._lanes.setdefault((task.region, task.probe), Lane())
        lane.add(partial(self._do, task, outcomes))

    def hangs(self, task: _Task) -> bool:
        """Whether a task of an earlier round that asks the same has still not come back."""
        return task.key in self._hanging

    def note(self, outcome: _Outcome) -> None:
        """Remember when there was an answer."""
        self._answered[outcome.task.key] = outcome.checked

    def silent(self, task: _Task) -> Row:
        """The row of a task without an answer, as old as the last one that there was."""
        checked = self._answered.get(task.key, self.accesses.now())
        finding = Finding(task.subject, Status.unknown, f"no answer within {self.timeout_s:g} s")
        return task.row(finding, checked, self.timeout_s)

    def _do(self, task: _Task, outcomes: "SimpleQueue[_Outcome]") -> None:
        started = self.clock()
        self._hanging.add(task.key)
        try:
            result: Watched | Sequence[Finding] | BaseException = task.ask()
        except REFUSALS as error:
            result = [refused(task.subject, error)]
        except BaseException as error:  # noqa: BLE001  raised again where it ends the round
            result = error
        self._hanging.discard(task.key)
        outcomes.put(_Outcome(task, result, self.accesses.now(), self.clock() - started))


class _Round:
    """One round under way; all of it but the tasks themselves in one thread."""

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = rounds
        self._outcomes: SimpleQueue[_Outcome] = SimpleQueue()
        self._open: set[_Task] = set()
        self._rows: list[tuple[Place, Row]] = []
        self._watched = {region.name: Watched() for region in rounds.regions}
        self._without_names = {region.name for region in rounds.regions if region.looks}
        self._defects: list[BaseException] = []

    def run(self) -> Round:
        deadline = self._rounds.clock() + self._rounds.timeout_s
        tasks = []
        for place, region in enumerate(self._rounds.regions):
            tasks += [*self._looks(place, region), *self._probing(place, region.known)]
        self._begin_all(tasks)
        while self._open and (outcome := self._next(deadline)):
            self._take(outcome)
        for task in self._open:
            self._rows.append((task.place, self._rounds.silent(task)))
        if self._defects:
            raise self._defects[0]
        nameless = self._nameless()
        self._tell_nameless(nameless)
        return Round(list(self._in_order()), self._watched, nameless)

    def _next(self, deadline: float) -> _Outcome | None:
        try:
            return self._outcomes.get(timeout=max(0.0, deadline - self._rounds.clock()))
        except Empty:
            return None

    def _begin_all(self, tasks: Iterable[_Task]) -> None:
        """Begin with what takes the longest."""
        for task in sorted(tasks, key=lambda task: -task.calls):
            if self._rounds.hangs(task):
                self._rows.append((task.place, self._rounds.silent(task)))
            else:
                self._open.add(task)
                self._rounds.begin(task, self._outcomes)

    def _take(self, outcome: _Outcome) -> None:
        task, result = outcome.task, outcome.result
        self._open.discard(task)
        self._rounds.note(outcome)
        if isinstance(result, BaseException):
            self._defects.append(result)
        elif isinstance(result, Watched):
            if result:
                self._without_names.discard(task.region)
            self._begin_all(self._probing(task.place[0], result))
        else:
            rows = (task.row(finding, outcome.checked, outcome.took_s) for finding in result)
            self._rows.extend((task.place, row) for row in rows)

    def _looks(self, place: int, region: Region) -> Iterator[_Task]:
        access = self._rounds.accesses.of(region.name)
        for part, look in enumerate(region.looks):
            ask = partial(_ask_stacks, look, access, region.looked_for)
            yield _Task(region.name, NAMES, region.looked_for, ask, (place, 0), _CALLS_AND_MORE, part)

    def _probing(self, place: int, found: Watched) -> Iterator[_Task]:
        """The tasks for what is new among the names of a region."""
        name = self._rounds.regions[place].name
        before = self._watched[name]
        self._watched[name] = before | found
        access = self._rounds.accesses.of(name)
        for number, probe in enumerate(self._rounds.probes, 1):
            for subject in dict.fromkeys(getattr(found, probe.field)):
                if subject not in getattr(before, probe.field):
                    ask = partial(probe.ask, access, subject)
                    is_here = not probe.is_elsewhere
                    yield _Task(name, probe.name, subject, ask, (place, number), probe.calls, decides=is_here)

    def _nameless(self) -> frozenset[str]:
        told = {row.region for _, row in self._rows if row.probe == NAMES}
        return frozenset(self._without_names - told)

    def _tell_nameless(self, regions: Collection[str]) -> None:
        for place, region in enumerate(self._rounds.regions):
            if region.name in regions:
                why = f"{region.looked_for}: no stack in {region.name} tells what to look at"
                finding = Finding(region.looked_for, Status.unknown, why)
                self._rows.append(((place, 0), Row(region.name, NAMES, finding, self._rounds.accesses.now(), 0.0)))

    def _in_order(self) -> Iterable[Row]:
        """The rows by region, probe and subject, each once: an alarm may be found by its name and by a prefix of it."""
        placed = sorted(self._rows, key=lambda placed: (placed[0], placed[1].finding.subject))
        return {row.key: row for _, row in placed}.values()


def _ask_stacks(look: Look, access: RegionAccess, looked_for: str) -> Watched | Sequence[Finding]:
    """What the stacks tell, or that they cannot be looked at: for AWS's own reason, in the words of a probe."""
    try:
        return look(Stacks(access.client("cloudformation")))
    except REFUSALS as error:
        reason = reason_of(error.__cause__ if isinstance(error.__cause__, REFUSALS) else error)
        return [Finding(looked_for, Status.unknown, f"{looked_for}: its stacks do not tell what to look at: {reason}")]
