"""Events that a replay could not deliver, as a resubmit of its report remembers them, and as that finds them.

By this a redrive of the run and such a resubmit know of each other what was delivered. An event without an id of its
own is known to neither: where its object was replaced, another could lie in its place. And what failed once more since
then, as its object was sent anew, is not taken to be delivered.
"""

from collections.abc import Callable, Sequence, Set

from cncbops.faults.failures_file import fault_id
from cncbops.faults.identity import id_digest
from cncbops.kinesis.record import Record, Trace
from cncbops.ledger.rows import KeptFailure
from cncbops.session.agenda import Line
from cncbops.session.memory import Memory
from cncbops.tally import Failure


class Reported:
    """Those of one run. `function` is its function's lasting name (see `cncbops.session.means`).

    `began_ms` tells when a run began, by its number.
    """

    def __init__(self, run_id: str, function: str, memory: Memory, began_ms: Callable[[int], int]) -> None:
        self._run_id, self._function, self._memory, self._began_ms = run_id, function, memory, began_ms

    def resubmitted(self, kept: Sequence[KeptFailure]) -> Set[Line]:
        """The lines of those that a run delivered from a report which began since they failed last.

        Raises CannotRun where the memory fails.
        """
        digests = {digest: each for each in kept if (digest := self._digest_of(each.failure))}
        sent = self._memory.sent_by([*digests])
        return {
            (each.failure.line, each.failure.part)
            for digest, each in digests.items()
            if digest in sent and each.told_ms is not None and self._began_ms(sent[digest]) >= each.told_ms
        }

    def traces(self, delivered: Sequence[Record]) -> Sequence[Trace]:
        """What is to be remembered of events that a redrive delivered."""
        digests = [
            self._digest(each.object.uri, each.line, each.part, each.event_id)
            for each in delivered
            if each.event_id is not None
        ]
        return [Trace("", None, b"".join(digests), b"")] if digests else []

    def _digest_of(self, failure: Failure) -> bytes | None:
        if failure.event_id is None:
            return None
        return self._digest(failure.object, failure.line, failure.part, failure.event_id)

    def _digest(self, uri: str, line: int, part: int, event_id: str | None) -> bytes:
        return id_digest(fault_id((self._run_id, uri, line, part), event_id), self._function)
