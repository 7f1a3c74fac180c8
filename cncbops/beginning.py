"""Before a run begins: what is written down of it, which runs did the same, and whether a plan still holds."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import takewhile

from cncbops.agenda import Item, WholeLake
from cncbops.aws import Aws, AwsAccess
from cncbops.entry import Entry
from cncbops.errors import CannotRun
from cncbops.frozen import Likeness, freeze_request, freeze_target, freeze_terms, likeness, thaw_request
from cncbops.lake.layout import skip_reason
from cncbops.lake.objects import LakeObject
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import NewRun, Run
from cncbops.plan_file import PlanFile, function_differences, lake_differences
from cncbops.replay import Undertaking
from cncbops.request import ReplayRequest
from cncbops.target import Target


def likeness_of(request: ReplayRequest, target: Target, aws: Aws) -> Likeness:
    """What a replay has in common with others: the function's account and the endpoint belong to it."""
    account = target.arn.split(":")[4] if target.arn else None
    there = aws.in_region(request.function.region)
    return likeness(request, account=account, region=there.region, endpoint_url=there.endpoint)


def sent_before(ledger: Ledger | None, alike: Likeness) -> list[Run]:
    """The runs that have sent, or are sending, some of the same events to the same function."""
    runs = ledger.alike(alike.key) if ledger else []
    return [run for run in runs if _sends(ledger, run) and _likeness_of_run(run, alike.key).overlaps(alike)]


def warnings_of(runs: Sequence[Run]) -> list[str]:
    """What a plan says of runs that have sent the same."""
    return [f"{_has_sent(runs)}. {_instead(runs[0])}."] if runs else []


def require_first(runs: Sequence[Run]) -> None:
    """Raise CannotRun if other runs have sent the same."""
    if runs:
        raise CannotRun(_has_sent(runs), _instead(runs[0]))


def _has_sent(runs: Sequence[Run]) -> str:
    newest, *others = runs
    more = f" and {len(others):,} before it have" if others else " has"
    return f"Run {newest.run_id} ({newest.status}){more} sent some of these events to this function"


def _instead(run: Run) -> str:
    look = f"See it by `cncbops runs show {run.run_id}`"
    resume = f"Go on with it by `cncbops runs resume {run.run_id}`"
    return f"{look if run.status in ('succeeded', 'partial') else resume}, or send them again with --again"


def new_run(
    run_id: str, undertaking: Undertaking, access: AwsAccess, alike: Likeness, plan_sha256: str | None = None
) -> NewRun:
    """A run as it is written down: its arguments and terms frozen, the function as it is now."""
    request, target = undertaking.request, undertaking.target
    return NewRun(
        run_id=run_id,
        command="replay",
        function=str(request.function),
        sources=[source.uri for source in request.sources],
        account=target.arn.split(":")[4] if target.arn else None,
        arguments=freeze_request(request),
        terms=freeze_terms(undertaking.terms),
        target=freeze_target(target),
        access={"region": access.region, "role_arn": access.role_arn, "endpoint_url": access.endpoint_url},
        likeness=alike.key,
        plan_sha256=plan_sha256,
    )


def _sends(ledger: Ledger | None, run: Run) -> bool:
    assert ledger is not None
    counts = ledger.counts(run)
    return bool(counts.delivered or counts.unknown) or ledger.is_active(run)


def _likeness_of_run(run: Run, key: str) -> Likeness:
    """The likeness of a run in the ledger that has this key."""
    found = likeness(thaw_request(run.arguments), account=None, region="", endpoint_url=None)
    return replace(found, key=key)


class Planned:
    """An agenda of the objects that a plan names."""

    def __init__(self, plan: PlanFile) -> None:
        self._plan = plan

    def items(self) -> Iterator[Item]:
        """The objects, in the plan's order."""
        return (Item(source, lake_object) for source, lake_object in self._plan.objects())

    def entries(self) -> Iterator[Entry]:
        """The objects as a run about to begin has them."""
        return (Entry(number, *each) for number, each in enumerate(self._plan.objects()))


def require_unmoved(plan: PlanFile, now: Undertaking, lake: WholeLake) -> None:
    """Raise CannotRun, with the differences, if lake or function are not as they were when planned."""
    differences = function_differences(
        plan.header.function, freeze_target(now.target), plan.header.terms, freeze_terms(now.terms)
    )
    lake_difference = lake_differences(plan.objects(), _found(plan, lake))
    if lake_difference:
        differences.append(lake_difference.text())
    if differences:
        what = f"what {plan.path} plans has moved since: {'; '.join(differences)}"
        raise CannotRun(what, "Plan anew with --save-plan, and look at it")


def _found(plan: PlanFile, lake: WholeLake) -> Iterator[tuple[int, LakeObject]]:
    """The lake's objects as they are now, no further than a limit on events let the plan read."""
    found = ((item.source, item.object) for item in lake.items() if not skip_reason(item.object))
    limit = plan.header.request.limit
    if limit is None or plan.counts.get("matched", 0) < limit:
        return found
    *_, last = plan.objects()
    return _up_to(found, last)


def _up_to(found: Iterator[tuple[int, LakeObject]], last: tuple[int, LakeObject]) -> Iterator[tuple[int, LakeObject]]:
    return takewhile(lambda each: _order(each) <= _order(last), found)


def _order(each: tuple[int, LakeObject]) -> tuple[int, bytes]:
    return each[0], os.fsencode(each[1].key)
