"""What the ledger says of runs, sessions and failures, as its readers get it."""

import sys
import uuid
from array import array
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from cncbops.ledger.place import on_run
from cncbops.tally import Failure

SENDING = ("replay", "resubmit")
"""The commands whose runs send events. Runs of all others are acts: an invalidation, a failover."""


def new_run_id() -> str:
    """An id that no other run has, and that sorts by its time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:6]}"


class NewRun(Struct, frozen=True):
    """A run about to be written down. `arguments`, `terms` and `target` are frozen (see `cncbops.frozen`).

    `function` is what it works on: of an act a distribution or a region. `access` is how AWS was reached;
    `likeness` is the key of its likeness (same place), which an act has none of.
    """

    run_id: str
    command: str
    function: str
    sources: Sequence[str]
    account: str | None
    arguments: Mapping[str, Any]
    terms: Mapping[str, Any]
    target: Mapping[str, Any]
    access: Mapping[str, Any]
    likeness: str
    plan_sha256: str | None = None

    @property
    def is_act(self) -> bool:
        """Whether the run sends no events: it has neither objects nor records."""
        return self.command not in SENDING


class Run(NewRun, frozen=True):
    """A run in the ledger, which is in `folder`. `listed`: every object of its sources is in the ledger.

    `cluster` is where its last session works or worked, if that is a cluster.
    """

    id: int = 0
    status: str = ""
    reason: str | None = None
    started_ms: int = 0
    ended_ms: int | None = None
    listed: bool = False
    cluster: str | None = None
    folder: Path = Path()

    def to_type(self, verb: str) -> str:
        """A command of `cncbops runs` for it, that finds it."""
        return on_run(verb, self.run_id, self.folder)


class Session(Struct, frozen=True):
    """One process that worked on a run: `kind` is execute, resume or redrive.

    `doubted` records may have arrived twice, as far as it had told when it last gave a sign of life.
    """

    number: int
    kind: str
    who: str | None
    host: str
    process: int
    version: str
    started_ms: int
    seen_ms: int
    ended_ms: int | None
    status: str
    reason: str | None
    summary: Mapping[str, Any] | None
    doubted: int = 0


class GivenOrder(Struct, frozen=True):
    """An order for a run under way; `given` and `taken` in ms, None where nobody took it."""

    kind: str
    value: float | None
    who: str
    given: int
    taken: int | None


class Counts(Struct, frozen=True):
    """A run's objects and events, as of its last words: matched = delivered + failed + unknown + not sent.

    An object that is not readable is not done, however far it was read before. Objects that were left out, as they
    changed or are gone, are among the unreadable ones; what failed or is unknown in them a redrive sends only where
    they are again what they were, and a resume what is not sent.
    """

    objects: int = 0
    objects_done: int = 0
    objects_unreadable: int = 0
    objects_left_out: int = 0
    read: int = 0
    matched: int = 0
    malformed: int = 0
    delivered: int = 0
    failed: int = 0
    unknown: int = 0
    failed_left_out: int = 0
    unknown_left_out: int = 0
    not_sent_left_out: int = 0

    @property
    def flawed(self) -> bool:
        """Whether anything went wrong that is not mended."""
        return bool(self.lost_events or self.objects_unreadable)

    @property
    def lost_events(self) -> int:
        """Lines that hold none, and events that did not arrive, or may not have."""
        return self.failed + self.unknown + self.malformed

    @property
    def not_sent(self) -> int:
        """Events that were read and have no fate yet."""
        return self.matched - self.delivered - self.failed - self.unknown


class KeptFailure(Struct, frozen=True):
    """A failure in the ledger. `mended_in` is the session in which it came right, None if it did not.

    `told_ms` is when it failed last, None where an older version wrote it down.
    """

    object_number: int
    failure: Failure
    session: int
    mended_in: int | None
    told_ms: int | None = None


def pack(places: Iterable[int]) -> bytes:
    """Places as bytes: 64-bit integers, little endian."""
    packed = array("q", places)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def unpack(data: bytes) -> Sequence[int]:
    """The places that `pack` packed."""
    places = array("q")
    places.frombytes(data)
    if sys.byteorder == "big":
        places.byteswap()
    return places
