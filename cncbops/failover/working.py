"""A failover under way: the change is made, then followed until all that hangs on it has turned."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cncbops.failover.change import Change
from cncbops.failover.following import Following, Sight
from cncbops.failover.sights import SWITCH
from cncbops.failover.switch import await_update, set_switch

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

LOOK_S = 0.5
"""Between two looks at whether Lambda has made the change."""


class Failover:
    """One change, carried out once. `stop` ends it where it stands: what is changed stays changed."""

    def __init__(
        self,
        change: Change,
        client: "LambdaClient",
        sights: Sequence[Sight],
        stop: threading.Event,
        ordered_s_ago: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`ordered_s_ago` is set where an earlier session made the change, and this one goes on following it."""
        self.change = change
        self.following = Following(sights, clock)
        self.changed = False
        self.updated_s: float | None = None
        self.overruled = False
        self._ordered_s_ago = 0.0 if change.is_needed else ordered_s_ago
        self._client, self._stop = client, stop

    @property
    def is_pending(self) -> bool:
        """Whether the change is still to be asked for."""
        return self.change.is_needed and not self.changed

    @property
    def is_done(self) -> bool:
        """Whether the region is out, or back, for all who look."""
        return self.following.is_done and (self.updated_s is not None or not self.change.is_needed)

    def news(self, longest_s: float) -> Iterator[str]:
        """What happens, a line each, until it is done, stopped or has taken too long. Raises CncbopsError."""
        if self.change.is_needed:
            yield from self._update(longest_s)
        for sight in self.following.news(self._stop, longest_s):
            yield told_of(sight)
            if sight.kind == SWITCH and sight.reached_s is None:
                self.overruled = True
                return

    def _update(self, longest_s: float) -> Iterator[str]:
        if self._stop.is_set():
            return
        set_switch(self._client, self.change.switch, self.change.value)
        self.changed = True
        yield "the change is asked for"
        if await_update(self._client, self.change.switch.function, lambda: self._goes_on(longest_s)):
            self.updated_s = round(self.following.elapsed_s, 1)
            yield "the change is made"

    def _goes_on(self, longest_s: float) -> bool:
        """Whether to look again, after a moment."""
        return not self._stop.wait(LOOK_S) and self.following.elapsed_s < longest_s

    def times(self) -> dict[str, float | None]:
        """Seconds from the beginning until the change was made, and until each kind of what hangs on it had turned.

        `recovery_s` is from the order, also where an earlier session was given it, until all had turned.
        """
        told: dict[str, float | None] = {"changed_s": self.updated_s} if self.change.is_needed else {}
        for kind, moment in self.following.times().items():
            told[f"{kind.replace(' ', '_')}_s"] = moment
        if self.is_done and self.following.sights and self._ordered_s_ago is not None:
            last_s = max(sight.reached_s or 0.0 for sight in self.following.sights)
            told["recovery_s"] = round(self._ordered_s_ago + last_s, 1)
        return told

    def behind(self) -> list[str]:
        """What has not turned yet, in words."""
        waiting = ["Lambda has not made the change yet"] if self.changed and self.updated_s is None else []
        return [*waiting, *(told_of(sight) for sight in self.following.sights if sight.reached_s is None)]

    def facts(self) -> list[dict[str, Any]]:
        """All that was followed, as data."""
        return [facts_of(sight) for sight in self.following.sights]


def told_of(sight: Sight) -> str:
    """A sight in words."""
    return f"{sight.kind} {sight.subject}: {sight.last.shown if sight.last else 'not looked at'}"


def facts_of(sight: Sight) -> dict[str, Any]:
    """A sight as data."""
    return {
        "kind": sight.kind,
        "subject": sight.subject,
        "shown": sight.last.shown if sight.last else None,
        "as_wanted": sight.reached_s is not None,
        "after_s": None if sight.reached_s is None else round(sight.reached_s, 1),
    }
