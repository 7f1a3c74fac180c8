"""A station at which tasks do as they are told, and what is done with one in tests."""

import gc
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from botocore.session import Session

from cncbops.aws import Aws, AwsAccess
from cncbops.errors import BadInput
from cncbops.execution.executor import Executor
from cncbops.execution.station import Outfit
from cncbops.recipients import Recipient, Recipients
from cncbops.session.memory import Memory

CONCURRENCY = 4
PATIENCE_S = 60.0
MUCH = b"x" * 8 * 1024 * 1024


FACTS: dict[str, Callable[[], object]] = {
    "pid": os.getpid,
    "threads": lambda: [thread.name for thread in threading.enumerate()],
    "sessions": lambda: len([each for each in gc.get_objects() if type(each) is Session]),
    "searched": lambda: len(gc.get_objects()),
}


class Odd(Exception):
    """An error that cannot be copied: its constructor wants more than it hands on."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(one)
        self.other = other


class Bench:
    """A station at which tasks do as they are told: `cut` at once, `read` and `attempt` among others."""

    def close(self) -> None:
        """It holds nothing."""

    def __init__(self, outfit: Outfit) -> None:
        assert outfit.lanes == 7
        self._met: list[str] = []
        self._s3 = outfit.s3()

    def cut(self, value: Any) -> Any:
        return value

    abandon = cut

    def meet(self, recipients: Mapping[str, Recipient]) -> None:
        self._met += recipients

    def met(self) -> list[str]:
        return self._met

    def recall(self, memory: Memory, digests: Sequence[bytes]) -> object:
        together = b"".join(digests)
        return (
            memory.sent_by(digests),
            memory.history(digests).last_sent_ms(digests),
            memory.knows_any((together, together)),
            memory.is_empty(),
        )

    def read(self, how: str, *told: str) -> object:
        if how in FACTS:
            return FACTS[how]()
        if how == "meet":  # until as many are here as can be at a time
            folder, most = Path(told[0]), int(told[1])
            (folder / told[2]).touch()
            until(lambda: len(list(folder.iterdir())) >= most)
        elif how == "hang":
            Path(told[0]).touch()
            time.sleep(PATIENCE_S * 10)
        elif how == "odd":
            raise Odd("one", "other")
        elif how == "refuse":
            raise BadInput("no such profile", "Choose another")
        elif how == "unsendable":
            return lambda: None
        return how

    attempt = read


def nothing(*_: object) -> None:
    """Of what a bench does not use; it goes to other processes by its name."""


def outfit(**changed: Any) -> Outfit:
    facts = {
        "aws": Aws(AwsAccess(region="us-east-1")),
        "s3": nothing,
        "recipients": Recipients(),
        "reader": nothing,
        "lanes": 7,
        "objects_ahead": 1,
        "portion_bytes": 1_000_000,
        "canary": None,
        "names_records": False,
        "sends": True,
    }
    return Outfit(**{**facts, **changed})


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it was waited for in vain"
        time.sleep(0.002)  # the pace of looking, not the condition


def outcomes(executor: Executor, count: int) -> list[Any]:
    """What so many tasks came to, in the order in which it came."""
    found: list[Any] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(found) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} came"
        for then, outcome in executor.ended(0.25):
            then(outcome)
            found.append(outcome)
    return found


def submit(executor: Executor, *tasks: tuple[Any, ...], place: int = 0) -> None:
    for method, *arguments in tasks:
        executor.submit(place, method, *arguments, then=lambda _: None)


def pids(executor: Executor) -> list[int]:
    for place in executor.places:
        submit(executor, ("attempt", "pid"), place=place)
    return outcomes(executor, len(executor.places))
