"""Which run is followed by `replay --since-run`."""

from dataclasses import replace

from cncbops.function_name import parse_function
from cncbops.session.since import left_behind, run_to_follow

from ._ledger import ledger_with
from ._options import General
from ._requests import Asked, Followed
from ._screen import Screen


def followed_by(asked: Asked, general: General, screen: Screen) -> Followed | None:
    """The run that is followed, if one is. People are told what it left, unless a plan is going to show it.

    Raises CncbopsError if there is no such run, or it cannot be followed.
    """
    since, function = asked.beyond.since_run, asked.function
    if since is None:
        return None
    with ledger_with(since, general.state_dir) as ledger:
        to = None if function is None else parse_function(function)
        run, request = run_to_follow(ledger, since, to, asked.choice.selection(), asked.choice.family)
        request = replace(request, since_run=run.run_id, function=to or request.function)
        for left in left_behind(ledger, request) if general.execute else ():
            screen.note(left)
    return Followed(request, run.access)
