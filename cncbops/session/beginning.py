"""Before a run begins: what is written down of it, and which runs did the same."""

from collections.abc import Sequence

from msgspec.structs import replace

from cncbops.aws import Aws, AwsAccess
from cncbops.errors import CannotRun
from cncbops.frozen import freeze_request, freeze_target, freeze_terms, thaw_request
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import NewRun, Run
from cncbops.likeness import Likeness, likeness
from cncbops.recipients import Recipient
from cncbops.reports.going_on import taken_up_again
from cncbops.request import ReplayRequest
from cncbops.session.since import chain_of
from cncbops.target import Target


def likeness_of(request: ReplayRequest, target: Target, aws: Aws) -> Likeness:
    """What a replay has in common with others: the function's account and the endpoint belong to it."""
    account = target.arn.split(":")[4] if target.arn else None
    there = aws.in_region(request.function.region)
    return likeness(request, account=account, region=there.region, endpoint_url=there.endpoint)


def sent_before(ledger: Ledger, alike: Likeness, since_run: str | None = None) -> list[Run]:
    """The runs that have sent, or are sending, some of the same events to the same function.

    Of a replay that follows a run: but those of which it passes over whatever they sent. Raises CncbopsError if one of
    the runs that it follows is not in the ledger.
    """
    runs = ledger.alike(alike.key)
    same = [run for run in runs if _sends(ledger, run) and _likeness_of_run(run, alike.key).overlaps(alike)]
    if not (same and since_run):
        return same
    listed = ledger.listed(chain_of(ledger, since_run))
    return [run for run in same if ledger.is_active(run) or not listed.has_all_of(run.id)]


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
    look = f"See it by `{run.to_type('show')}`"
    resume = f"Go on with it by `{taken_up_again(run, None, None)}`"
    return f"{look if run.status in ('succeeded', 'partial') else resume}, or send them again with --again"


def new_run(
    run_id: str,
    request: ReplayRequest,
    recipient: Recipient,
    access: AwsAccess,
    alike: Likeness,
    plan_sha256: str | None = None,
) -> NewRun:
    """A run as it is written down: its arguments and terms frozen, the function as it is now."""
    target = recipient.target
    return NewRun(
        run_id=run_id,
        command="replay",
        function=str(request.function),
        sources=[source.uri for source in request.sources],
        account=target.arn.split(":")[4] if target.arn else None,
        arguments=freeze_request(request),
        terms=freeze_terms(recipient.terms),
        target=freeze_target(target),
        access=access.kept(),
        likeness=alike.key,
        plan_sha256=plan_sha256,
    )


def _sends(ledger: Ledger, run: Run) -> bool:
    counts = ledger.known(run).counts()
    return bool(counts.delivered or counts.unknown) or ledger.is_active(run)


def _likeness_of_run(run: Run, key: str) -> Likeness:
    """The likeness of a run in the ledger that has this key."""
    found = likeness(thaw_request(run.arguments), account=None, region="", endpoint_url=None)
    return replace(found, key=key)
