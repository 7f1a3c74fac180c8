"""What places that read faults tell of them, and who decides for all places which are sent."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cncbops.faults.identity import DIGEST_BYTES
from cncbops.finding import Found
from cncbops.function_name import FunctionName
from cncbops.recipients import Recipient
from cncbops.session.findings import Findings
from cncbops.session.means import Means
from cncbops.session.memory import Claim, Seen
from cncbops.session.reading import Register


class Claims(NamedTuple):
    """Of a portion: its faults in the order of the lake, and the functions that they go to.

    They cross between processes, mostly digests alone: those end to end, and the rest by their index.
    """

    digests: bytes
    more: Mapping[int, tuple[Sequence[bytes], str | None]]
    functions: Mapping[FunctionName, Found]

    @property
    def faults(self) -> Sequence[Claim]:
        """The claims, one by one."""
        size, nothing = DIGEST_BYTES, ((), None)
        starts = range(0, len(self.digests), size)
        return [Claim(self.digests[at : at + size], *self.more.get(at // size, nothing)) for at in starts]


def claims_of(faults: Sequence[Claim], functions: Mapping[FunctionName, Found]) -> Claims:
    """Claims on their way."""
    more = {at: (records, pipeline) for at, (_, records, pipeline) in enumerate(faults) if records}
    return Claims(b"".join([each.fault for each in faults]), more, functions)


class FaultRegister(Register):
    """Knows all the faults that a session came to."""

    def __init__(self, means: Means) -> None:
        self._means, self._seen = means, Seen()

    def repeated(self, claims: Claims) -> Sequence[int]:
        """The indices of what was claimed before. Raises CannotRun."""
        return self._seen.repeated(claims.faults)

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
