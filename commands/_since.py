"""Which run is followed by `replay --since-run`."""

from cncbops.frozen import thaw_request
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
        run = run_to_follow(ledger, since, None if function is None else parse_function(function))
        for left in left_behind(ledger, run.run_id) if general.execute else ():
            screen.note(left)
    return Followed(run.run_id, thaw_request(run.arguments), run.access)
