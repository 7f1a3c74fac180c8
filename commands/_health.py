"""What `cncbops health` does: gather what is watched, look at it, and tell."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from cncbops.aws import Aws
from cncbops.errors import BadInput, CannotRun
from cncbops.health.access import Accesses
from cncbops.health.naming import Naming, regions_named, regions_of
from cncbops.health.registry import PROBES, probes_for
from cncbops.health.report import Judged, document, judged
from cncbops.health.running import Region, Round, Rounds
from cncbops.health.verdict import Required
from cncbops.safety.limits import parse_duration

from ._access import access_of
from ._configured import configured
from ._ending import NOT_HEALTHY, guarded, streamed
from ._health_view import show_rows, show_verdicts
from ._health_watch import watch
from ._options import General
from ._screen import Screen, screen_for

DOCUMENT = {"command": "health"}


@dataclass(frozen=True)
class Asked:
    """What to look at and how, as typed."""

    regions: Sequence[str]
    config: Path | None
    stage: str | None
    texts: Mapping[str, Sequence[str]]
    require: str
    timeout: str
    watch_s: float | None

    @cached_property
    def naming(self) -> Naming:
        return Naming(self.regions, configured(self.config), self.stage, self.texts)


def carry_out(asked: Asked, general: General) -> int:
    """Look at regions, once or until interrupted; the exit code."""
    screen = screen_for(general, None if asked.watch_s else DOCUMENT)
    run = streamed if asked.watch_s else guarded
    return run(screen, lambda: _look(asked, general, screen))


@dataclass(frozen=True)
class _Looking:
    """Rounds of looks, and what each means."""

    rounds: Rounds
    required: Required

    @property
    def now(self) -> Callable[[], datetime]:
        return self.rounds.accesses.now

    def look(self) -> Judged:
        """One round. Raises CannotRun if no region has anything to look at."""
        found = self.rounds.run()
        _require_names(found, self.rounds.regions)
        return judged(found, self.rounds.regions, self.required)


def _look(asked: Asked, general: General, screen: Screen) -> int:
    looking = _looking(asked, general)
    if asked.watch_s:
        _note_one_region(asked, looking, screen)
        watch(looking.look, looking.now, asked.watch_s, screen)
    started = time.monotonic()
    found = looking.look()
    duration_s, now = time.monotonic() - started, looking.now()
    if screen.json:
        screen.show_json(document(found, now, duration_s, executed=general.execute))
    elif not screen.quiet:
        with screen.printing() as out:
            show_rows(out, found, now)
            show_verdicts(out, found)
    _note_one_region(asked, looking, screen)
    return 0 if found.is_healthy else NOT_HEALTHY


def _note_one_region(asked: Asked, looking: _Looking, screen: Screen) -> None:
    """A stage is in as many regions as it was deployed to, which nobody can tell: one must not be taken for all."""
    if asked.stage is None or asked.regions or regions_named(asked.naming):
        return
    (region,) = looking.rounds.regions
    more = f"cncbops health {region.name} REGION... --stage {asked.stage}"
    screen.note(f"only {region.name}, the region in force, is looked at; to look at more, name them: {more}")


def _looking(asked: Asked, general: General) -> _Looking:
    """What is to be done, without having asked anybody. Raises BadInput."""
    required, timeout_s = Required.parse(asked.require), parse_duration(asked.timeout)
    aws = Aws(access_of(general, {}))
    regions = regions_of(asked.naming, lambda: aws.region)
    _require_probed(regions)
    required.require_possible(len(regions))
    return _Looking(Rounds(Accesses(aws), regions, probes_for(executes=general.execute), timeout_s), required)


def _require_probed(regions: Sequence[Region]) -> None:
    """A region may have names for a failover alone."""
    for region in regions:
        if not region.looks and not any(getattr(region.known, probe.field) for probe in PROBES):
            raise BadInput(
                f"nothing of {region.name} is named that health looks at", "Name a check, a table, an alarm…"
            )


def _require_names(found: Round, regions: Sequence[Region]) -> None:
    if len(found.nameless) == len(regions) and not any(found.watched.values()):
        what = f"no stack of {regions[0].looked_for} in {', '.join(found.watched)} tells what to look at"
        raise CannotRun(what, "Check stage and regions, or name what is watched in cncbops.toml")
