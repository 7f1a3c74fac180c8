"""Is it fixed? After a resubmit the sources are read again for faults that what was sent has raised anew."""

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cncbops.faults.fault import Payload, Records
from cncbops.faults.identity import identity_of
from cncbops.faults.masking import masked_text
from cncbops.faults.reading import FaultReader, Found
from cncbops.faults.selection import FaultSelection
from cncbops.faults.sources import stored
from cncbops.inventory.listed import listed_by_calls
from cncbops.lake.layout import TimeWindow
from cncbops.ledger.resubmitted import Resubmitted
from cncbops.session.means import Means, here

LOOK_EVERY_S = 2.0
_MESSAGE_CHARS = 500
_CLOCKS = timedelta(minutes=5)
"""By how much S3's clock may be behind this machine's."""


@dataclass(frozen=True)
class StillBroken:
    """A group of faults that a run sent: `came_back` of its `delivered` ones were raised anew.

    `error` and `message` are of one of the new faults.
    """

    fingerprint: str
    function: str | None
    error: str
    message: str
    came_back: int
    delivered: int


class Watch:
    """Looks for faults raised since a run began by the records that it sent."""

    def __init__(self, means: Means, memory: Resubmitted, run: int, since_ms: int) -> None:
        self._means, self._memory, self._run = means, memory, run
        self._since_ms = since_ms
        self._examples: dict[str, tuple[str | None, str, str]] = {}
        self._came_back: dict[str, set[bytes]] = {}

    def look(self, longest_s: float, stop: threading.Event) -> list[StillBroken]:
        """Look until all that was sent came back, or for so long; those of the most faults first."""
        deadline = time.monotonic() + longest_s
        delivered = self._memory.delivered_by_group(self._run)
        while delivered:
            for found in self._new_faults():
                self._match(found)
            has_all = sum(map(len, self._came_back.values())) >= sum(delivered.values())
            if has_all or time.monotonic() >= deadline or stop.wait(min(LOOK_EVERY_S, longest_s)):
                break
        return sorted((self._told(mark, delivered) for mark in self._came_back), key=lambda each: -each.came_back)

    def _new_faults(self) -> Iterator[Found]:
        """The faults raised since, in objects that were stored since."""
        stored_since = datetime.fromtimestamp(self._since_ms / 1000, UTC) - _CLOCKS
        choice = FaultSelection(window=TimeWindow(self._since_ms, None))
        means = self._means
        sources = listed_by_calls(stored(means.request.sources))
        reader = FaultReader(sources, choice, means.s3, means.resolver, stored_since=stored_since)
        return reader.found()

    def _match(self, found: Found) -> None:
        """Find what was sent that this fault is of."""
        work, called = found.fault.unit, found.fault.called
        if called is None or not isinstance(work, Records | Payload):
            return
        known_as = f"{here(self._means.aws)}\0{self._means.finder.find(called).bare_name}"
        identity = identity_of(b"", found.fault, work, known_as)
        for fault, mark in self._memory.delivered_with(identity.records, self._run):
            self._examples.setdefault(
                mark, (called.name, masked_text(found.fault.error), masked_text(found.fault.message)[:_MESSAGE_CHARS])
            )
            self._came_back.setdefault(mark, set()).add(fault)

    def _told(self, mark: str, delivered: Mapping[str, int]) -> StillBroken:
        function, error, message = self._examples[mark]
        return StillBroken(
            fingerprint=mark,
            function=function,
            error=error,
            message=message,
            came_back=len(self._came_back[mark]),
            delivered=delivered.get(mark, 0),
        )
