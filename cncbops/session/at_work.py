"""What goes on beside a session while it runs: signs of life, orders, limits of time, alarms."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial

from cncbops.aws import Aws
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.pulse import BEAT_S, Pulse
from cncbops.ledger.rows import Run
from cncbops.safety.alarms import AlarmWatch
from cncbops.safety.limits import Safety
from cncbops.safety.ticker import Ticker
from cncbops.sending import Sending

ALARM_LOOK_S = 5.0


def alarm_watch(safety: Safety, aws: Aws, region: str | None) -> AlarmWatch | None:
    """The watch over the alarms that were named, None if none was. Raises CncbopsError for an unknown one."""
    if not safety.alarms:
        return None
    watch = AlarmWatch(aws.in_region(region).cloudwatch(), safety.alarms)
    watch.require_known()
    return watch


@contextmanager
def at_work(sending: Sending, ledger: Ledger, run: Run, session: int, alarms: AlarmWatch | None) -> Iterator[None]:
    """Keep the ledger informed, obey orders, and halt the session where a limit or an alarm says so."""
    with ExitStack() as beside:
        pulse = beside.enter_context(closing(Pulse(ledger.folder, run.id, session)))
        beside.enter_context(Ticker(BEAT_S, partial(_beat, pulse, sending), sending.end))
        longest_s = sending.request.safety.max_duration_s
        if longest_s:
            halt = partial(sending.halt, f"it lasted longer than --max-duration, {longest_s:g} s")
            beside.enter_context(Ticker(longest_s, halt, sending.end))
        if alarms:
            _look(alarms, sending)
            beside.enter_context(Ticker(ALARM_LOOK_S, partial(_look, alarms, sending), sending.end))
        yield


def _beat(pulse: Pulse, sending: Sending) -> None:
    pulse.beat(sending.obey, sending.journal.tally.events.possible_duplicates)


def _look(alarms: AlarmWatch, sending: Sending) -> None:
    reason = alarms.check()
    if reason:
        sending.halt(reason)
