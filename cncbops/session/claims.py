"""What places that read faults tell of them, and who decides for all places which are sent."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from cncbops.faults.identity import DIGEST_BYTES
from cncbops.finding import Found
from cncbops.function_name import FunctionName
from cncbops.recipients import Recipient
from cncbops.session.findings import Findings
from cncbops.session.means import Means
from cncbops.session.memory import Seen, Shared
from cncbops.session.reading import Register


class Claims(NamedTuple):
    """Of a portion: its faults in the order of the lake, and the functions that they go to.

    They cross between processes, mostly digests alone: those end to end, and those of the records that some share.
    """

    digests: bytes
    shared: Sequence[Shared]
    functions: Mapping[FunctionName, Found]


class Claiming(Protocol):
    """Faults that wait to be judged."""

    @property
    def digests(self) -> bytes:
        """Those of the faults, end to end."""

    @property
    def shared(self) -> Sequence[Shared]:
        """The records that some of them share."""


def claims_of(parts: Iterable[Claiming], functions: Mapping[FunctionName, Found]) -> Claims:
    """The claims of faults on their way, part after part."""
    digests: list[bytes] = []
    shared: list[Shared] = []
    count = 0
    for part in parts:
        digests.append(part.digests)
        shared += [each.behind(count) for each in part.shared]
        count += len(digests[-1]) // DIGEST_BYTES
    return Claims(b"".join(digests), shared, functions)


class FaultRegister(Register):
    """Knows all the faults that a session came to."""

    def __init__(self, means: Means) -> None:
        self._means, self._seen = means, Seen()

    def repeated(self, claims: Claims) -> Sequence[int]:
        """The indices of what was claimed before. Raises CannotRun."""
        return self._seen.repeated(claims.digests, claims.shared)

    def meet(self, claims: Claims) -> Mapping[str, Recipient]:
        """Take down which functions were found; those that are new here, by their name in the run."""
        return self._means.finder.adopt(claims.functions)

    def count(self, findings: Findings) -> None:
        """Add the groups of what was found to those of the session."""
        count_groups(findings, self._means)


def count_groups(findings: Findings, means: Means) -> None:
    """Add the groups of what was found to those of the session."""
    if findings.groups:
        means.groups.merge(findings.groups)
    if findings.came_back:
        means.came_back.merge(findings.came_back)
