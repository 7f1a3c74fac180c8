"""Events through the whole pipeline: published, in the lake, and taken by the listener; its faults stored."""

from collections.abc import Sequence

from cncbops.sandbox.clients import Clients
from cncbops.sandbox.functions import deploy, function_source
from cncbops.sandbox.inspection import drained, fault_keys, faults_published, lake_keys
from cncbops.sandbox.seed import LISTENER
from cncbops.sandbox.traffic import Event, publish
from cncbops.sandbox.waiting import wait_until

TIMEOUT_S = 30.0


def run_through(clients: Clients, events: Sequence[Event]) -> None:
    """Publish events, and return when the lake holds them, the listener has had them, and its faults are stored.

    Raises CannotRun if one of these takes too long.
    """
    in_lake, faults_before = len(lake_keys(clients)), faults_published(clients)
    positions = publish(clients, events)
    wait_until(lambda: drained(clients, positions), TIMEOUT_S, what="draining the stream")
    faults = faults_published(clients)
    in_lake += len(events) + faults - faults_before
    wait_until(lambda: len(lake_keys(clients)) == in_lake, TIMEOUT_S, what="filling the lake")
    wait_until(lambda: len(fault_keys(clients)) == faults, TIMEOUT_S, what="storing the faults")


def run_through_an_incident(clients: Clients, events: Sequence[Event]) -> None:
    """Run events through a listener that faults on some of them, and deploy the fixed one when they are stored."""
    deploy(clients, LISTENER, function_source("listener_faulting"))
    run_through(clients, events)
    deploy(clients, LISTENER, function_source("listener"))
