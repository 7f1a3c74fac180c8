"""Sending: one session of a replay or a resubmit, whatever its records were made of.

A plan and a run are the same pipeline with another last stage: the plan counts each batch that
the run sends. One thread pulls records through selection and batching, hands batches to the
workers and receives their outcomes; it alone counts and writes down.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
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
from cncbops.recipients import Recipient, Recipients
from cncbops.request import Request
from cncbops.safety.limits import FailureCount
from cncbops.session.agenda import Agenda
from cncbops.session.canary import Canary
from cncbops.session.intake import LAKE_OBJECTS_AHEAD, Intake
from cncbops.session.journal import Journal
from cncbops.session.keeper import Keeper
from cncbops.session.progress import Progress
from cncbops.session.reading import Heed, Reader
from cncbops.terms import objection

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Undertaking:
    """What one session has to do, and what is left of it.

    `concurrency` is that of the whole run; each recipient's terms may allow it less. `lanes` is how many
    batches of one function can be in flight in order, 0 where order does not matter. `objects_ahead` are opened
    beforehand.
    `reader` makes what turns objects into records, given where it counts and whom it tells.
    """

    request: Request
    recipients: Recipients
    agenda: Agenda
    reader: Callable[[Progress, Journal, Heed], Reader]
    concurrency: int
    lanes: int
    objects_ahead: int = LAKE_OBJECTS_AHEAD
    progress: Progress = Progress()


class Sending:
    """One session, to be planned or executed once.

    `stop` ends it early: nothing more is pulled or sent, what is under way is waited for. `error`
    holds what ended the run from within, `halted` why a safety stop or an order did, if one did.
    """

    def __init__(
        self, undertaking: Undertaking, aws: Aws, s3: "S3Client | None", keeper: Keeper, stop: threading.Event
    ) -> None:
        self.request, self.recipients = undertaking.request, undertaking.recipients
        self._agenda = undertaking.agenda
        self._failures = FailureCount(self.request.safety.max_failures)
        self.journal = Journal(keeper, undertaking.progress.next_number, self._agenda.over)
        self._canary = Canary(self.request.safety.canary, self.halt, stop)
        self.intake = Intake(
            self._agenda,
            undertaking.reader(undertaking.progress, self.journal, self._heed),
            self.recipients.limits,
            undertaking.lanes,
            s3,
            self.journal,
            self._canary,
            stop,
            objects_ahead=undertaking.objects_ahead,
            is_first=not undertaking.progress.next_number,
        )
        self.pace = Pace(undertaking.concurrency, self.request.rate, stop)
        self.error: CncbopsError | None = None
        self.halted: str | None = None
        self._aws, self._stop, self._concurrency = aws, stop, undertaking.concurrency
        self._senders: dict[str, Sender] = {}

    def plan(self) -> None:
        """Do all but send: count what would be sent, and how."""
        self.journal.settles = False
        batches = filter(None, self.intake.batches())
        self._take_in([Settled(batch, _counted(batch))] for batch in batches)
        self._finish()

    def execute(self) -> None:
        """Send it all, to functions that can take it (see `terms.require_able`)."""
        batches = map(self._with_sender, self.intake.batches())
        self._take_in(deliver(batches, self._send, concurrency=self._concurrency))
        self._finish()

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
    def has_ended_early(self) -> bool:
        """Whether something ended it before all was sent."""
        return self._stop.is_set()

    @property
    def interrupted(self) -> bool:
        """Whether the run was ended from outside, without a reason given."""
        return self._stop.is_set() and not (self.error or self.halted)

    def _with_sender(self, batch: Batch | None) -> Batch | None:
        """The batch, once there is a sender for its function: clients are made in one thread."""
        if batch and batch.function not in self._senders:
            recipient = self.recipients[batch.function]
            pace = self.pace.beside(recipient.terms.concurrency)
            invoke = self._invoker(recipient).invoke
            self._senders[batch.function] = Sender(invoke, recipient.terms.policy, pace, self._stop, self._heed)
        return batch

    def _send(self, batch: Batch) -> Outcome:
        """Send a batch; after a defect the other workers shall not go on trying."""
        try:
            if not self._canary.enter(batch):
                return Outcome(not_sent=batch.records)
            outcome = self._senders[batch.function].send(batch)
            self._canary.leave(batch, outcome)
        except BaseException:
            self._stop.set()
            raise
        return outcome

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

    def _finish(self) -> None:
        try:
            self._agenda.finish()
        except CncbopsError as error:
            self.end(error)

    def _heed(self, delivered: int, failed: int) -> None:
        """Halt where too many records fail: as they do, not when their batch is through with the others."""
        reason = self._failures.count(delivered, failed)
        if reason:
            self.halt(reason)

    def _invoker(self, recipient: Recipient) -> Invoker:
        function, terms = recipient.function, recipient.terms
        client = self._aws.in_region(function.region).lambda_(
            pool=terms.concurrency, read_timeout_s=terms.read_timeout_s, once=True
        )
        return Invoker(client, function.address, function.qualifier)


def objection_of(sending: Sending) -> CannotRun | None:
    """Why a function of what was planned would not take it, if so."""
    objections = (
        objection(recipient.target, asynchronous=sending.request.asynchronous)
        for recipient in sending.recipients.known.values()
    )
    return next(filter(None, objections), None)


def _counted(batch: Batch) -> Outcome:
    return Outcome(not_sent=batch.records, calls=Calls(total=1, bytes=batch.payload_bytes))
