"""What can end a run, as the operator reads it.

    CncbopsError          one line: what failed, on what, and what to do next
    ├── BadInput          the command line is wrong                  exit 2
    └── CannotRun         AWS or the machine refused                 exit 1

An item's failure (a line, an object, a record) is never an exception: it is an outcome,
counted and named. Only what stops the whole run is raised.
"""

from typing import Self


class CncbopsError(Exception):
    """A run cannot start or go on.

    `what` says what failed and on what, in one line; `next_step` what to do about it.
    """

    exit_code = 1

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        """Errors come from other processes, too."""
        return type(self), (self.what, self.next_step)

    def __str__(self) -> str:
        return f"{self.what.rstrip('.')}. {self.next_step}"


class BadInput(CncbopsError):
    """What was typed cannot be meant."""

    exit_code = 2


class CannotRun(CncbopsError):
    """AWS, the network or this machine refused what was asked."""


def described(error: CncbopsError) -> dict[str, str]:
    """What ended a run, as data."""
    return {"what": error.what, "next_step": error.next_step}
