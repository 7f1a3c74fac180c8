"""Events that a replay could not deliver, as a resubmit of its report remembers them, and as that finds them.

By this a redrive of the run and such a resubmit know of each other what was delivered. An event without an id of its
own is known to neither: where its object was replaced, another could lie in its place.
"""

from collections.abc import Sequence, Set

from cncbops.faults.failures_file import fault_id
from cncbops.faults.identity import id_digest
from cncbops.kinesis.record import Record, Trace
from cncbops.session.agenda import Line
from cncbops.session.memory import Memory
from cncbops.tally import Failure


class Reported:
    """Those of one run. `function` is its function's lasting name (see `cncbops.session.means`)."""

    def __init__(self, run_id: str, function: str, memory: Memory) -> None:
        self._run_id, self._function, self._memory = run_id, function, memory

    def resubmitted(self, failures: Sequence[Failure]) -> Set[Line]:
        """The lines of those that were delivered from a report. Raises CannotRun where the memory fails."""
        digests = {
            self._digest(each.object, each.line, each.part, each.event_id): (each.line, each.part)
            for each in failures
            if each.event_id is not None
        }
        return {digests[digest] for digest in self._memory.sent_by([*digests])}

    def traces(self, delivered: Sequence[Record]) -> Sequence[Trace]:
        """What is to be remembered of events that a redrive delivered."""
        digests = [
            self._digest(each.object.uri, each.line, each.part, each.event_id)
            for each in delivered
            if each.event_id is not None
        ]
        return [Trace("", None, b"".join(digests), b"")] if digests else []

    def _digest(self, uri: str, line: int, part: int, event_id: str | None) -> bytes:
        return id_digest(fault_id((self._run_id, uri, line, part), event_id), self._function)
