"""Which run is followed by `replay --since-run`, and what is told of that."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cncbops.frozen import freeze_request
from cncbops.function_name import parse_function
from cncbops.ledger.ledger import Ledger
from cncbops.request import ReplayRequest
from cncbops.session.since import left_behind, run_to_follow

from ._ledger import ledger_with
from ._options import General
from ._requests import Asked, Followed
from ._screen import Screen


def followed_by(asked: Asked, general: General) -> Followed | None:
    """The run that is followed, if one is.

    Raises CncbopsError if there is no such run, or it cannot be followed.
    """
    since, function = asked.beyond.since_run, asked.function
    if since is None:
        return None
    with ledger_with(since, general.state_dir) as ledger:
        to = None if function is None else parse_function(function)
        run, request = run_to_follow(ledger, since, to, asked.choice.selection(), asked.choice.family)
    return Followed(replace(request, since_run=run.run_id, function=to or request.function), run.access)


def told_since(request: ReplayRequest, ledger: Ledger | None, screen: Screen, *, plans: bool) -> dict[str, Any] | None:
    """What a run that follows another makes of it, None if there is none. People are told, unless a plan shows it."""
    if ledger is None:
        return None
    asked = {name: value for name, value in freeze_request(request).items() if name not in ("sources", "function")}
    warnings = left_behind(ledger, request)
    for note in () if plans else (_in_words(request, asked), *warnings):
        screen.note(note)
    return {"run_id": request.since_run, "asked": asked, "warnings": warnings}


def _in_words(request: ReplayRequest, asked: Mapping[str, Any]) -> str:
    from ._runs_view import arguments_in_words  # here: what is not told needs no screen

    words = arguments_in_words("replay", {**asked, "since_run": None})
    what = ", ".join([*(source.uri for source in request.sources), *words])
    return f"since run {request.since_run}: {what}, to {request.function}"
