"""What `cncbops failover out` and `back` do: look, refuse or plan, change the switch, follow it, and tell."""

import threading
from typing import Any

from cncbops.aws import Aws
from cncbops.errors import BadInput, CncbopsError, described
from cncbops.failover.change import PUT_BACK
from cncbops.failover.scene import Scene, failover_region, scene_of
from cncbops.failover.working import Failover, facts_of
from cncbops.health.access import Accesses
from cncbops.health.naming import Naming, regions_named, regions_of
from cncbops.health.running import Region
from cncbops.identity import whoami
from cncbops.lake.sources import printable
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.place import at_ledger
from cncbops.ledger.rows import NewRun, Run
from cncbops.ledger.worker import Worker, now_ms, this_worker
from cncbops.reports.summary import EXIT_CODES
from cncbops.safety.limits import parse_duration
from cncbops.session.acting import Act, new_act

from ._access import access_of
from ._configured import configured
from ._ending import guarded
from ._failover_asked import Asked, Switching
from ._failover_view import followed, news_line, show_failover_end, show_failover_plan
from ._options import General
from ._output import LOOK_THERE
from ._screen import Screen, screen_for
from ._signals import stop_on_signal
from ._words import visible

HEALTH_TIMEOUT_S = 5.0
"""How long the other regions have to show that they are healthy."""


def carry_out(typed: Switching, general: General) -> int:
    """Take a region out or put it back, or plan that; the exit code."""
    document = {"command": typed.command, "region": typed.region, "dry_run": not general.execute}
    screen = screen_for(general, document)
    return guarded(screen, lambda: _switch(Asked(typed, general, screen)))


def _switch(asked: Asked) -> int:
    longest_s = parse_duration(asked.typed.timeout)
    accesses, (target, *others) = _regions(asked)
    ledger = Ledger.look(asked.folder)
    try:
        scene = scene_of(accesses, target, others, ledger, HEALTH_TIMEOUT_S, out=asked.typed.out)
    finally:
        if ledger:
            ledger.close()
    if not asked.general.execute:
        return _plan(asked, scene)
    scene.require_allowed(force=asked.typed.force)
    return _execute(asked, scene, longest_s, _worker(accesses, scene))


def _regions(asked: Asked) -> tuple[Accesses, list[Region]]:
    """The region that is meant and, behind it, those that may carry its traffic. Raises BadInput."""
    typed, general = asked.typed, asked.general
    naming = Naming([typed.region], configured(typed.config), typed.stage, typed.texts)
    aws = Aws(access_of(general, {}))
    (target,) = regions_of(naming, lambda: aws.region)
    if typed.region in typed.others:
        raise BadInput(f"--other {typed.region} is the region itself", "Name the regions that shall carry its traffic")
    names = typed.others or regions_named(naming)
    others = [name for name in dict.fromkeys(names) if name != typed.region] if typed.out else []
    carriers = regions_of(naming.of(others), lambda: aws.region) if others else []
    return Accesses(aws), [failover_region(target, naming.known_stage), *carriers]


def _worker(accesses: Accesses, scene: Scene) -> Worker:
    """Who does it: asked where STS is likely to answer, which may not be the region that is ill."""
    identity = whoami(accesses.of((scene.carriers or [scene.region])[0]).aws)
    return this_worker(identity.arn if identity else None)


def _plan(asked: Asked, scene: Scene) -> int:
    followed = [facts_of(sight) for sight in scene.look()]
    error = _objection(asked, scene)
    is_so = not scene.change.is_needed and all(sight["as_wanted"] for sight in followed)
    status = "failed" if error else "nothing" if is_so else "planned"
    document = asked.document(scene, status, str(error) if error else None, followed=followed)
    if error:
        document["error"] = described(error)
        asked.screen.show_error(error)
    if asked.screen.json:
        asked.screen.show_json(document)
    elif not asked.screen.quiet:
        with asked.screen.printing() as out:
            show_failover_plan(out, visible(document))
    return error.exit_code if error else EXIT_CODES[status]


def _objection(asked: Asked, scene: Scene) -> CncbopsError | None:
    """Why it could not be done as things are; None if it could."""
    try:
        scene.require_allowed(force=asked.typed.force)
    except CncbopsError as error:
        return error
    return None


