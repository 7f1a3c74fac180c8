"""What is remembered of faults that were sent: by earlier runs, and in this session."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from cncbops.errors import CannotRun


class History:
    """Of records that were sent, when the last runs began that delivered them, by the pipelines of their faults."""

    def __init__(self, sent: Mapping[bytes, Mapping[str | None, int]]) -> None:
        self._sent = sent

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


class Claim(NamedTuple):
    """A fault that a session came to, and the records that are to be sent of it, where others may send them, too.

    That is where its pipeline is known: another pipeline's fault of the same records makes the function run both.
    """

    fault: bytes
    records: Sequence[bytes] = ()
    pipeline: str | None = None


_MOST_FRESH = 200_000


class Seen:
    """The faults, and their records, that a session came to, each told once; on disk beyond some of them."""

    def __init__(self, most_fresh: int = _MOST_FRESH) -> None:
        self._most_fresh = most_fresh
        self._fresh: dict[bytes, str | None] = {}
        self._kept: sqlite3.Connection | None = None

    def repeated(self, claims: Sequence[Claim]) -> list[int]:
        """The indices of claims that were made before, of the fault itself or of all its records by another pipeline.

        Raises CannotRun where those that are new cannot be kept.
        """
        try:
            known = self._known(claims) if self._kept else {}
            repeated = [index for index, claim in enumerate(claims) if self._is_repeated(claim, known)]
            if len(self._fresh) >= self._most_fresh:
                self._keep()
        except sqlite3.Error as error:
            what = f"faults that were met cannot be noted in the temporary folder: {error}"
            raise CannotRun(what, "Make room, or set TMPDIR to another folder") from error
        return repeated

    def _is_repeated(self, claim: Claim, known: Mapping[bytes, str | None]) -> bool:
        fault, records, pipeline = claim
        if fault in known or fault in self._fresh:
            return True
        self._fresh[fault] = None
        first = [known[each] if each in known else self._fresh.setdefault(each, pipeline) for each in records]
        return bool(first) and all(other != pipeline for other in first)

    def _known(self, claims: Sequence[Claim]) -> dict[bytes, str | None]:
        """What is kept on disk of these."""
        assert self._kept
        digests = [each.fault for each in claims]
        digests += [record for each in claims for record in each.records]
        known: dict[bytes, str | None] = {}
        for some in at_once(digests):
            known.update(self._kept.execute(f"SELECT * FROM seen WHERE digest IN ({marks(some)})", some))  # noqa: S608
        return known

    def _keep(self) -> None:
        """Bring to disk what is fresh: sorted, so that the pages of the table are written one after another."""
        if self._kept is None:
            self._kept = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            self._kept.execute("PRAGMA journal_mode = OFF")
            self._kept.execute("PRAGMA synchronous = OFF")
            self._kept.execute("CREATE TABLE seen (digest BLOB PRIMARY KEY, pipeline TEXT) WITHOUT ROWID")
        self._kept.execute("BEGIN")
        rows = [(digest, self._fresh[digest]) for digest in sorted(self._fresh)]
        self._kept.executemany("INSERT INTO seen VALUES (?, ?)", rows)
        self._kept.execute("COMMIT")
        self._fresh = {}


_AT_ONCE = 256


def at_once(values: Sequence[bytes]) -> Iterable[Sequence[bytes]]:
    """Values, as many at a time as one statement asks for; some twice, so that statements are few and stay prepared."""
    for start in range(0, len(values), _AT_ONCE):
        some = values[start : start + _AT_ONCE]
        yield [*some, *[some[0]] * (-len(some) % (_AT_ONCE if len(some) > 16 else 16))]


def marks(values: Sequence[bytes]) -> str:
    """The places of values in a statement."""
    return ",".join("?" * len(values))
