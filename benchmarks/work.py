"""What each way of replaying is told on its command line, and what it prints when done."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True)
class Work:
    """Which objects go to which function, in batches of what size."""

    endpoint: str
    bucket: str
    function: str
    batch: int
    rewrap: bool = False
    faults: bool = False

    def arguments(self) -> list[str]:
        """As a command line, for `asked`."""
        switches = [f"--{name}" for name in ("rewrap", "faults") if getattr(self, name)]
        return [self.endpoint, self.bucket, self.function, str(self.batch), *switches]


class Done(msgspec.Struct):
    """How many went, in how many invocations, and how long that took from the first list call on.

    `possible_duplicates` is how many may have arrived twice, as far as a way tells.
    """

    events: int
    invocations: int
    duration_s: float
    possible_duplicates: int = 0


def asked() -> Work:
    """The work that this process was started for."""
    parser = argparse.ArgumentParser()
    for name in ("endpoint", "bucket", "function"):
        parser.add_argument(name)
    parser.add_argument("batch", type=int)
    parser.add_argument("--rewrap", action="store_true")
    parser.add_argument("--faults", action="store_true")
    return Work(**vars(parser.parse_args()))


def do(way: Callable[[Work], Done]) -> None:
    """Do the work that was asked for, and tell of it as JSON on standard output."""
    sys.stdout.buffer.write(msgspec.json.encode(way(asked())))
