"""The demo's third act: a region is taken out of service and put back, and a changed view is cleared from the CDN."""

from cncbops.sandbox.cdn import VIEW_BUCKET, put_view
from cncbops.sandbox.regions import OTHER_REGION, REGIONS
from cncbops.sandbox.server import REGION
from cncbops.sandbox.stacks import STAGE

from ._demo_stage import Stage
from ._ending import NOT_HEALTHY

_VIEW = "things/thing-1"


def play(stage: Stage) -> None:
    """Take a region out and put it back, then have the CDN fetch a view anew. Raises CannotRun if one of it fails."""
    out = ["failover", "out", OTHER_REGION, "--other", REGION, "--stage", STAGE]
    stage.step("One of two regions is slow. Who would carry its traffic?")
    stage.run(out)
    stage.step("Take it out of service")
    stage.run([*out, "--reason", "slow since noon", "--execute"])
    stage.step("Is each region fit to serve?")
    stage.run(["health", *REGIONS, "--stage", STAGE], expected=NOT_HEALTHY)
    stage.step("It is well again: put it back")
    stage.run(["failover", "back", OTHER_REGION, "--stage", STAGE, "--execute"])
    _clear_a_view(stage)


def _clear_a_view(stage: Stage) -> None:
    invalidate = ["invalidate", "--stage", STAGE, f"/{_VIEW}"]
    stage.step("A view has changed, but the CDN still serves the old one. What would clear it?")
    stage.type(f"aws s3 cp thing-1.json s3://{VIEW_BUCKET}/{_VIEW}")
    put_view(stage.clients, _VIEW, "blue again")
    stage.run(invalidate)
    stage.step("Do it")
    stage.run([*invalidate, "--execute", "--wait"])
