"""The demo's second act: a deploy faults on some events, and the faults are resubmitted to the fixed function."""

from collections.abc import Sequence

from cncbops.sandbox.inspection import fault_keys, view
from cncbops.sandbox.traffic import Event

from ._demo_stage import Stage


def play(stage: Stage, events: Sequence[Event]) -> None:
    """Let some of these events fault, and repair the view. Raises CannotRun if it is not repaired."""
    stage.step("Another hurried deploy: the listener now fails on some events")
    stage.deploy("listener_faulting")
    stage.publish(events)
    stage.say(f"it published {len(fault_keys(stage.clients))} faults and went on with the other events;")
    stage.say(f"{stage.stale()} of {len(view(stage.clients))} things are stale")

    stage.step("What is wrong?")
    stage.run(["faults", "stats", stage.contents.faults_uri])

    resubmit = ["resubmit", stage.contents.faults_uri]
    stage.step("The bug is fixed. What would a resubmission of its faults do?")
    stage.deploy("listener")
    stage.run(resubmit)
    stage.step("Do it")
    stage.run([*resubmit, "--execute"])
    stage.check_view()

    stage.step("The same again: what was delivered is not sent twice")
    stage.run([*resubmit, "--execute"])
