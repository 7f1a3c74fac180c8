"""One session of an act, a run that sends no events, as the ledger keeps it: begun, kept alive, ended."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from cncbops.errors import CncbopsError
from cncbops.ledger.ledger import FIRST_SESSION, Ledger
from cncbops.ledger.lock import RunLock
from cncbops.ledger.pulse import BEAT_S, Order, Pulse
from cncbops.ledger.rows import NewRun, Run
from cncbops.ledger.worker import Worker
from cncbops.safety.ticker import Ticker


@dataclass
class Act:
    """An act under way. `stop` is set when it is to end; `ordered` says who said so, None where a signal did.

    `failed` is why the ledger took no more, None while it does.
    """

    ledger: Ledger
    run: Run
    session: int
    stop: threading.Event
    ordered: str | None = None
    failed: CncbopsError | None = field(default=None, init=False)

    def end(self, status: str, reason: str | None, summary: Mapping[str, Any]) -> None:
        """Write down how it ended. Raises CannotRun."""
        self.ledger.run_writer(self.run, self.session).finish(status, reason, summary, listed=True)

    def obey(self, order: Order) -> None:
        """Take an order: `stop` is the only one that an act can be given."""
        if order.kind == "stop":
            self.ordered = f"stopped by {order.who}"
            self.stop.set()

    def fail(self, error: CncbopsError) -> None:
        """End it as the ledger fails it."""
        self.failed = error
        self.stop.set()


@contextmanager
def new_act(folder: Path, new: NewRun, worker: Worker, stop: threading.Event) -> Iterator[Act]:
    """Write a new act down before it does anything, and keep it alive while the body runs. Raises CannotRun."""
    with Ledger.open(folder) as ledger, RunLock(ledger.folder, new.run_id):
        yield from _alive(Act(ledger, ledger.begin(new, worker), FIRST_SESSION, stop))


@contextmanager
def resumed_act(folder: Path, run: Run, worker: Worker, stop: threading.Event) -> Iterator[Act]:
    """Take an act up again in a further session. Raises CannotRun if another process works on it."""
    with Ledger.open(folder) as ledger, RunLock(ledger.folder, run.run_id):
        session = ledger.take_up(run, "resume", worker)
        yield from _alive(Act(ledger, ledger.find(run.run_id), session, stop))


def _alive(act: Act) -> Iterator[Act]:
    with ExitStack() as beside:
        pulse = beside.enter_context(closing(Pulse(act.ledger.folder, act.run.id, act.session)))
        beside.enter_context(Ticker(BEAT_S, partial(pulse.beat, act.obey), act.fail))
        try:
            yield act
        except CncbopsError as error:
            act.end("failed", str(error), {})
            raise
