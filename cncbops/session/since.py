"""What arrived after a run: the lake without the objects that it, and the runs that it followed itself, have listed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from cncbops.errors import BadInput, CannotRun
from cncbops.faults.sources import stored
from cncbops.formats.families import Family
from cncbops.frozen import thaw_request
from cncbops.function_name import FunctionName
from cncbops.lake.in_order import nothing
from cncbops.lake.layout import TimeWindow
from cncbops.lake.sources import extent_of
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import Counts, Run
from cncbops.reports.next_step import go_on_with
from cncbops.reports.run_facts import state_of
from cncbops.request import ReplayRequest, Request
from cncbops.selection.covering import covers
from cncbops.selection.selection import Selection
from cncbops.session.agenda import Item, WholeLake

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LAST = "last"
_ALWAYS = TimeWindow(None, None)
LISTED = "listed by the run before"
"""Why an object is passed over."""


class Following(NamedTuple):
    """A run that is followed, and what is asked now: as was asked before, but for what is said anew."""

    run: Run
    request: ReplayRequest


def run_to_follow(
    ledger: Ledger,
    text: str,
    function: FunctionName | None,
    typed: Selection = Selection(),
    family: Family | None = None,
) -> Following:
    """The run that is meant, and what is asked where this much of a selection and a format are said anew.

    `last` is the newest replay, of the function if one is given, that knows any object and looked for all that is
    asked; a run that looked for less than the one it follows says nothing of what is asked. Raises BadInput for none
    that a replay can follow, also as it looked for less; CannotRun for one that has more to list.
    """
    following = _last(ledger, function, typed, family) if text == LAST else _named(ledger, text, typed, family)
    _require_listed(ledger, following.run)
    return following


def _named(ledger: Ledger, text: str, typed: Selection, family: Family | None) -> Following:
    run = ledger.find(text)
    if run.command != "replay":
        raise BadInput(f"run {run.run_id} is of `{run.command}`", "Name a replay: only that can be followed by another")
    before = thaw_request(run.arguments)
    request = _said_anew(before, typed, family)
    if not _looked_for(before, request):
        what = f"run {run.run_id} looked for less than is asked: what it did not look for would be passed over"
        raise BadInput(what, "Ask for no more than it did, or replay anew without --since-run")
    return Following(run, request)


def _last(ledger: Ledger, function: FunctionName | None, typed: Selection, family: Family | None) -> Following:
    looked_for_less = False
    for run in ledger.runs():
        is_meant = run.command == "replay" and (function is None or str(function) == run.function)
        if is_meant and (run.listed or ledger.known(run).counts().objects):
            line = takewhile(lambda each: each.function == run.function, chain_of(ledger, run.run_id))  # noqa: B023
            requests = [thaw_request(each.arguments) for each in line]
            request = _said_anew(_widest(requests), typed, family)
            if _looked_for(requests[0], request):
                return Following(run, request)
            looked_for_less = True
    to = f" to {function}" if function else ""
    if looked_for_less:
        what = f"no replay{to} in {ledger.path} looked for all that is asked: what it did not would be passed over"
        raise BadInput(what, "Ask for no more than one of them did, or replay anew without --since-run")
    raise BadInput(f"there is no replay{to} in {ledger.path} yet", "Replay once without --since-run")


def _said_anew(before: ReplayRequest, typed: Selection, family: Family | None) -> ReplayRequest:
    """A request with what was typed of a selection and a format in place; the rest is as before."""
    was = before.selection
    start, end = typed.window.start_ms, typed.window.end_ms
    selection = Selection(
        types=typed.types or was.types,
        partition_keys=typed.partition_keys or was.partition_keys,
        shards=typed.shards or was.shards,
        window=TimeWindow(
            was.window.start_ms if start is None else start,
            was.window.end_ms if end is None else end,
        ),
        filters=typed.filters or was.filters,
    )
    return replace(before, selection=selection, family=family or before.family)


def _looked_for(before: ReplayRequest, request: ReplayRequest) -> bool:
    """Whether nothing that is asked was left out of the objects that a replay read."""
    return before.family == request.family and covers(before.selection, request.selection)


def _widest(requests: Sequence[ReplayRequest]) -> ReplayRequest:
    """Of replays that follow one another, the newest first, the last that looked for no less than those before it."""
    *newer, widest = requests
    for request in reversed(newer):
        if _looked_for(request, widest) and _has_sources(request, widest):
            widest = request
    return widest


def _has_sources(wide: ReplayRequest, narrow: ReplayRequest) -> bool:
    extents = tuple(map(extent_of, stored(wide.sources)))
    return all(extent_of(source).startswith(extents) for source in stored(narrow.sources))


def _require_listed(ledger: Ledger, run: Run) -> None:
    if not run.listed:
        state = state_of(ledger, run)
        what = f"run {run.run_id} ({state}) has not come to all of its objects: what arrived since cannot be told"
        raise CannotRun(what, f"Go on with it first: `{go_on_with(run)}`")


def left_behind(ledger: Ledger, request: ReplayRequest) -> list[str]:
    """What is told of the run that a request follows, and of others that did: what is passed over or sent again."""
    if request.since_run is None:
        return []
    chain = chain_of(ledger, request.since_run)
    run, before = chain[0], thaw_request(chain[0].arguments)
    of_chain = [*_not_delivered(ledger, chain), *_limited(ledger, chain), *_of_new_sources(chain, request)]
    return [*of_chain, *_left_out(run, before, request), *_beside(ledger, run, request)]


def _not_delivered(ledger: Ledger, chain: Sequence[Run]) -> Iterator[str]:
    """That runs did not deliver all that their objects hold, though they are passed over: told until it is mended.

    A malformed line cannot be: the run itself told it.
    """
    left = [run for run in chain if _owes(ledger.known(run).counts())]
    if left:
        newest = left[0]
        see = newest.to_type("show")
        yield f"Not all that run {newest.run_id}{_and_before(left)} had was delivered: see `{see}`."


def _owes(counts: Counts) -> bool:
    owed = counts.failed or counts.unknown or counts.not_sent or counts.objects_unreadable
    return bool(owed) or counts.objects_done < counts.objects


def _limited(ledger: Ledger, chain: Sequence[Run]) -> Iterator[str]:
    """That runs did not send more of their objects than was asked for, though they are passed over."""
    limits = [thaw_request(run.arguments).limit for run in chain]
    limited = [(run, limit) for run, limit in zip(chain, limits, strict=True) if limit is not None]
    cut = [(run, limit) for run, limit in limited if ledger.known(run).counts().matched >= limit]
    if cut:
        newest, limit = cut[0]
        before = _and_before([run for run, _ in cut])
        yield f"Run {newest.run_id}{before} had a limit of {limit:,} events: what else its objects hold is passed over."


def _and_before(runs: Sequence[Run]) -> str:
    return f" (and {len(runs) - 1:,} before it)" if len(runs) > 1 else ""


def _left_out(run: Run, before: ReplayRequest, request: ReplayRequest) -> Iterator[str]:
    """What is not looked for as the run before did not."""
    now, was = request.selection, before.selection
    if now == was and replace(now, window=_ALWAYS) != Selection():
        yield f"Events are chosen as by run {run.run_id}, and no others."
    if now.window.end_ms is not None and now.window.end_ms == was.window.end_ms:
        end = f"{datetime.fromtimestamp(now.window.end_ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
        yield f"Events from {end} on are left out, as in run {run.run_id}: replay these with --from {end}."
    if run.function != str(request.function):
        yield f"Run {run.run_id} was to {run.function}: {request.function} does not get what that listed."


def _of_new_sources(chain: Sequence[Run], request: ReplayRequest) -> Iterator[str]:
    """That sources are new, if only in part, and with them what has lain in them for long."""
    known = tuple(extent_of(source) for run in chain for source in stored(thaw_request(run.arguments).sources))
    new = [source.uri for source in stored(request.sources) if not extent_of(source).startswith(known)]
    if new:
        names = ", ".join(new)
        yield f"Run {chain[0].run_id} did not have all of {names}: what it did not is new, whenever it arrived."


def _beside(ledger: Ledger, run: Run, request: ReplayRequest) -> Iterator[str]:
    """That replays that looked for something else came after the same run: what they sent is not passed over."""
    after = {run.run_id}
    for other in reversed(ledger.runs()):
        asked = thaw_request(other.arguments) if other.command == "replay" else None
        if asked is None or asked.since_run not in after:
            continue
        after.add(other.run_id)
        is_same = replace(asked.selection, window=request.window) == request.selection
        if not is_same and other.function == str(request.function) and ledger.known(other).counts().delivered:
            yield f"Run {other.run_id} looked for something else since: what it sent of this is sent again."


def chain_of(ledger: Ledger, run_id: str | None) -> list[Run]:
    """A run, the one that it followed, and so on; none without one. Raises CncbopsError if one is missing."""
    known, chain = {run.run_id: run for run in ledger.runs()}, list[Run]()
    while run_id:
        run = known.get(run_id) or ledger.find(run_id)
        chain.append(run)
        run_id = thaw_request(run.arguments).since_run
    return chain


class Since(WholeLake):
    """All that a request's sources hold, but what a chain of runs has listed is passed over."""

    def __init__(self, request: Request, s3: "S3Client | None", ledger: Ledger, chain: Sequence[Run]) -> None:
        super().__init__(request, s3)
        self._ledger, self._chain = ledger, chain

    def objects(self, before_threads: Callable[[], None] = nothing) -> Iterator[Item]:
        """Every object, in the order of the sources and of keys. Raises CannotRun where the ledger fails it."""
        listed = self._ledger.listed(self._chain)
        for item in super().objects(before_threads):
            known = listed.knows(item.object)
            if known == "same":
                item = replace(item, passed_over=LISTED)
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
