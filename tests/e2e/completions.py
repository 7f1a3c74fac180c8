"""What a shell would be told, asked as its script asks."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from tests.e2e.servers import Cncbops

PATIENCE_S = 30.0
Answer = TypeVar("Answer")
ASK = {"_CNCBOPS_COMPLETE": "complete_zsh"}


def completed(
    cncbops: Cncbops, line: str, *, endpoint: str | None = None, env: Mapping[str, str | None] | None = None
) -> dict[str, str]:
    """What the end of a line may become: values with the words on each, and `files` or `folders` for those.

    Whatever may have gone wrong, the shell is told nothing of it.
    """
    result = cncbops(endpoint=endpoint, env={**ASK, "_TYPER_COMPLETE_ARGS": line, **(env or {})})
    assert (result.code, result.err) == (0, "")
    told: list[Any] = [answer.split("\t") for answer in result.out.splitlines() if answer]
    return {fields[0] if len(fields) == 1 else fields[1]: fields[-1] for fields in told}


def told_of_aws(cncbops: Cncbops, line: str, **more: Any) -> dict[str, str]:
    """The same where AWS has something to tell."""
    return in_the_end(partial(completed, cncbops, line, **more), bool)


def in_the_end(ask: Callable[[], Answer], is_one: Callable[[Answer], bool]) -> Answer:
    """What is answered, asked again while nothing is: on a busy machine completion gives up, as nobody shall wait."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_one(answer := ask()) and time.monotonic() < deadline:
        pass
    return answer
