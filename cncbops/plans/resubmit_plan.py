"""What a dry-run of a resubmit adds to the summary: each function, the groups of faults, the terms, what to look at."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from cncbops.errors import CncbopsError, described
from cncbops.plans.plan import NO_ORDER, NOTHING_KEEPS_IT, estimate, manner, target_facts
from cncbops.recipients import Recipient
from cncbops.reports.resubmit_facts import first_groups
from cncbops.reports.summary import iso
from cncbops.sending import Sending
from cncbops.session.means import Means
from cncbops.session.resubmitting import terms_of
from cncbops.tally import Share
from cncbops.terms import policy_of


def plan_of_resubmit(means: Means) -> Callable[..., dict[str, Any]]:
    """What tells of a plan made with these means."""
    return partial(_plan, means)


def _plan(
    means: Means,
    sending: Sending,
    more_warnings: Sequence[str] = (),
    *,
    show_payload: bool = False,  # noqa: ARG001  a plan of faults shows none; `faults show` does
) -> dict[str, Any]:
    """The plan of a resubmit whose `plan()` has run, as plain data; `null` is what is not known."""
    request, tally = means.request, sending.journal.tally
    terms = terms_of(request, means.room)
    functions = {name: _function(means, name, share) for name, share in tally.functions.items()}
    return {
        "functions": functions,
        "groups": first_groups(means.groups),
        "came_back": first_groups(means.came_back),
        "queues": [asdict(queue.facts) for queue in means.queues.by_source.values()],
        "terms": {
            "batch_size": request.batch_size,
            "concurrency": terms["concurrency"],
            "one_by_one": request.one_by_one,
            **manner(request, policy_of(request, None)),
        },
        "estimate": estimate(sending, terms["concurrency"], sum(share.records for share in tally.functions.values())),
        "warnings": [
            *_warnings(functions, sending),
            *_of_asynchronous(functions, sending),
            *_of_namesakes(means),
            *_of_queues(means),
            *more_warnings,
        ],
    }


def _function(means: Means, name: str, share: Share) -> dict[str, Any]:
    """One function: its faults, and whether it was deployed since the newest of them."""
    found = means.recipients.known.get(name)
    missing = means.finder.missing.get(name)
    return {
        "faults": share.matched,
        "records": share.records,
        "newest_fault": iso(share.newest_ms),
        "deployed_since": _deployed_since(found, share),
        "batch_size": found.terms.limits.records if found else None,
        "target": target_facts(found.target) if found else None,
        "problem": described(missing) if missing else _unnamed(name),
    }


def _unnamed(name: str) -> dict[str, str] | None:
    if name:
        return None
    return described(CncbopsError("these faults name no function", "Say it with --function"))


def _deployed_since(found: Recipient | None, share: Share) -> bool | None:
    deployed_ms = found.target.deployed_ms if found else None
    if deployed_ms is None or share.newest_ms is None:
        return None
    return deployed_ms > share.newest_ms


def _warnings(functions: Mapping[str, Mapping[str, Any]], sending: Sending) -> Iterator[str]:
    for name, facts in functions.items():
        if facts["problem"]:
            what, next_step = facts["problem"]["what"], facts["problem"]["next_step"]
            yield f"{_count(facts['faults'])} cannot be sent: {what}. {next_step}."
        elif facts["deployed_since"] is False:
            when, newest = facts["target"]["last_modified"], facts["newest_fault"]
            yield f"{name} was not deployed since its newest fault: deployed {when}, fault {newest}. Is it fixed?"
    faults = sending.journal.tally.faults
    if faults.sent_again:
        yield f"Delivered before, and sent once more: {_count(faults.sent_again)}."
    if faults.not_whole:
        yield f"Left out, since redacted or incomplete and not what the function had: {_count(faults.not_whole)}."
    if faults.raised_since:
        yield f"Left out, since raised after this command began: {_count(faults.raised_since)}."


def _of_asynchronous(functions: Collection[str], sending: Sending) -> Iterator[str]:
    if not (sending.request.asynchronous and functions):
        return
    if sending.request.ordered:
        yield NO_ORDER
    yield "Lambda accepts asynchronous invocations and says nothing of how they end: new faults would tell."
    for name in functions:
        found = sending.recipients.known.get(name)
        if found and found.target.loses_failures:
            yield f"What fails asynchronously at {name} is lost: {NOTHING_KEEPS_IT}."


def _of_namesakes(means: Means) -> Iterator[str]:
    for name, address in means.finder.namesakes.items():
        yield f"There is no {address}: its faults go to {name} of this account."


def _count(faults: int) -> str:
    return f"{faults:,} fault" if faults == 1 else f"{faults:,} faults"


def _of_queues(means: Means) -> Iterator[str]:
    for queue in means.queues.unread:
        yield (
            f"{queue} counts how often its messages are received, so this dry-run has not read them; --execute does."
        )
