"""Sending: one session of a replay or a resubmit, whatever its records were made of.

    agenda ─ chunks ─▶ read ─▶ cut ─▶ lanes ─▶ invoke ─▶ journal ─▶ ledger
      one thread       places  places  one     places      one thread

A plan and a run are the same pipeline with another last stage: the plan counts each batch that the run sends. One
thread gives out what is to be done at the places of an executor, and takes what came of it; it alone counts, and
writes down.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Self

from cncbops.aws import Aws
from cncbops.delivery.courier import LOOK_S, Courier
from cncbops.delivery.lanes import Lanes
from cncbops.delivery.outcome import Calls, Outcome, Settled
from cncbops.delivery.pace import Pace
from cncbops.errors import CannotRun, CncbopsError
from cncbops.execution.executor import Executor, PlaceLost, Threads
from cncbops.execution.forking import Forking
from cncbops.execution.station import Outfit
from cncbops.ledger.pulse import Order
from cncbops.safety.limits import FailureCount
from cncbops.session.agenda import lake_client
from cncbops.session.canary import Canary
from cncbops.session.chunks import Chunks
from cncbops.session.entry import Entry
from cncbops.session.intake import Intake, Manner
from cncbops.session.journal import Journal
from cncbops.session.keeper import RunKeeper
from cncbops.session.recovery import Recovery
from cncbops.terms import objection
from cncbops.undertaking import Undertaking, address_of


class Sending:
    """One session, to be planned or executed once, within its context.

    `stop` ends it early: nothing more is pulled or sent, what is under way is waited for. `note` is told what the
    operator should know while it happens. `error` holds what ended the run from within, `halted` why a safety stop or
    an order did, if one did.
    """

    def __init__(
        self,
        undertaking: Undertaking,
        aws: Aws,
        keeper: RunKeeper,
        stop: threading.Event,
        *,
        plans: bool = False,
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.request, self.recipients = undertaking.request, undertaking.recipients
        self._undertaking, self._aws, self._stop, self._plans = undertaking, aws, stop, plans
        self._note = note
        self._failures = FailureCount(self.request.safety.max_failures)
        self._orders: deque[Order] = deque()
        self._paces: dict[str, Pace] = {}
        self.pace = Pace(undertaking.concurrency, self.request.rate)
        self.journal = Journal(undertaking.agenda.serve(keeper), undertaking.progress.next_number, self._over)
        self.journal.settles = not plans
        undertaking.agenda.count_in(self.journal.tally.events)
        self._lanes = Lanes(undertaking.concurrency, undertaking.portion_bytes, undertaking.pulled_bytes)
        self._recovery = Recovery(self._lanes, self.journal, undertaking.portion_bytes)
        self._forking = Forking()
        before_threads = self._forking.before_threads
        chunks = Chunks(undertaking.agenda, self.journal, undertaking.chunk_bytes, stop, before_threads)
        canary = Canary(self.halt)
        self.intake = Intake(
            chunks, self._lanes, self.journal, canary, self._manner(), self._recovery, self._heed, stop
        )
        self._executor: Executor
        self.error: CncbopsError | None = None
        self.halted: str | None = None
        self.lost_places = 0
        self._has_lost = False
        self._places = 0

    def __enter__(self) -> Self:
        """Take up places to work at."""
        self._executor = self._executor_for_it()
        self._places = len(self._executor.places)
        return self

    @property
    def workers(self) -> Mapping[str, Any]:
        """How many there were at the start, the address of their `cluster` or None, and how many were `lost`."""
        cluster = address_of(self._undertaking.cluster)
        return {"cluster": cluster, "count": self._places, "lost": self.lost_places}

    @property
    def workers_now(self) -> int | None:
        """How many of a cluster's workers it works at; None where it works on this machine."""
        return len(self._executor.places) if self._undertaking.cluster else None

    def _executor_for_it(self) -> Executor:
        """A cluster's workers; else processes, where there is work for several."""
        outfit, concurrency, workers = self._outfit(), self._undertaking.concurrency, self._undertaking.workers
        if self._undertaking.reads_one_by_one or not (self._undertaking.cluster or workers > 1):
            return Threads(outfit, concurrency)
        if self._undertaking.cluster:
            return self._undertaking.cluster.executor(outfit)
        return self._forking.executor(outfit, concurrency, workers, self.intake.is_small)

    def __exit__(self, *_: object) -> None:
        self._executor.close()
        self.intake.close()

    def plan(self) -> None:
        """Do all but send: count what would be sent, and how."""
        self._work(self._count_batches)

    def execute(self) -> None:
        """Send it all, to functions that can take it (see `terms.require_able`)."""
        concurrency = self._undertaking.concurrency
        courier = Courier(self._executor, self._lanes, concurrency, self._pace_of, self._heed, self._repeat)
        self._work(partial(self._deliver, courier))

    def halt(self, reason: str) -> None:
        """Stop as for an interrupt, for a reason that is told."""
        self.halted = self.halted or reason
        self._stop.set()

    def end(self, error: CncbopsError) -> None:
        """Send nothing more; the first error is the one that is told."""
        self.error = self.error or error
        self._stop.set()

    def obey(self, order: Order) -> None:
        """Do what somebody ordered through the ledger; called in any thread."""
        if order.kind == "stop":
            self.halt(f"by order of {order.who}")
        else:
            self._orders.append(order)

    @property
    def looks(self) -> bool:
        """Whether it finds out what to send, and sends nothing yet."""
        return self._undertaking.agenda.looks

    @property
    def is_torn(self) -> bool:
        """Whether not all that was sent is known: a process was killed, or the ledger could not be written."""
        return self._has_lost or self.journal.is_torn

    @property
    def has_ended_early(self) -> bool:
        """Whether something ended it before all was sent."""
        return self._stop.is_set()

    @property
    def interrupted(self) -> bool:
        """Whether the run was ended from outside, without a reason given."""
        return self._stop.is_set() and not (self.error or self.halted)

    def _over(self, entry: Entry) -> None:
        self._recovery.forget(entry)
        self._undertaking.agenda.over(entry)

    def _manner(self) -> Manner:
        undertaking = self._undertaking
        return Manner(
            reads_one_by_one=undertaking.reads_one_by_one,
            portion_bytes=undertaking.portion_bytes,
            limit=self.request.reading_limit,
            shows_first=self._plans,
            is_first=not undertaking.progress.next_number,
            chosen=undertaking.progress.chosen,
            register=undertaking.register,
        )

    def _outfit(self) -> Outfit:
        undertaking = self._undertaking
        return Outfit(
            aws=self._aws,
            s3=partial(lake_client, self.request, self._aws),
            recipients=self.recipients,
            reader=undertaking.reader,
            lanes=undertaking.lanes,
            objects_ahead=undertaking.objects_ahead,
            portion_bytes=undertaking.portion_bytes,
            canary=self.request.safety.canary,
            names_records=undertaking.names_records,
            sends=not self._plans,
        )

    def _pace_of(self, function: str) -> Pace:
        if function not in self._paces:
            self._paces[function] = self.pace.beside(self.recipients[function].terms.concurrency)
        return self._paces[function]

    def _work(self, turn: Callable[[], bool]) -> None:
        """Take one turn after another until nothing is left, also when something ended the run."""
        try:
            while self._goes_on(turn):
                pass
        except BaseException:
            self._stop.set()
            raise
        with self._ending():
            if self.intake.error:
                self.end(self.intake.error)
            self.journal.keep()
        with self._ending():
            self._undertaking.agenda.finish()
        self.journal.tally.events.leave_rest()

    def _goes_on(self, turn: Callable[[], bool]) -> bool:
        with self._ending():
            return turn()
        return True

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """End the run where its body raises what ends runs."""
        try:
            yield
        except CncbopsError as error:
            self.end(error)

    def _count_batches(self) -> bool:
        """Count what there is, and see to more; False once nothing is left."""
        self.intake.feed(self._executor)
        while batch := self._lanes.next(lambda _: True):  # what was lost of it need not be read again
            calls = Calls(total=1, bytes=batch.payload_bytes)
            self._take([Settled(batch, Outcome(calls=calls))])
            self._lanes.settle(batch)
        if self._stop.is_set() or self.intake.is_done:
            return False
        try:
            self._take_ended(LOOK_S)
        except PlaceLost as lost:
            self._count_lost(lost)
            self.intake.lose(lost.place)
        return True

    def _deliver(self, courier: Courier) -> bool:
        """Begin what may begin, and take what has ended; False once nothing is left."""
        self._obey_orders()
        if self._stop.is_set():
            courier.stop()
        else:
            self._recovery.restore(self._executor, courier.take_up)
        self.intake.feed(self._executor)
        courier.start()
        if courier.is_idle and (self._stop.is_set() or (self.intake.is_done and self._lanes.is_empty)):
            self._has_lost |= courier.has_lost
            return False
        try:
            self._take_ended(courier.wait_s())
        except PlaceLost as lost:
            self._go_on_without(lost, courier)
        finally:  # also what ended beside a defect
            settled = courier.take_settled()
            if settled:
                self._take(settled)
                courier.let_go(settled)
        return True

    def _take_ended(self, longest_s: float) -> None:
        for then, result in self._executor.ended(longest_s):
            try:
                then(result)
            except CncbopsError as error:
                self.end(error)

    def _go_on_without(self, lost: PlaceLost, courier: Courier) -> None:
        """What was at a place is read anew at others; what may have been sent from there is sent again."""
        self._count_lost(lost)
        sent = courier.lose(lost.place)
        if self._stop.is_set():
            if sent:
                what = f"{lost.what} with invocations under way"
                self.end(CannotRun(what, "What was under way is sent again when the run is resumed"))
            return
        with self._ending():
            self.intake.lose(lost.place)
            self._recovery.lose(lost.place)

    def _count_lost(self, lost: PlaceLost) -> None:
        self.lost_places += 1
        self._note(lost.what)

    def _take(self, settled: list[Settled]) -> None:
        """Take outcomes down, also those that come after something ended the run."""
        with self._ending():
            self.journal.take(settled)
        for each in settled:
            if each.outcome.refusal:
                self.end(each.outcome.refusal)
        self.intake.settled(settled)

    def _obey_orders(self) -> None:
        while self._orders:
            order = self._orders.popleft()
            if order.kind == "rate":
                self.pace.set_rate(order.value)
            else:
                self.pace.set_paused(order.kind == "pause")

    def _repeat(self, records: int) -> None:
        self.journal.tally.events.possible_duplicates += records

    def _heed(self, delivered: int, failed: int) -> None:
        """Halt where too many records fail: as they do, not when their batch is through with the others."""
        reason = self._failures.count(delivered, failed)
        if reason:
            self.halt(reason)


def objection_of(sending: Sending) -> CannotRun | None:
    """Why a function of what was planned would not take it, if so."""
    objections = (
        objection(recipient.target, asynchronous=sending.request.asynchronous)
        for recipient in sending.recipients.known.values()
    )
    return next(filter(None, objections), None)
