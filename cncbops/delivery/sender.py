"""Sends one batch until every record in it has a fate, as its event source mapping would.

A batch is worked off from front to back, so the order within a partition key holds: a batch that
is cut in two goes on with its first part until that is settled.
"""

import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import msgspec
from msgspec.structs import replace

from cncbops.delivery.answers import MAY_HAVE_RUN, Answer, Kind
from cncbops.delivery.outcome import Outcome
from cncbops.delivery.partial import Checkpoint, InvalidResponse, checkpoint
from cncbops.errors import CannotRun
from cncbops.kinesis.batching import Batch, part_of, split

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 20.0
MAX_ATTEMPTS = 3
SERVICE_ATTEMPTS = 8
"""Attempts when the service itself fails (5xx, no connection): some 13 s on average, as the record is
not at fault."""

PATIENCE_S = 900.0
"""How long one batch waits out throttling, or a function being updated, before the run gives up; also
the longest `Retry-After` that is honoured."""

_RESUME = "Check the network and the endpoint, then run it again"

OnUnknown = Literal["retry", "fail"]
PartialResponses = Literal["strict", "lenient", "ignored"]


@dataclass(frozen=True, slots=True)
class SendPolicy:
    """How failures are met.

    `max_attempts` counts tries of a record that fails by itself, `service_attempts` those in which the
    service failed; throttled tries do not count.
    `partial_responses`: whether a result's `batchItemFailures` names failed records; `lenient` takes a
    result that makes no sense for success, where `strict` takes it for failure of the whole batch.
    `async_payload_bytes`: send asynchronously up to that size, None for always synchronously.
    """

    max_attempts: int = MAX_ATTEMPTS
    service_attempts: int = SERVICE_ATTEMPTS
    bisect: bool = True
    on_unknown: OnUnknown = "retry"
    partial_responses: PartialResponses = "ignored"
    async_payload_bytes: int | None = None


class Work(msgspec.Struct, frozen=True):
    """A batch, or what is left of one, and what happened to it so far."""

    batch: Batch
    failures: int = 0  # of the batch as a whole, or of its first record
    pause_s: float = 0.0
    repeats: bool = False
    doubt: Answer | None = None  # a lost answer: the function may have had these records
    just_lost: bool = False  # and was not reached since
    # Not the records' fault, since the function was last reached:
    setbacks: int = 0
    service_failures: int = 0  # among the setbacks
    waited_since: float | None = None


class Step(msgspec.Struct, frozen=True, gc=False):
    """One invocation of a batch, and how it goes on: `outcome` if that was the last, else what follows.

    `delivered` and `failed` records came to their end by it. The next one has `weight` events, `pause_s` from now.
    `kind` is None where nothing was sent any more.
    """

    kind: Kind | None
    delivered: int
    failed: int
    outcome: Outcome | None = None
    weight: int = 0
    pause_s: float = 0.0

    def without_payloads(self, *, named: bool) -> "Step":
        """The same as what goes from where the records are; see `Outcome`."""
        assert self.outcome is not None
        return replace(self, outcome=self.outcome.without_payloads(named=named))


