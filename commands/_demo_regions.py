"""The demo's third act: a region turns unhealthy and is put right, and a view that changed is cleared from the CDN."""

from cncbops.sandbox.cdn import VIEW_BUCKET, put_view
from cncbops.sandbox.regions import CHECK, OTHER_REGION, REGIONS, alarm_state, check_environment, turn
from cncbops.sandbox.stacks import STAGE

from ._demo_stage import Stage
from ._screen import NOT_HEALTHY

_VIEW = "things/thing-1"


def play(stage: Stage) -> None:
    """Lose a region and get it back, then have the CDN fetch a view anew. Raises CannotRun if one of it fails."""
    health = ["health", *REGIONS, "--stage", STAGE]
    stage.step("One of two regions turns unhealthy. Which, and why?")
    _turn(stage, healthy=False)
    stage.run(health, expected=NOT_HEALTHY)
    stage.step("It is put right")
    _turn(stage, healthy=True)
    stage.run(health)

    invalidate = ["invalidate", "--stage", STAGE, f"/{_VIEW}"]
    stage.step("A view has changed, but the CDN still serves the old one. What would clear it?")
    stage.type(f"aws s3 cp thing-1.json s3://{VIEW_BUCKET}/{_VIEW}")
    put_view(stage.clients, _VIEW, "blue again")
    stage.run(invalidate)
    stage.step("Do it")
    stage.run([*invalidate, "--execute", "--wait"])


def _turn(stage: Stage, *, healthy: bool) -> None:
    region = stage.clients.of(OTHER_REGION)
    variables = ",".join(f"{name}={value}" for name, value in check_environment(region, healthy=healthy).items())
    command = f"aws lambda update-function-configuration --region {OTHER_REGION} --function-name {CHECK}"
    stage.type(f"{command} --environment 'Variables={{{variables}}}'")
    turn(region, healthy=healthy)
    stage.say(f"the alarm on the region's check is {alarm_state(region)}")
