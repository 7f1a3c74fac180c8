"""Events through the whole pipeline: published, in the lake, and taken by the listener."""

from collections.abc import Sequence

from cncbops.sandbox.clients import Clients
from cncbops.sandbox.inspection import drained, lake_keys
from cncbops.sandbox.traffic import Event, publish
from cncbops.sandbox.waiting import wait_until

TIMEOUT_S = 30.0


def run_through(clients: Clients, events: Sequence[Event]) -> None:
    """Publish events, and return when the lake holds them and the listener has had them.

    Raises CannotRun if either takes too long.
    """
    before = len(lake_keys(clients))
    positions = publish(clients, events)
    wait_until(lambda: len(lake_keys(clients)) == before + len(events), TIMEOUT_S, what="filling the lake")
    wait_until(lambda: drained(clients, positions), TIMEOUT_S, what="draining the stream")
