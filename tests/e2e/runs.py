"""Runs that end early and are taken up again: what the tests of durable runs share."""

import base64
import json
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import Counts, KeptFailure
from cncbops.ledger.rows import Run as KeptRun
from tests.e2e.far_side import Context, FarSide, Handler, Invocation, Reply, function_error, ok
from tests.e2e.held import Held
from tests.e2e.rates import assert_none_before
from tests.e2e.replays import Run, checked
from tests.e2e.servers import Cncbops, Process, Result

Events = Sequence[tuple[str, bytes]]


@dataclass(frozen=True)
class Runs:
    """Executes replays of `s3://lake/` to `fn`, and does with the newest run what `cncbops runs` does."""

    command: Cncbops
    far_side: FarSide

    # What is done

    def start(self, *arguments: str, sources: Sequence[str] = ("s3://lake/",), **more: Any) -> Process:
        """A replay under way; hand it to `finish`."""
        asked = ("replay", *sources, "-f", "fn", "--execute", "-o", "json")
        return self.command.start(*asked, *arguments, endpoint=self.far_side.url, **more)

    def start_text(self, *arguments: str) -> Process:
        """A replay under way that speaks to people."""
        asked = ("replay", "s3://lake/", "-f", "fn", "--execute")
        return self.command.start(*asked, *arguments, endpoint=self.far_side.url)

    def plan(self, *arguments: str, **more: Any) -> Run:
        asked = ("replay", "s3://lake/", "-f", "fn", "-o", "json")
        return self.finish(self.command.start(*asked, *arguments, endpoint=self.far_side.url, **more))

    def start_plan(self, plan: Path) -> Process:
        asked = ("replay", "--plan", plan, "--execute", "-o", "json")
        return self.command.start(*asked, endpoint=self.far_side.url)

    def execute_plan(self, plan: Path) -> Run:
        return self.finish(self.start_plan(plan))

    def execute(self, *arguments: str, **more: Any) -> Run:
        return self.finish(self.start(*arguments, **more))

    def finish(self, process: Process) -> Run:
        run = checked(self.command.finish(process))
        if run.summary["run"]:
            assert_totals_add_up(run.summary["run"])
        return run

    def start_resume(self, *arguments: str) -> Process:
        return self._start("resume", self.newest.run_id, "--execute", "-o", "json", *arguments)

    def resume(self, *arguments: str) -> Run:
        return self.finish(self.start_resume(*arguments))

    def plan_resume(self, *arguments: str) -> Run:
        return self.finish(self._start("resume", self.newest.run_id, "-o", "json", *arguments))

    def plan_redrive(self, *arguments: str) -> Run:
        return self.finish(self._start("redrive", self.newest.run_id, "-o", "json", *arguments))

    def start_redrive(self, *arguments: str) -> Process:
        return self._start("redrive", self.newest.run_id, "--execute", "-o", "json", *arguments)

    def redrive(self, *arguments: str) -> Run:
        return self.finish(self.start_redrive(*arguments))

    def order(self, *order: str) -> Result:
        """`pause`, `continue`, `stop`, or `rate` and its value."""
        return self.command.finish(self._start(order[0], self.newest.run_id, *order[1:]))

    def show(self) -> Any:
        """What `runs show` tells."""
        return self.command.finish(self._start("show", self.newest.run_id, "-o", "json")).json

    def _start(self, *arguments: str) -> Process:
        return self.command.start("runs", *arguments, endpoint=self.far_side.url)

    # What is in the ledger

    @property
    def file(self) -> Path:
        return self.command.state_dir / "ledger.db"

    @property
    def all(self) -> list[KeptRun]:
        with self._ledger() as ledger:
            return ledger.runs()

    @property
    def newest(self) -> KeptRun:
        return self.all[0]

    @property
    def counts(self) -> Counts:
        with self._ledger() as ledger:
            return ledger.known(ledger.runs()[0]).counts()

    @property
    def failures(self) -> list[KeptFailure]:
        with self._ledger() as ledger:
            return list(ledger.known(ledger.runs()[0]).failures())

    def continued_at(self) -> float:
        """When the newest run was last told to go on, as the far side's clock tells the time."""
        with self._ledger() as ledger:
            given_ms = max(each.given for each in ledger.orders(ledger.runs()[0]) if each.kind == "continue")
        return given_ms / 1000 - time.time() + time.monotonic()

    def _ledger(self) -> Ledger:
        ledger = Ledger.look(self.command.state_dir)
        assert ledger
        return ledger

    # What arrived

    @property
    def sent(self) -> list[Invocation]:
        """The invocations that carried records."""
        return [call for call in self.far_side.invocations if call.records]

    def await_sent(self, more: int) -> None:
        """Wait until so many more invocations with records have arrived."""
        enough = len(self.sent) + more
        self.far_side.wait_until(lambda: len(self.sent) >= enough)

    def once_sent(self, more: int, act: Callable[[], object]) -> None:
        """Do something when so many more invocations with records have arrived, before the last of them is answered."""
        enough = len(self.sent) + more
        self.far_side.once(lambda: len(self.sent) >= enough, act)

    def await_requests(self, more: int) -> None:
        """Wait until so many more requests of any kind have arrived."""
        enough = len(self.far_side.requests) + more
        self.far_side.wait_until(lambda: len(self.far_side.requests) >= enough)

    def await_silence(self) -> None:
        """Wait until no invocation is under way, as after a kill."""
        self.far_side.wait_until(lambda: self.far_side.in_flight == 0)


