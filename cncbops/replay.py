"""Replay: events of a data lake to one function, as Kinesis records.

A plan and a run are the same pipeline with another last stage: the plan counts each batch that
the run sends. One thread pulls records through selection and batching, hands batches to the
workers and receives their outcomes; it alone counts and writes down.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from cncbops.aws import Aws
from cncbops.delivery.invoker import Invoker
from cncbops.delivery.lanes import deliver
from cncbops.delivery.outcome import Calls, Outcome, Settled
from cncbops.delivery.pace import Pace
from cncbops.delivery.sender import Sender
from cncbops.errors import CannotRun, CncbopsError
from cncbops.kinesis.batching import Batch
from cncbops.ledger.pulse import Order
from cncbops.request import ReplayRequest
from cncbops.safety.limits import FailureCount
from cncbops.session.agenda import Agenda
from cncbops.session.intake import Intake
from cncbops.session.journal import Journal
from cncbops.session.keeper import Keeper
from cncbops.session.progress import Progress
from cncbops.target import Target
from cncbops.terms import Terms, objection

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Undertaking:
    """What one session has to do: the request, the function and the terms, and what is left of it."""

    request: ReplayRequest
    target: Target
    terms: Terms
    agenda: Agenda
    progress: Progress = Progress()


class Replay:
    """One session of a replay, to be planned or executed once.

    `stop` ends it early: nothing more is pulled or sent, what is under way is waited for. `error`
    holds what ended the run from within, `halted` why a safety stop or an order did, if one did.
    """

    def __init__(
        self, undertaking: Undertaking, aws: Aws, s3: "S3Client | None", keeper: Keeper, stop: threading.Event
    ) -> None:
        self.request, self.target, self.terms = undertaking.request, undertaking.target, undertaking.terms
        self._failures = FailureCount(self.request.safety.max_failures)
        self.journal = Journal(keeper, undertaking.progress.next_number)
        self.intake = Intake(
            self.request, self.terms, undertaking.agenda, s3, self.journal, stop, undertaking.progress, self._heed
        )
        self.pace = Pace(self.terms.concurrency, self.request.rate, stop)
        self.error: CncbopsError | None = None
        self.halted: str | None = None
        self._aws, self._stop = aws, stop

    def plan(self) -> None:
        """Do all but send: count what would be sent, and how."""
        self.journal.settles = False
        for batches in self._stages():
            self._take_in([Settled(batch, _counted(batch))] for batch in batches)

    def execute(self) -> None:
        """Send it all, to a function that can take it (see `terms.require_able`)."""
        sender = Sender(self._invoker().invoke, self.terms.policy, self.pace, self._stop, self._heed)
        for number, batches in enumerate(self._stages()):
            self._take_in(deliver(batches, partial(self._send, sender), concurrency=self.terms.concurrency))
            if number == 0:
                self._look_at_canary()

    def halt(self, reason: str) -> None:
        """Stop as for an interrupt, for a reason that is told."""
        self.halted = self.halted or reason
        self._stop.set()

    def end(self, error: CncbopsError) -> None:
        """Send nothing more; the first error is the one that is told."""
        self.error = self.error or error
        self._stop.set()

    def obey(self, order: Order) -> None:
        """Do what somebody ordered through the ledger."""
        if order.kind == "stop":
            self.halt(f"by order of {order.who}")
        elif order.kind == "rate":
            self.pace.set_rate(order.value)
        else:
            self.pace.set_paused(order.kind == "pause")

    @property
    def objection(self) -> CannotRun | None:
        """Why the function would not take what was planned, if so."""
        return objection(self.target, asynchronous=self.request.asynchronous)

    @property
    def interrupted(self) -> bool:
        """Whether the run was ended from outside, without a reason given."""
        return self._stop.is_set() and not (self.error or self.halted)

    def _stages(self) -> Iterator[Iterator[Batch]]:
        """The canary's batches, if there is one, then the others: each stage is settled before the next."""
        if self.request.safety.canary:
            yield self.intake.batches(self.request.safety.canary)
        yield self.intake.batches()

    def _look_at_canary(self) -> None:
        """After the first stage: without a canary there is no other."""
        events, canary = self.journal.tally.events, self.request.safety.canary
        failed = events.failed + events.unknown
        if canary and failed and not self._stop.is_set():
            self.halt(f"{failed:,} of the canary's {canary:,} records failed")

    def _send(self, sender: Sender, batch: Batch) -> Outcome:
        """Send a batch; after a defect the other workers shall not go on trying."""
        try:
            return sender.send(batch)
        except BaseException:
            self._stop.set()
            raise

    def _take_in(self, rounds: Iterable[Sequence[Settled]]) -> None:
        """Take every outcome down, also those that come after something ended the run."""
        try:
            for settled in rounds:
                self._take(settled)
        except CncbopsError as error:
            self.end(error)
        except BaseException:
            self._stop.set()
            raise
        try:
            self.journal.keep()
        except CncbopsError as error:
            self.end(error)

    def _take(self, settled: Sequence[Settled]) -> None:
        try:
            self.journal.take(settled)
        except CncbopsError as error:
            self.end(error)
        for _, outcome in settled:
            if outcome.refusal:
                self.end(outcome.refusal)

    def _heed(self, delivered: int, failed: int) -> None:
        """Halt where too many records fail: as they do, not when their batch is through with the others."""
        reason = self._failures.count(delivered, failed)
        if reason:
            self.halt(reason)

    def _invoker(self) -> Invoker:
        function = self.request.function
        client = self._aws.in_region(function.region).lambda_(
            pool=self.terms.concurrency, read_timeout_s=self.terms.read_timeout_s, once=True
        )
        return Invoker(client, function.address, function.qualifier)


def _counted(batch: Batch) -> Outcome:
    return Outcome(not_sent=batch.records, calls=Calls(total=1, bytes=batch.payload_bytes))
