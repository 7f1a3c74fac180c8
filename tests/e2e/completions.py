"""What a shell would be told, asked as its script asks."""

from collections.abc import Mapping
from typing import Any

from tests.e2e.servers import Cncbops

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
