"""What is remembered of faults that were sent: by earlier runs, and in this session."""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Protocol

from cncbops.session.digest_set import MOST_HELD, DigestSet
from cncbops.session.scratch import Digests


class History:
    """Of records that were sent, when the last runs began that delivered them, by the pipelines of their faults."""

    def __init__(self, sent: Mapping[bytes, Mapping[str | None, int]]) -> None:
        self._sent = sent

    @property
    def knows_any(self) -> bool:
        """Whether one of the records was sent."""
        return bool(self._sent)

    def last_sent_ms(self, records: Sequence[bytes]) -> int | None:
        """When the last run began that delivered one of these records; None if none did."""
        if not self._sent:
            return None
        return max((moment for record in records for moment in self._sent.get(record, {}).values()), default=None)

    def sent_for_another(self, records: Sequence[bytes], pipeline: str, since_ms: int) -> bool:
        """Whether runs that began since then delivered all of these records for faults of other pipelines.

        Each pipeline raises a fault of its own for a record, and the function runs all of them again.
        """
        if not (self._sent and records):
            return False
        return all(
            any(
                moment > since_ms and other not in (None, pipeline)
                for other, moment in self._sent.get(each, {}).items()
            )
            for each in records
        )


_ASKED_EVERY_S = 0.1
"""As much goes by from when a fault is read until it is sent; and to ask takes as long as to read forty faults."""


class Emptiness:
    """Whether a memory knew of no fault at all a moment ago: for all threads of a process, which ask as they read.

    Others may deliver some at any time. It is asked again after a moment, but not once it knows of any.
    """

    def __init__(self, ask: Callable[[], bool]) -> None:
        self._ask, self._is_so, self._until_s = ask, True, 0.0

    def __call__(self) -> bool:
        """Whether it was so. Raises what asking raises."""
        now_s = monotonic()
        if self._is_so and now_s >= self._until_s:
            if not self._ask():
                self._is_so = False  # and never true again, by an answer that another thread waited for longer
            self._until_s = now_s + _ASKED_EVERY_S  # last: until it is answered, other threads ask for themselves
        return self._is_so


class Memory(Protocol):
    """What the ledger remembers for ever of faults that were delivered. Every method may be called in any thread."""

    def is_empty(self) -> bool:
        """Whether it knows of no fault at all."""

    def knows_any(self, both: tuple[bytes, bytes]) -> bool:
        """Whether it knows one of these faults or of these records: the digests of either, end to end."""

    def sent_by(self, faults: Sequence[bytes]) -> Mapping[bytes, int]:
        """The number of the run that delivered a fault last, of each that one did."""

    def history(self, records: Sequence[bytes]) -> History:
        """What is known of these records."""


class NoMemory:
    """Where there is no ledger yet."""

    def is_empty(self) -> bool:
        """Nothing was sent."""
        return True

    def knows_any(self, _both: tuple[bytes, bytes]) -> bool:
        """Nothing was sent."""
        return False

    def sent_by(self, _faults: Sequence[bytes]) -> Mapping[bytes, int]:
        """Nothing was sent."""
        return {}

    def history(self, _records: Sequence[bytes]) -> History:
        """Nothing was sent."""
        return History({})


Shared = tuple[Sequence[bytes], str | None]
"""The records that are to be sent of a fault, and its pipeline, where that is known: another pipeline's fault of the
same records makes the function run both."""


class Seen:
    """The faults, and their records, that a session came to, each told once."""

    def __init__(self) -> None:
        self._faults = DigestSet(MOST_HELD)
        self._records = Digests[str | None]()

    def repeated(self, faults: bytes, shared: Mapping[int, Shared]) -> Sequence[int]:
        """The indices of faults that were met before, or all of whose records another pipeline's fault shares.

        Their digests are end to end. Raises CannotRun where those that are new cannot be kept.
        """
        again = self._faults.again(faults)
        if not shared:
            return again
        met = set(again)
        new = {at: each for at, each in shared.items() if at not in met}
        with self._records.at_hand([record for records, _ in new.values() for record in records]):
            again += [at for at, each in new.items() if self._went_for_another(*each)]
        return sorted(again)

    def _went_for_another(self, records: Sequence[bytes], pipeline: str | None) -> bool:
        first = [self._records.first(each, pipeline) for each in records]
        return bool(first) and all(other != pipeline for other in first)
