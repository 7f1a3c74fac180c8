"""What arrived after a run: the lake without the objects that it, and the runs that it followed itself, have listed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cncbops.errors import BadInput, CannotRun
from cncbops.frozen import thaw_request
from cncbops.function_name import FunctionName
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import Run
from cncbops.request import ReplayRequest, Request
from cncbops.session.agenda import Item, WholeLake

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LAST = "last"
_LISTED = "listed by the run before"


def run_to_follow(ledger: Ledger, text: str, function: FunctionName | None) -> Run:
    """The run that is meant: `last` is the newest replay, of the function if one is given, that knows any object.

    Raises BadInput for none that a replay can follow, CannotRun for one that has more to list.
    """
    run = _last(ledger, function) if text == LAST else ledger.find(text)
    if run.command != "replay":
        raise BadInput(f"run {run.run_id} is of `{run.command}`", "Name a replay: only that can be followed by another")
    _require_listed(run)
    return run


def _last(ledger: Ledger, function: FunctionName | None) -> Run:
    for run in ledger.runs():
        is_meant = run.command == "replay" and (function is None or str(function) == run.function)
        if is_meant and (run.listed or ledger.counts(run).objects):
            return run
    to = f" to {function}" if function else ""
    raise BadInput(f"there is no replay{to} in {ledger.path} yet", "Replay once without --since-run")


def _require_listed(run: Run) -> None:
    if not run.listed:
        what = f"run {run.run_id} ({run.status}) has not come to all of its objects: what arrived since cannot be told"
        raise CannotRun(what, f"Go on with it first: `cncbops runs resume {run.run_id} --execute`")


def left_behind(ledger: Ledger, run_id: str) -> list[str]:
    """What a plan says of a run that did not deliver all that its objects hold, though they are passed over."""
    run = ledger.find(run_id)
    counts, limit = ledger.counts(run), thaw_request(run.arguments).limit
    told = []
    if counts.flawed or counts.not_sent or counts.objects_done < counts.objects:
        told.append(f"Not all that run {run_id} had was delivered: see `cncbops runs show {run_id}`.")
    if limit is not None and counts.matched >= limit:
        told.append(f"Run {run_id} had a limit of {limit:,} events: what else its objects hold is passed over.")
    return told


def chain_of(ledger: Ledger, run_id: str | None) -> list[Run]:
    """A run, the one that it followed, and so on; none without one. Raises CncbopsError if one is missing."""
    chain = []
    while run_id:
        run = ledger.find(run_id)
        chain.append(run)
        run_id = thaw_request(run.arguments).since_run
    return chain


class Since(WholeLake):
    """All that a request's sources hold, but what a chain of runs has listed is passed over."""

    def __init__(self, request: Request, s3: "S3Client | None", ledger: Ledger, chain: Sequence[Run]) -> None:
        super().__init__(request, s3)
        self._ledger, self._chain = ledger, chain

    def objects(self) -> Iterator[Item]:
        """Every object, in the order of the sources and of keys. Raises CannotRun where the ledger fails it."""
        listed = self._ledger.listed(self._chain)
        for item in super().objects():
            known = listed.knows(item.object)
            if known == "same":
                item = replace(item, passed_over=_LISTED)
            elif known == "changed":
                item = replace(item, changed=True)
            yield item


def lake_of(request: Request, s3: "S3Client | None", ledger: Ledger | None) -> WholeLake:
    """The lake of a request, as far as it is meant. Raises CncbopsError if the ledger lacks a run that it follows."""
    if not isinstance(request, ReplayRequest) or request.since_run is None:
        return WholeLake(request, s3)
    if ledger is None:
        raise CannotRun(f"there is no run {request.since_run}: no ledger", "Give its place with --state-dir")
    return Since(request, s3, ledger, chain_of(ledger, request.since_run))
