"""A region's switch and what hangs on it: its check, the alarm that sees the check fail, Route 53's health check."""

from collections.abc import Callable
from functools import partial

from cncbops.failover.following import Seen, Sight
from cncbops.failover.switch import VARIABLE, read_switch
from cncbops.health.access import RegionAccess
from cncbops.health.alarms import find_alarm
from cncbops.health.check_endpoint import Answer, ask
from cncbops.health.refusal import REFUSALS, reason_of
from cncbops.health.route53 import AlarmRef, Evaluation, evaluate
from cncbops.watched import Watched

SWITCH, CHECK, ALARM, HEALTH_CHECK = "switch", "check", "alarm", "health check"

_ROUNDS_TO_A_LOOK = 5
"""Route 53 takes five requests a second, of the whole account, and Lambda's control plane fifteen."""


def sights_of(access: RegionAccess, watched: Watched, *, out: bool) -> list[Sight]:
    """What is to follow when a region is taken out, or put back; the switch itself may be changed by others.

    Of what is watched in the region that is the first check, the first health check, and the alarm that it goes by;
    without one, the first alarm that is named. What else is watched need not turn with the switch.
    """
    looks = [
        *(
            (SWITCH, each, partial(_switch, access, each, out=out), _ROUNDS_TO_A_LOOK)
            for each in watched.check_functions
        ),
        *((CHECK, url, partial(_check, access, url, out=out), 1) for url in watched.checks[:1]),
        *((ALARM, alarm.name, partial(_alarm, access, alarm, out=out), 1) for alarm in _alarms(access, watched)),
        *(
            (HEALTH_CHECK, each, partial(_health_check, access, each, out=out), _ROUNDS_TO_A_LOOK)
            for each in watched.health_checks[:1]
        ),
    ]
    return [Sight(*each) for each in looks]


def _alarms(access: RegionAccess, watched: Watched) -> list[AlarmRef]:
    evaluated = [_evaluated(partial(evaluate, access, each)) for each in watched.health_checks[:1]]
    followed = [found.alarm for found in evaluated if found.alarm]
    # Alarms of a prefix may be of anything.
    named = [AlarmRef(name, access.region) for name in watched.alarms if not name.endswith("*")]
    return (followed or named)[:1]


def _evaluated(look: Callable[[], Evaluation]) -> Evaluation:
    """What a look gives; what AWS does not tell is not known."""
    try:
        return look()
    except REFUSALS as error:
        return Evaluation(None, reason_of(error))


def _switch(access: RegionAccess, function: str, *, out: bool) -> Seen:
    """One that cannot be read is taken to be as it was: its check tells."""
    try:
        switch = read_switch(access.client("lambda"), function)
    except REFUSALS as error:
        return Seen(True, reason_of(error))
    return Seen(switch.is_out is out, f"{VARIABLE} is {'not set' if switch.value is None else switch.value}")


def _check(access: RegionAccess, url: str, *, out: bool) -> Seen:
    answer = ask(access.all.http, url, tries=1)
    if isinstance(answer, Answer):
        return Seen(answer.status == (503 if out else 200), str(answer.status))
    return Seen(False, answer.why)


def _alarm(access: RegionAccess, alarm: AlarmRef, *, out: bool) -> Seen:
    try:
        found = find_alarm(access.all.of(alarm.region), alarm.name)
    except REFUSALS as error:
        return Seen(False, reason_of(error))
    if found is None:
        return Seen(False, "there is no such alarm")
    return Seen(found.state == ("ALARM" if out else "OK"), found.state)


def _health_check(access: RegionAccess, health_check_id: str, *, out: bool) -> Seen:
    found = _evaluated(partial(evaluate, access, health_check_id))
    shown = {True: "healthy", False: "unhealthy", None: f"unknown: {found.why}"}[found.healthy]
    return Seen(found.healthy is (not out), shown)
