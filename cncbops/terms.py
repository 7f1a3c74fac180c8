"""On what terms a function is given its batches: the request and the function's facts, combined."""

from collections.abc import Mapping as Facts
from dataclasses import dataclass
from typing import Any, Self

from cncbops.delivery.sender import MAX_ATTEMPTS, SERVICE_ATTEMPTS, PartialResponses, SendPolicy
from cncbops.errors import CannotRun
from cncbops.kinesis.batching import ASYNC_PAYLOAD_BYTES, SYNC_PAYLOAD_BYTES, BatchLimits
from cncbops.kinesis.record import RecordSource, record_source
from cncbops.request import Request
from cncbops.target import Mapping, Target

BATCH_SIZE = 100
CONCURRENCY = 16
LANES = 256
"""At least: many more than batches are sent at a time, so that few of those wait for one another, and few enough that
a batch takes several whole lanes."""

LONGEST_TIMEOUT_S = 900
"""Lambda's longest function timeout, assumed where the function's own could not be read."""

ANSWER_MARGIN_S = 15
"""A cold start comes on top of the timeout: ten seconds for the function's own initialisation."""


@dataclass(frozen=True)
class Room:
    """How many invocations are made at a time where neither the request nor the function says it, and why so many."""

    invocations: int = CONCURRENCY
    reason: str = "default"

    @classmethod
    def kept(cls, terms: Facts[str, Any]) -> Self:
        """What was settled before for want of anybody who said it; what somebody said is looked at anew."""
        reason = terms["concurrency_from"]
        return cls(terms["concurrency"], reason) if reason.startswith(cls.reason) else cls()


@dataclass(frozen=True)
class Terms:
    """What applies in the end. `read_timeout_s` outlasts the function's own timeout."""

    batch_size_from: str
    concurrency: int
    concurrency_from: str
    lanes: int
    limits: BatchLimits
    policy: SendPolicy
    read_timeout_s: float
    record_source: RecordSource
    mapping_filters: tuple[str, ...]


def settle(request: Request, target: Target, region: str, mapping: Mapping | None = None, room: Room = Room()) -> Terms:
    """Combine what was asked with what is known of the function, and of where the work is done.

    `mapping` is the event source mapping to imitate; without it the function's first Kinesis one.
    """
    mapping = mapping or target.mapping
    batch_size, batch_size_from = _batch_size(request, mapping)
    concurrency, concurrency_from = _concurrency(request, target, room)
    payload_bytes = ASYNC_PAYLOAD_BYTES if request.asynchronous else SYNC_PAYLOAD_BYTES
    return Terms(
        batch_size_from=batch_size_from,
        concurrency=concurrency,
        concurrency_from=concurrency_from,
        lanes=lanes_for(concurrency) if request.keeps_order else 0,
        limits=BatchLimits(batch_size, payload_bytes),
        policy=policy_of(request, mapping),
        read_timeout_s=(target.timeout_s or LONGEST_TIMEOUT_S) + ANSWER_MARGIN_S,
        record_source=_record_source(request, target, region),
        mapping_filters=mapping.filters if mapping else (),
    )


def lanes_for(concurrency: int) -> int:
    """In how many lanes the records of a function are ordered."""
    return max(LANES, concurrency * 8)


def require_able(target: Target, *, asynchronous: bool) -> None:
    """Raise CannotRun if the function could not take records as it is."""
    reason = objection(target, asynchronous=asynchronous)
    if reason:
        raise reason


def objection(target: Target, *, asynchronous: bool) -> CannotRun | None:
    """Why the function would not take records, and what to do about it; None if it would."""
    found = _objection(target, asynchronous=asynchronous)
    return CannotRun(f"function {target.function} {found[0]}", found[1]) if found else None


def _objection(target: Target, *, asynchronous: bool) -> tuple[str, str] | None:
    if target.may_invoke is False:
        return "may not be invoked by you", "Ask for lambda:InvokeFunction, or use --role-arn"
    if target.reserved_concurrency == 0:
        lost = "asynchronous events would be lost" if asynchronous else "every call would be throttled"
        return f"has reserved concurrency 0: {lost}", "Give it concurrency first"
    if target.state == "Failed":
        return "is in state Failed", "Deploy it again"
    if target.mapping and target.mapping.tumbling_window_s:
        return "aggregates in tumbling windows, which a replay cannot drive", "Replay to a function without"
    return None


def _batch_size(request: Request, mapping: Mapping | None) -> tuple[int, str]:
    if request.batch_size:
        return request.batch_size, "option"
    if mapping:
        return mapping.batch_size, "event source mapping"
    return BATCH_SIZE, "default"


def _concurrency(request: Request, target: Target, room: Room) -> tuple[int, str]:
    """Without an option, live traffic keeps at least half of the function's reserved concurrency."""
    if request.concurrency:
        return request.concurrency, "option"
    if target.reserved_concurrency:
        return max(1, target.reserved_concurrency // 2), "half of the reserved concurrency"
    return room.invocations, room.reason


def policy_of(request: Request, mapping: Mapping | None) -> SendPolicy:
    """Without a mapping nobody says whether batchItemFailures count: then those that name records do."""
    partial: PartialResponses = "lenient"
    if mapping:
        partial = "strict" if mapping.partial_responses else "ignored"
    return SendPolicy(
        max_attempts=request.max_attempts or MAX_ATTEMPTS,
        service_attempts=request.max_attempts or SERVICE_ATTEMPTS,
        bisect=request.bisect,
        on_unknown=request.on_unknown,
        partial_responses=partial,
        async_payload_bytes=ASYNC_PAYLOAD_BYTES if request.asynchronous else None,
    )


def _record_source(request: Request, target: Target, region: str) -> RecordSource:
    stream_arn = request.stream_arn or (target.mapping.source_arn if target.mapping else None)
    return record_source(region, function_arn=target.arn, role_arn=target.role_arn, stream_arn=stream_arn)
