"""Options that take a text in some form: what lacks it is told as whatever else an option does not take."""

from collections.abc import Callable
from datetime import UTC, datetime

import typer

from cncbops.errors import BadInput


def limit_of_failures(text: str | None) -> str | None:
    """A text that is a number or share of records. Raises BadParameter."""
    from cncbops.safety.limits import FailureLimit  # here, as below: a help needs none of it

    return _in_form(text, FailureLimit.parse)


def duration(text: str | None) -> str | None:
    """A text that is a length of time. Raises BadParameter."""
    from cncbops.safety.limits import parse_duration

    return _in_form(text, parse_duration)


def moment(text: str | None) -> str | None:
    """A text that is a point in time. Raises BadParameter."""
    from cncbops.selection.times import parse_time

    return _in_form(text, lambda typed: parse_time(typed, datetime.now(UTC)))


def _in_form(text: str | None, parse: Callable[[str], object]) -> str | None:
    try:
        if text is not None:
            parse(text)
    except BadInput as error:
        raise typer.BadParameter(str(error)) from error
    return text
