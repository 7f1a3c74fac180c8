"""Which run is followed by `replay --since-run`."""

from dataclasses import replace

from cncbops.errors import BadInput
from cncbops.function_name import parse_function
from cncbops.ledger.ledger import Ledger
from cncbops.session.since import left_behind, run_to_follow

from ._options import General
from ._requests import Asked, Followed
from ._screen import Screen, state_folder


def followed_by(asked: Asked, general: General, screen: Screen) -> Followed | None:
    """The run that is followed, if one is. People are told what it left, unless a plan is going to show it.

    Raises CncbopsError if there is no such run, or it cannot be followed.
    """
    since, function = asked.beyond.since_run, asked.function
    if since is None:
        return None
    with ledger_with(since, general) as ledger:
        to = None if function is None else parse_function(function)
        run, request = run_to_follow(ledger, since, to, asked.choice.selection(), asked.choice.family)
        request = replace(request, since_run=run.run_id, function=to or request.function)
        for left in left_behind(ledger, request) if general.execute else ():
            screen.note(left)
    return Followed(request, run.access)


def ledger_with(run: str, general: General) -> Ledger:
    """The ledger, to be read, that is to have a run. Raises BadInput if there is none."""
    folder = state_folder(general.state_dir)
    ledger = Ledger.look(folder)
    if ledger is None:
        raise BadInput(f"there is no run {run}: no ledger in {folder}", "Give its place with --state-dir")
    return ledger