class Sender:
    """Sends batches through `invoke`, one invocation at a time; called from many threads at once."""

    def __init__(
        self, invoke: Callable[..., Answer], policy: SendPolicy, jitter: Callable[[], float] = random.random
    ) -> None:
        self._invoke = invoke
        self._policy = policy
        self._jitter = jitter
        self._settlements: dict[Kind, Callable[[Work, Answer, Outcome], list[Work]]] = {
            Kind.TAKEN: self._taken,
            Kind.FUNCTION_ERROR: self._function_failed,
            Kind.THROTTLED: self._hold,
            Kind.NOT_READY: self._hold,
            Kind.TRANSIENT: self._service_failed,
            Kind.UNREACHABLE: self._service_failed,
            Kind.TOO_LARGE: _cut_or_give_up,
            Kind.REJECTED: _give_up,
            Kind.REFUSED: self._refused,
            Kind.UNKNOWN: self._lost,
        }

    def attempt(self, delivery: "Delivery") -> Step:
        """Make the next invocation of a delivery that is not over."""
        work, outcome = delivery.todo.popleft(), delivery.outcome
        batch, limit = work.batch, self._policy.async_payload_bytes
        answer = self._invoke(batch.payload(), asynchronous=limit is not None and batch.payload_bytes <= limit)
        outcome.calls.count(answer.kind, batch.payload_bytes, repeats=work.repeats)
        if work.just_lost and answer.kind in MAY_HAVE_RUN:
            outcome.possible_duplicates += len(batch.records)
        before = outcome.tally
        delivery.todo.extendleft(reversed(self._settlements[answer.kind](work, answer, outcome)))
        return delivery.step(answer.kind, before)

    def _taken(self, work: Work, answer: Answer, outcome: Outcome) -> list[Work]:
        records, partial = work.batch.records, self._policy.partial_responses
        stopped_at = None
        try:
            stopped_at = None if partial == "ignored" else checkpoint(answer.body, records)
        except InvalidResponse as error:
            if partial == "strict":
                return self._function_failed(work, Answer(answer.kind, "InvalidBatchResponse", str(error)), outcome)
        if stopped_at is None:
            outcome.delivered += records
            return []
        return self._go_on_from(stopped_at, work, outcome)

    def _go_on_from(self, stopped_at: Checkpoint, work: Work, outcome: Outcome) -> list[Work]:
        """What came before is done; the record named and what follows are sent again."""
        outcome.delivered += stopped_at.done
        rest = part_of(work.batch, stopped_at.rest)
        if stopped_at.ambiguous and self._policy.bisect:
            return _halves(replace(work, batch=rest))
        failures = 1 if stopped_at.done else work.failures + 1
        if failures < self._policy.max_attempts:
            return [self._again(work, rest, failures)]
        outcome.fail([stopped_at.culprit], Answer(Kind.TAKEN, "BatchItemFailure", "named in batchItemFailures"))
        others = part_of(work.batch, [each for each in stopped_at.rest if each is not stopped_at.culprit])
        return [Work(others, repeats=True, doubt=work.doubt)] if others.records else []

    def _function_failed(self, work: Work, answer: Answer, outcome: Outcome) -> list[Work]:
        if self._policy.bisect and len(work.batch.records) > 1:
            return _halves(work)
        if work.failures + 1 < self._policy.max_attempts:
            return [self._again(work, work.batch, work.failures + 1)]
        outcome.fail(work.batch.records, answer)
        return []

    def _lost(self, work: Work, answer: Answer, outcome: Outcome) -> list[Work]:
        failures = work.failures + 1
        if self._policy.on_unknown == "retry" and failures < self._policy.max_attempts:
            return [replace(self._again(work, work.batch, failures), doubt=answer, just_lost=True)]
        outcome.doubt(work.batch.records, answer)
        return []

    def _service_failed(self, work: Work, answer: Answer, outcome: Outcome) -> list[Work]:
        failures = work.service_failures + 1
        if failures < self._policy.service_attempts:
            return [replace(self._later(work, answer), service_failures=failures)]
        if answer.kind is Kind.UNREACHABLE:
            return self._refuse(work, CannotRun(f"Lambda could not be reached: {answer.message}", _RESUME), outcome)
        return _give_up(work, answer, outcome)

    def _hold(self, work: Work, answer: Answer, outcome: Outcome) -> list[Work]:
        now = time.monotonic()
        since = work.waited_since or now
        if now - since > PATIENCE_S:
            what = f"the function took nothing for {PATIENCE_S / 60:.0f} minutes: {answer.error}"
            return self._refuse(work, CannotRun(what, "Give it concurrency, or wait until it is ready"), outcome)
        return [replace(self._later(work, answer), waited_since=since)]

    def _refused(self, work: Work, answer: Answer, outcome: Outcome) -> list[Work]:
        return self._refuse(work, CannotRun(answer.error, answer.message), outcome)

    def _refuse(self, work: Work, refusal: CannotRun, outcome: Outcome) -> list[Work]:
        outcome.refusal = refusal
        _leave_unsent(work, outcome)
        return []

    def _again(self, work: Work, batch: Batch, failures: int) -> Work:
        """Another try of what the function was given."""
        return Work(batch, failures, self._pause_s(failures), repeats=True, doubt=work.doubt)

    def _later(self, work: Work, answer: Answer) -> Work:
        """Another try of what the function was not given."""
        retry_after_s = min(answer.retry_after_s or 0.0, PATIENCE_S)
        pause_s = max(self._pause_s(work.setbacks + 1), retry_after_s)
        return replace(work, setbacks=work.setbacks + 1, pause_s=pause_s, repeats=True)

    def _pause_s(self, attempt: int) -> float:
        """Full jitter: anything up to a span that doubles with each attempt."""
        return self._jitter() * min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempt - 1, 20))


class Delivery:
    """A batch on its way: every record ends up delivered, failed, unknown or not sent. One thread at a time."""

    def __init__(self, batch: Batch) -> None:
        self.function = batch.function
        self.outcome = Outcome()
        self.todo = deque([Work(batch)])

    def step(self, kind: Kind, before: tuple[int, int]) -> Step:
        """What an invocation made of it that was given out with `before` as tally; after a refusal none follows."""
        if self.outcome.refusal:
            self._leave()
        if not self.todo:
            return Step(kind, *self._since(before), self.outcome)
        work = self.todo[0]
        return Step(kind, *self._since(before), None, work.batch.weight, work.pause_s)

    def abandon(self) -> Step:
        """Send nothing more of it: what has no fate is not sent, or in doubt."""
        before = self.outcome.tally
        self._leave()
        return Step(None, *self._since(before), self.outcome)

    def _since(self, before: tuple[int, int]) -> tuple[int, int]:
        """How many records were delivered since, and how many failed."""
        delivered, failed = self.outcome.tally
        return delivered - before[0], failed - before[1]

    def _leave(self) -> None:
        while self.todo:
            _leave_unsent(self.todo.popleft(), self.outcome)


def _leave_unsent(work: Work, outcome: Outcome) -> None:
    if work.doubt:
        outcome.doubt(work.batch.records, work.doubt)
    else:
        outcome.not_sent += work.batch.records


def _give_up(work: Work, answer: Answer, outcome: Outcome) -> list[Work]:
    """Set records aside: failed, unless the function may have had them in an earlier attempt."""
    if work.doubt:
        outcome.doubt(work.batch.records, work.doubt)
    else:
        outcome.fail(work.batch.records, answer)
    return []


def _cut_or_give_up(work: Work, answer: Answer, outcome: Outcome) -> list[Work]:
    return _halves(work) if len(work.batch.records) > 1 else _give_up(work, answer, outcome)


def _halves(work: Work) -> list[Work]:
    parts = split(work.batch, (len(work.batch.records) + 1) // 2)
    return [Work(part, repeats=True, doubt=work.doubt) for part in parts]
