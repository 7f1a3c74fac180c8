"""What `cncbops failover status` does: how the switches stand, what hangs on them, and who switched last."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cncbops.aws import Aws
from cncbops.failover.change import PUT_BACK, TAKE_OUT
from cncbops.failover.probe import SWITCH
from cncbops.failover.scene import failover_region
from cncbops.failover.sights import ALARM, CHECK, HEALTH_CHECK
from cncbops.health.access import Accesses
from cncbops.health.naming import Naming, regions_of
from cncbops.health.registry import PROBES
from cncbops.health.report import document, judged
from cncbops.health.running import Rounds
from cncbops.health.verdict import Required
from cncbops.ledger.ledger import Ledger
from cncbops.reports.run_facts import details
from cncbops.safety.limits import parse_duration

from ._access import access_of
from ._configured import configured
from ._ending import NOT_HEALTHY, guarded
from ._flow import say
from ._health_view import show_rows, show_verdicts
from ._options import General
from ._screen import Screen, screen_for
from ._state import state_folder
from ._words import visible

_PROBES = (SWITCH, *(probe for probe in PROBES if probe.name in (CHECK, ALARM, HEALTH_CHECK)))


def carry_out_status(
    regions: Sequence[str],
    config: Path | None,
    stage: str | None,
    texts: Mapping[str, Sequence[str]],
    timeout: str,
    general: General,
) -> int:
    """Show how regions stand; the exit code."""
    screen = screen_for(general, {"command": "failover status"})

    def work() -> int:
        return _show(Naming(regions, configured(config), stage, texts), timeout, general, screen)

    return guarded(screen, work)


def _show(naming: Naming, timeout: str, general: General, screen: Screen) -> int:
    aws = Aws(access_of(general, {}))
    stage = naming.known_stage
    regions = [failover_region(each, stage) for each in regions_of(naming, lambda: aws.region)]
    rounds = Rounds(Accesses(aws), regions, _PROBES, parse_duration(timeout))
    started = time.monotonic()
    seen = rounds.run()
    found = judged(seen, regions, Required(None))
    duration_s, now = time.monotonic() - started, rounds.accesses.now()
    last = _last_acts({region: watched.check_functions for region, watched in seen.watched.items()}, general)
    if screen.json:
        told = {**document(found, now, duration_s, executed=False), "command": "failover status", "last": last}
        screen.show_json(told)
    elif not screen.quiet:
        with screen.printing() as out:
            show_rows(out, found, now)
            show_verdicts(out, found)
            for region, act in last.items():
                say(out, visible(_told(region, act)))
    return 0 if found.is_healthy else NOT_HEALTHY


def _last_acts(switches: Mapping[str, Sequence[str]], general: General) -> dict[str, Any]:
    """The last failover by the switches of each region that this ledger knows of."""
    ledger = Ledger.look(state_folder(general.state_dir))
    if ledger is None:
        return {}
    last: dict[str, Any] = {}
    with ledger:
        for run in ledger.runs():
            is_switched = run.target.get("function") in switches.get(run.function, ())
            if run.command in (TAKE_OUT, PUT_BACK) and is_switched and run.function not in last:
                last[run.function] = _act(details(ledger, run))
    return last


def _act(told: Mapping[str, Any]) -> dict[str, Any]:
    names = ("run_id", "command", "status", "who", "started", "next_step")
    return {**{name: told[name] for name in names}, "why": told["arguments"].get("why")}


def _told(region: str, act: Mapping[str, Any]) -> str:
    why = f" because {act['why']}" if act["why"] else ""
    after = f"; go on with: {act['next_step']}" if act["next_step"] else ""
    who = f" by {act['who']}" if act["who"] else ""
    return f"{region}: last {act['command']} {act['started']}{who}{why}: {act['status']}{after}"
