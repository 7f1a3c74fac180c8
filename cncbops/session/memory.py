"""What is remembered of faults that were sent: by earlier runs, and in this session."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from operator import ne
from time import monotonic
from typing import NamedTuple, Protocol

from cncbops.faults.identity import DIGEST_BYTES
from cncbops.session.digest_map import MOST_HELD, DigestSet, FirstNumbers


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


class Shared(NamedTuple):
    """The records that are to be sent of some faults, whose pipelines are known.

    Another pipeline's fault of the same records makes the function run both. `at` are the faults' indices, in their
    order; `records` are digests end to end, as many of each fault.
    """

    at: Sequence[int]
    records: bytes
    pipelines: Sequence[str | None]

    @property
    def of_each(self) -> int:
        """How many records a fault has."""
        return len(self.records) // DIGEST_BYTES // len(self.at)

    def behind(self, count: int) -> "Shared":
        """The same faults behind so many others."""
        return self._replace(at=[count + at for at in self.at]) if count else self

    def without(self, dropped: Set[int]) -> "Shared | None":
        """The faults that are not at some indices, if there are any."""
        if dropped.isdisjoint(self.at):
            return self
        size = self.of_each * DIGEST_BYTES
        left = [index for index, at in enumerate(self.at) if at not in dropped]
        if not left:
            return None
        records = b"".join([self.records[index * size : (index + 1) * size] for index in left])
        return Shared([self.at[index] for index in left], records, [self.pipelines[index] for index in left])


class Seen:
    """The faults, and their records, that a session came to, each told once."""

    def __init__(self) -> None:
        self._faults = DigestSet(MOST_HELD)
        self._records = FirstNumbers(MOST_HELD)
        self._numbers: dict[str | None, int] = {}  # of pipelines

    def repeated(self, faults: bytes, shared: Sequence[Shared]) -> Sequence[int]:
        """The indices of faults that were met before, or all of whose records another pipeline's fault shares.

        Their digests are end to end. Raises CannotRun where those that are new cannot be kept.
        """
        again = self._faults.again(faults)
        if not shared:
            return again
        met = frozenset(again)
        for each in shared:
            if new := each.without(met):
                again += self._went_for_another(new)
        return sorted(again)

    def _went_for_another(self, shared: Shared) -> Iterator[int]:
        of_each = shared.of_each
        own = [self._number_of(pipeline) for pipeline in shared.pipelines for _ in range(of_each)]
        first = self._records.firsts(shared.records, own)
        if first == own:
            return
        for index, at in enumerate(shared.at):
            its = slice(index * of_each, (index + 1) * of_each)
            if all(map(ne, first[its], own[its])):
                yield at

    def _number_of(self, pipeline: str | None) -> int:
        return self._numbers.setdefault(pipeline, len(self._numbers))
