"""What is remembered of faults that were sent: by earlier runs, and in this session."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from cncbops.session.scratch import MOST_FRESH, Digests


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


class Memory(Protocol):
    """What the ledger remembers for ever of faults that were delivered. Every method may be called in any thread."""

    def sent_by(self, faults: Sequence[bytes]) -> Mapping[bytes, int]:
        """The number of the run that delivered a fault last, of each that one did."""

    def history(self, records: Sequence[bytes]) -> History:
        """What is known of these records."""


class NoMemory:
    """Where there is no ledger yet."""

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

    def __init__(self, most_fresh: int = MOST_FRESH) -> None:
        self._told = Digests[str | None](most_fresh)

    def repeated(self, faults: Sequence[bytes], shared: Mapping[int, Shared]) -> list[int]:
        """The indices of faults that were met before, or all of whose records another pipeline's fault shares.

        Raises CannotRun where those that are new cannot be kept.
        """
        records = [record for its, _ in shared.values() for record in its]
        with self._told.at_hand([*faults, *records]):
            if not shared:
                return self._told.again(faults, None)
            return [at for at, fault in enumerate(faults) if self._is_repeated(fault, *shared.get(at, ((), None)))]

    def _is_repeated(self, fault: bytes, records: Sequence[bytes], pipeline: str | None) -> bool:
        if fault in self._told:
            return True
        self._told.first(fault, None)
        first = [self._told.first(each, pipeline) for each in records]
        return bool(first) and all(other != pipeline for other in first)