def interrupt_once_sent(runs: Runs, process: Process, more: int, number: signal.Signals = signal.SIGINT) -> Run:
    """End a session as Ctrl-C does when so many more invocations have arrived, before the last of them is answered."""
    runs.once_sent(more, lambda: process.send_signal(number))
    run = runs.finish(process)
    assert (run.code, run.status) == (130, "interrupted")
    return run


def interrupt(runs: Runs, process: Process, number: signal.Signals = signal.SIGINT) -> Run:
    """End a session as Ctrl-C does."""
    process.send_signal(number)
    run = runs.finish(process)
    assert (run.code, run.status) == (130, "interrupted")
    return run


def interrupt_text(runs: Runs, process: Process, when_heard: Callable[[], None]) -> None:
    """End a session that speaks to people, with something done as soon as it has said that it stops."""
    process.send_signal(signal.SIGINT)
    assert process.stderr
    while b"stopping: " not in (line := process.stderr.readline()):
        assert line, "it ended without a word"
    when_heard()
    assert runs.command.finish(process).code == 130


def kill(runs: Runs, process: Process) -> None:
    """End a session as a power failure of its process does."""
    process.kill()
    process.communicate()
    runs.await_silence()


def kill_once_sent(runs: Runs, process: Process, more: int) -> None:
    """The same when so many more invocations have arrived, before the last of them is answered."""
    runs.once_sent(more, process.kill)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    runs.await_silence()


@dataclass(frozen=True)
class Before:
    """A ledger of an earlier run, and what that run delivered; each test works on a copy of the file."""

    file: Path
    delivered: Sequence[bytes]

    def copy_to(self, state_dir: Path) -> None:
        state_dir.mkdir()
        shutil.copy(self.file, state_dir)


def assert_totals_add_up(totals: Any) -> None:
    """What holds of a run's totals at every end, whatever it went through."""
    fates = totals["delivered"] + totals["failed"] + totals["unknown"] + totals["not_sent"]
    assert totals["matched"] == fates, totals
    assert min(totals.values()) >= 0, totals


def data_of(events: Events) -> list[bytes]:
    return [event for _, event in events]


def ids_of(events: Events) -> list[str]:
    return [id_of(event) for _, event in events]


def id_of(event: bytes) -> str:
    return str(json.loads(event)["id"])


def repeats(delivered: Sequence[bytes]) -> int:
    """How many records arrived that had arrived before."""
    return len(delivered) - len(set(delivered))


def assert_once_each(delivered: Sequence[bytes], events: Sequence[bytes]) -> None:
    """Every event arrived, none of them twice, and nothing else."""
    assert Counter(delivered) == Counter(events)


def assert_in_order(far_side: FarSide, events: Events) -> None:
    """Each key's events first arrived in lake order, and never two at a time."""
    assert_firsts_in_order(far_side, events)
    assert far_side.overlaps_within_key() == []


def assert_firsts_in_order(far_side: FarSide, events: Events) -> None:
    """Each key's events first arrived in lake order: what was under way somewhere that is gone may go on beside."""
    order = {event: number for number, event in enumerate(data_of(events))}
    for key, delivered in far_side.by_key().items():
        firsts = [order[event] for event in dict.fromkeys(delivered)]
        assert firsts == sorted(firsts), key


def assert_orders_hold(runs: Runs, process: Process, events: Events, held: Held) -> None:
    """A run that is under way is paused, goes on at 40 events a second, and is stopped by order from elsewhere."""
    assert runs.order("pause").code == 0
    held.go.set()
    runs.await_silence()
    sent = len(runs.sent)
    assert runs.order("rate", "40").code == 0
    assert len(runs.sent) == sent, "the pause held while a command came and went"
    assert runs.order("continue").code == 0
    runs.far_side.wait_until(lambda: len(runs.sent) >= sent + 14)
    assert_none_before(runs.sent[sent + 3 :], 40, runs.continued_at())  # three may have waited for their turn
    assert runs.order("stop").code == 0
    run = runs.finish(process)
    assert (run.code, run.status) == (5, "stopped")
    assert run.events["delivered"] == len(runs.far_side.delivered()) < len(events)


def ids_in(payload: Any) -> list[str]:
    """The ids of the events that a function is given: none if its caller was killed while it sent them."""
    return [id_of(base64.b64decode(record["kinesis"]["data"])) for record in payload.get("Records", ())]


def raising_on(poison: Iterable[str], error: str = "ValueError") -> Handler:
    """A function that fails with any of these ids."""
    bad = set(poison)

    def handler(payload: Any, _context: Context) -> Reply:
        return function_error(error, "poison") if bad & set(ids_in(payload)) else ok().after(0.005)

    return handler