def _execute(asked: Asked, scene: Scene, longest_s: float, worker: Worker) -> int:
    stop, screen = threading.Event(), asked.screen
    if scene.rule:
        screen.note(f"--force overrides the rule {scene.rule.name}: {scene.rule.why}")
    failover = Failover(scene.change, scene.client, scene.sights, stop, _ordered_s_ago(scene))
    with stop_on_signal(stop, screen), new_act(asked.folder, _new_run(asked, scene), worker, stop) as act:
        error = _carry_out(failover, longest_s, screen)
        unwritten = _write_down(act, _ended(act, failover, longest_s, error), failover)
    error = error or unwritten
    status, reason = _ended(act, failover, longest_s, error)
    document = asked.document(
        scene,
        status,
        reason,
        changed=failover.changed,
        followed=failover.facts(),
        result=failover.times(),
        next_steps=_next_steps(asked, status, is_out=asked.typed.out and not failover.is_pending),
        ledger=printable(str(act.ledger.path)),
    )
    if error:
        document["error"] = described(error)
    _tell(document, error, screen)
    return error.exit_code if error else EXIT_CODES[status]


def _carry_out(failover: Failover, longest_s: float, screen: Screen) -> CncbopsError | None:
    """Do it, and show what happens; what ended it early. What is changed by then stays changed."""
    try:
        with followed(screen.err, failover, shows_text=screen.shows_text):
            for news in failover.news(longest_s):
                if screen.shows_text:
                    screen.err.print(news_line(failover, news))
    except CncbopsError as error:
        return error
    return None


def _write_down(act: Act, end: tuple[str, str | None], failover: Failover) -> CncbopsError | None:
    """Keep how it ended; why the ledger did not take it."""
    try:
        act.end(*end, {"result": failover.times()})
    except CncbopsError as error:
        return error
    return act.failed


def _tell(document: dict[str, Any], error: CncbopsError | None, screen: Screen) -> None:
    if error:
        screen.show_error(error)
    if screen.json:
        screen.show_json(document, LOOK_THERE)
    elif screen.shows_text and (document["changed"] or not error):
        show_failover_end(screen.err, visible(document))


def _new_run(asked: Asked, scene: Scene) -> NewRun:
    """The failover as the ledger keeps it: what the switch held before, and none of the other variables."""
    typed, switch = asked.typed, scene.change.switch
    overrides = scene.facts(force=typed.force)["overrides"]
    return NewRun(
        run_id=asked.run_id,
        command=typed.command,
        function=typed.region,
        sources=[],
        account=switch.arn.split(":")[4],
        arguments={"why": asked.why(scene), "overrides": overrides, "stage": typed.stage},
        terms={**asked.to_go_on, "ordered_ms": _ordered_ms(scene.earlier)},
        target={"function": switch.function, "arn": switch.arn, "before": switch.value, "after": scene.change.value},
        access=access_of(asked.general, {}).kept(),
        likeness="",
    )


def _ordered_ms(earlier: Run | None) -> int | None:
    """When what is gone on with was first ordered; None for something new."""
    return earlier.terms.get("ordered_ms") or earlier.started_ms if earlier else None


def _ordered_s_ago(scene: Scene) -> float | None:
    ordered_ms = _ordered_ms(scene.earlier)
    return None if ordered_ms is None else (now_ms() - ordered_ms) / 1000


def _ended(act: Act, failover: Failover, longest_s: float, error: CncbopsError | None) -> tuple[str, str | None]:
    """How it ended, and why it did not end well."""
    if error:
        return "failed", str(error)
    if failover.is_done:
        return ("succeeded" if failover.changed or failover.following.sights else "nothing"), None
    left = f"not turned yet: {'; '.join(failover.behind())}"
    if failover.overruled:
        return "stopped", f"somebody else has changed the switch meanwhile; {left}"
    if act.ordered:
        return "stopped", f"{act.ordered}; {left}"
    if act.stop.is_set():
        return "interrupted", "nothing was changed" if failover.is_pending else left
    return "stopped", f"after {longest_s:g} s, {left}"


def _next_steps(asked: Asked, status: str, *, is_out: bool) -> list[str]:
    """What to type next: to go on where it is not done, and to put the region back."""
    go_on = [asked.typed.command] if status in ("stopped", "interrupted", "failed") else []
    commands = [*go_on, PUT_BACK] if is_out else go_on
    return [f"{asked.to_type(command)}{at_ledger(asked.folder)}" for command in commands]
