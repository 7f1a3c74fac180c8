"""From rows to a verdict for each region, and from those to one for all."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from cncbops.errors import BadInput
from cncbops.health.finding import Row, Status


class Verdict(StrEnum):
    """Whether a region is fit to serve."""

    healthy = "healthy"
    unhealthy = "unhealthy"
    unknown = "unknown"


def verdict_of(rows: Iterable[Row]) -> Verdict:
    """The verdict of one region by its rows: a warning does not make it unhealthy, silence not healthy."""
    rows = list(rows)
    statuses = {row.finding.status for row in rows}
    if Status.fail in statuses:
        return Verdict.unhealthy
    left_open = any(row.decides for row in rows if row.finding.status is Status.unknown)
    if left_open or not statuses & {Status.ok, Status.warn}:
        return Verdict.unknown
    return Verdict.healthy


@dataclass(frozen=True, slots=True)
class Required:
    """How many regions must be known to be healthy; None is all of them."""

    count: int | None

    @classmethod
    def parse(cls, text: str) -> "Required":
        """Read `all`, `any`, or a number from 1 on. Raises BadInput."""
        known = {"all": None, "any": 1}
        if text in known:
            return cls(known[text])
        if text.isascii() and text.isdecimal() and len(text) < 5 and int(text) > 0:
            return cls(int(text))
        raise BadInput(f"--require {text!r} is not a number of regions", "Write all, any, or a number such as 2")

    def __str__(self) -> str:
        """As it is typed."""
        return {None: "all", 1: "any"}.get(self.count, str(self.count))

    def require_possible(self, regions: int) -> None:
        """Raises BadInput if there are fewer regions than must be healthy."""
        if self.count and self.count > regions:
            are = "1 is" if regions == 1 else f"{regions} are"
            raise BadInput(f"{self.count} regions must be healthy, but {are} looked at", "Require fewer, or name more")

    def is_met(self, verdicts: Collection[Verdict]) -> bool:
        """Whether enough regions are known to be healthy."""
        healthy = sum(verdict is Verdict.healthy for verdict in verdicts)
        return healthy >= max(1, len(verdicts) if self.count is None else self.count)
