"""The demo's first act: a deploy loses events without an error, and a replay from the lake brings them back."""

from collections.abc import Sequence
from datetime import UTC, datetime

from cncbops.sandbox.inspection import view
from cncbops.sandbox.seed import LISTENER
from cncbops.sandbox.traffic import Event

from ._demo_stage import Stage


def play(stage: Stage, events: Sequence[Event]) -> None:
    """Lose these events, and repair the view. Raises CannotRun if it is not repaired."""
    stage.step("A hurried deploy: the listener now swallows what it should handle")
    stage.deploy("listener_broken")
    stage.publish(events)
    stage.say(f"no error anywhere, but {stage.stale()} of {len(view(stage.clients))} things are stale")

    stage.step("The bug is fixed, but its events are gone from the stream")
    stage.deploy("listener")
    stage.say(f"still {stage.stale()} things are stale")

    since = datetime.fromtimestamp(int(events[0]["timestamp"]) / 1000, UTC)
    chosen = ["--type", "thing-*", "--from", f"{since:%Y-%m-%dT%H:%M:%SZ}"]
    replay = ["replay", stage.contents.lake_uri, "-f", LISTENER, *chosen]
    stage.step("What would a replay of that time do?")
    stage.run(replay)
    stage.step("Do it")
    stage.run([*replay, "--execute"])
    stage.check_view()
