"""What a dry-run adds to the summary: the function, the terms, an estimate and the first record."""

import base64
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import msgspec

from cncbops.delivery.sender import SendPolicy
from cncbops.frozen import freeze_request
from cncbops.kinesis.record import Record
from cncbops.request import ReplayRequest, Request
from cncbops.sending import Sending
from cncbops.target import Target

USD_PER_REQUEST = 0.20 / 1_000_000
"""Lambda's list price for requests in most regions (AWS Lambda pricing); compute time comes on top."""


def plan(
    replay: Sending, more_warnings: Sequence[str] = (), *, sent_before: Sequence[str] = (), show_payload: bool = False
) -> dict[str, Any]:
    """The plan of a replay whose `plan()` has run, as plain data; `null` is what is not known.

    `sent_before` are warnings of runs that sent some of its events: one without events has none.
    """
    assert isinstance(replay.request, ReplayRequest)
    matched = replay.journal.tally.events.matched
    return {
        "arguments": freeze_request(replay.request),
        "target": target_facts(replay.recipients.only.target),
        "terms": _terms(replay),
        "estimate": estimate(replay, replay.recipients.only.terms.concurrency, matched),
        "first_record": _record_shape(replay.intake.first_record, show_payload=show_payload),
        "warnings": [*_warnings(replay), *(sent_before if matched else ()), *more_warnings],
    }


def target_facts(target: Target) -> dict[str, Any]:
    """What is known of a function."""
    facts = asdict(target)
    del facts["function"]
    mapping = target.mapping
    facts["mapping"] = asdict(mapping) if mapping else None
    facts["mappings"] = None if "its event source mappings" in target.unchecked else len(target.mappings)
    return facts


def _terms(replay: Sending) -> dict[str, Any]:
    terms = replay.recipients.only.terms
    return {
        "batch_size": terms.limits.records,
        "batch_size_from": terms.batch_size_from,
        "concurrency": terms.concurrency,
        "concurrency_from": terms.concurrency_from,
        "partial_responses": terms.policy.partial_responses,
        "mapping_filters": list(terms.mapping_filters),
        **manner(replay.request, terms.policy),
    }


def manner(request: Request, policy: SendPolicy) -> dict[str, Any]:
    """How records are sent, as far as that does not depend on the function."""
    return {
        "ordered": request.keeps_order,
        "rate": request.rate,
        "max_attempts": policy.max_attempts,
        "bisect": policy.bisect,
        "on_unknown": policy.on_unknown,
        "safety": {**asdict(request.safety), "max_failures": str(request.safety.max_failures)},
    }


def estimate(replay: Sending, concurrency: int, records: int) -> dict[str, Any]:
    """What it takes to send so many records; `rounds` is the seconds for each second that an invocation takes."""
    tally, rate = replay.journal.tally, replay.request.rate
    return {
        "duration_s": round(records / rate, 1) if rate else None,
        "rounds": math.ceil(tally.calls.total / concurrency),
        "lambda_requests_usd": round(tally.calls.total * USD_PER_REQUEST, 7),
    }


def _record_shape(record: Record | None, *, show_payload: bool) -> dict[str, Any] | None:
    if record is None:
        return None
    shape: dict[str, Any] = msgspec.json.decode(record.body)
    if not show_payload:
        payload_bytes = len(base64.b64decode(shape["kinesis"]["data"]))
        shape["kinesis"]["data"] = f"<{payload_bytes} bytes, see --show-payload>"
    return shape


NO_ORDER = "Lambda keeps no order between asynchronous invocations."
NOTHING_KEEPS_IT = "no dead-letter queue, no on-failure destination"


def _warnings(replay: Sending) -> list[str]:
    target, events, request = replay.recipients.only.target, replay.journal.tally.events, replay.request
    warnings = []
    if target.state not in (None, "Active", "Failed"):
        warnings.append(f"The function is in state {target.state}.")
    if target.update_status not in (None, "Successful"):
        warnings.append(f"The function's last update is {target.update_status}.")
    if "its event source mappings" in target.unchecked or any("filters" in fact for fact in target.unchecked):
        warnings.append("Batch size, filters and partial responses of its mapping are guessed: they cannot be read.")
    if request.asynchronous and request.ordered:
        warnings.append(NO_ORDER)
    if request.asynchronous and target.loses_failures:
        warnings.append(f"What fails asynchronously is lost: {NOTHING_KEEPS_IT}.")
    if events.synthesized:
        records = "1 record gets" if events.synthesized == 1 else f"{events.synthesized:,} records get"
        warnings.append(f"{records} a sequence number or key that the lake did not keep.")
    return warnings
