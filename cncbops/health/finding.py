"""What a probe found of one subject: how it is, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """How a subject is. Unknown: it could not be looked at, which says nothing of how it is."""

    ok = "ok"
    warn = "warn"
    fail = "fail"
    unknown = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """How one subject is, why in one line, and what else is known of it, by name with its unit."""

    subject: str
    status: Status
    why: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """A finding of a probe in a region.

    `checked` is when the answer came, `took_s` how long that took. `decides` says whether that nothing is known
    leaves open how the region is: not where whoever was asked is elsewhere.
    """

    region: str
    probe: str
    finding: Finding
    checked: datetime
    took_s: float
    decides: bool = True

    @property
    def key(self) -> tuple[str, str, str]:
        """What the row is of."""
        return self.region, self.probe, self.finding.subject


def stamp(when: datetime) -> str:
    """A time as facts and documents hold it, in UTC."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
