"""Options that take a text in some form: what lacks it is told as whatever else an option does not take."""

from collections.abc import Callable
from datetime import UTC, datetime

import typer

from cncbops.errors import BadInput

_Check = Callable[[typer.Context, str | None], str | None]


def _in_form(parse: Callable[[str], object]) -> _Check:
    """A callback of an option, which raises BadParameter for a text that `parse` cannot read: BadInput."""

    def check(context: typer.Context, text: str | None) -> str | None:
        try:
            if text is not None and not context.resilient_parsing:
                parse(text)
        except BadInput as error:
            raise typer.BadParameter(str(error)) from error
        return text

    return check


def _limit_of_failures(text: str) -> object:
    from cncbops.safety.limits import FailureLimit  # here, as below: help and completion need none of it

    return FailureLimit.parse(text)


def _duration(text: str) -> object:
    from cncbops.safety.limits import parse_duration

    return parse_duration(text)


def _moment(text: str) -> object:
    from cncbops.selection.times import parse_time

    return parse_time(text, datetime.now(UTC))


limit_of_failures, duration, moment = map(_in_form, (_limit_of_failures, _duration, _moment))
"""For a number or share of records, a length of time, and a point in time."""
