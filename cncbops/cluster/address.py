"""Where a cluster is, as it is typed."""

import re
from dataclasses import dataclass

from cncbops.errors import BadInput

MOST_LOCAL = 64
"""Worker processes of this machine; more was typed by mistake."""

_REMOTE = re.compile(r"(?:tcp|tls)://(?:\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+):(\d{1,5})")
_LOCAL = re.compile(r"local:(\d{1,5})")
_NEXT = "Give tcp://HOST:PORT or tls://HOST:PORT of its scheduler, or local:N for N worker processes here"


@dataclass(frozen=True)
class Address:
    """A scheduler's address, or how many worker processes are to be started on this machine."""

    scheduler: str | None
    local_workers: int = 0

    def __str__(self) -> str:
        return self.scheduler or f"local:{self.local_workers}"


def parse_address(text: str) -> Address:
    """`tcp://HOST:PORT`, `tls://HOST:PORT` or `local:N`. Raises BadInput."""
    if found := _LOCAL.fullmatch(text):
        if not 1 <= (workers := int(found[1])) <= MOST_LOCAL:
            raise BadInput(f"--cluster {text}: from 1 to {MOST_LOCAL} worker processes can be started here", _NEXT)
        return Address(None, workers)
    if (found := _REMOTE.fullmatch(text)) and 0 < int(found[1]) < 2**16:
        return Address(text)
    raise BadInput(f"--cluster {text!r} is no address of a cluster", _NEXT)


def at_cluster(address: str | None) -> str:
    """What is to be typed behind a command that is to go on where a run was."""
    return f" --cluster {address}" if address else ""
