"""Replay: events of a data lake to one function, as Kinesis records.

A plan and a run are the same pipeline with another last stage: the plan counts each batch that
the run sends. One thread pulls records through selection and batching, hands batches to the
workers and receives their outcomes; it alone counts and writes the ledger.
"""

import threading
from collections.abc import Iterator

from cncbops.aws import Aws
from cncbops.delivery.invoker import Invoker
from cncbops.delivery.lanes import deliver
from cncbops.delivery.outcome import Calls, Outcome
from cncbops.delivery.pace import Pace
from cncbops.delivery.sender import Sender
from cncbops.errors import CannotRun, CncbopsError
from cncbops.intake import Intake
from cncbops.journal import Journal
from cncbops.kinesis.batching import Batch
from cncbops.ledger import Ledger
from cncbops.request import ReplayRequest
from cncbops.target import Target
from cncbops.terms import Terms, objection


class Replay:
    """One replay, to be planned or executed once.

    `stop` ends it early: nothing more is pulled or sent, what is under way is waited for. `error`
    holds what ended the run from within, if anything did.
    """

    def __init__(
        self,
        request: ReplayRequest,
        target: Target,
        terms: Terms,
        aws: Aws,
        ledger: Ledger,
        stop: threading.Event,
    ) -> None:
        self.request, self.target, self.terms = request, target, terms
        self.journal = Journal(ledger)
        self.intake = Intake(request, terms, aws, self.journal, stop)
        self.pace = Pace(terms.concurrency, request.rate, stop)
        self.error: CncbopsError | None = None
        self._aws, self._stop = aws, stop

    def plan(self) -> None:
        """Do all but send: count what would be sent, and how."""
        self._take_in(_counted(batch) for batch in self.intake.batches())

    def execute(self) -> None:
        """Send it all, to a function that can take it (see `terms.require_able`)."""
        sender = Sender(self._invoker().invoke, self.terms.policy, self.pace, self._stop)
        batches, at_once = self.intake.batches(), self.terms.concurrency
        self._take_in(deliver(batches, sender.send, concurrency=at_once))

    @property
    def objection(self) -> CannotRun | None:
        """Why the function would not take what was planned, if so."""
        return objection(self.target, asynchronous=self.request.asynchronous)

    @property
    def stopped(self) -> bool:
        """Whether the run was ended from outside."""
        return self._stop.is_set() and self.error is None

    def _take_in(self, outcomes: Iterator[Outcome]) -> None:
        """Take every outcome down, also those that come after something ended the run."""
        try:
            for outcome in outcomes:
                self._take(outcome)
        except CncbopsError as error:
            self._end(error)
        except BaseException:
            # A defect: what is under way shall not go on trying.
            self._stop.set()
            raise

    def _take(self, outcome: Outcome) -> None:
        try:
            self.journal.take(outcome)
        except CncbopsError as error:
            self._end(error)
        if outcome.refusal:
            self._end(outcome.refusal)

    def _end(self, error: CncbopsError) -> None:
        """Send nothing more; the first reason is the one that is told."""
        self.error = self.error or error
        self._stop.set()

    def _invoker(self) -> Invoker:
        function = self.request.function
        client = self._aws.in_region(function.region).lambda_(
            pool=self.terms.concurrency, read_timeout_s=self.terms.read_timeout_s, once=True
        )
        return Invoker(client, function.address, function.qualifier)


def _counted(batch: Batch) -> Outcome:
    return Outcome(not_sent=batch.records, calls=Calls(total=1, bytes=batch.payload_bytes))
