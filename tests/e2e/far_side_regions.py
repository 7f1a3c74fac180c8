"""Two regions on a far side, each with a switch that its check, its alarm and its health check follow.

The check answers 503 while the environment of its function says UNHEALTHY; the alarm goes by the last answer, as long
as the test does not make it `deaf`; the health check goes by the alarm.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.e2e.far_side_health import DENIED, HANG_UP, Call, HealthSide, Refusal, alarm, checked, health_check_of, tag
from tests.e2e.far_side_s3 import Answer

EAST, WEST = "us-east-1", "us-west-2"
CHECK = "cncb-regional-failover-check-john-check"
SECRET = "s3cret-of-the-check"
ENVIRONMENT: Mapping[str, str] = {"STAGE": "john", "SERVICE": "cncb-regional-failover-check", "API_KEY": SECRET}


class Switched:
    """One region. `environment` is its check function's, `revision` counts its changes.

    The function is `busy` with a change as long as the test says so. `refusal` answers every change, `loses_answers`
    breaks the connection once it is made, `hides` refuses to be read after a change.
    """

    def __init__(self, side: HealthSide, name: str) -> None:
        self.name = name
        self.environment = dict(ENVIRONMENT)
        self.revision = 1
        self.deaf = False
        self.busy = False
        self.loses_answers = False
        self.hides = False
        self.refusal: Refusal | None = None
        self._rings = False
        side.on("lambda.GetFunctionConfiguration", self._configuration, name)
        side.on("lambda.UpdateFunctionConfiguration", self._update, name)
        side.on("check.GET", self._check, name)
        side.on("monitoring.DescribeAlarms", self._alarms, name)

    def _configuration(self, _: Call) -> dict[str, Any] | Refusal:
        return DENIED if self.hides and self.revision > 1 else self._told()

    def _told(self) -> dict[str, Any]:
        return {
            "FunctionName": CHECK,
            "FunctionArn": f"arn:aws:lambda:{self.name}:123456789012:function:{CHECK}",
            "RevisionId": f"r-{self.revision}",
            "State": "Active",
            "LastUpdateStatus": "InProgress" if self.busy and self.revision > 1 else "Successful",
            "Environment": {"Variables": self.environment},
        }

    def _update(self, call: Call) -> dict[str, Any] | Refusal | str:
        if self.refusal:
            return self.refusal
        if call.asked.get("RevisionId") != f"r-{self.revision}":
            return Refusal("PreconditionFailedException", "The RevisionId provided does not match", 412)
        self.environment = call.asked["Environment"]["Variables"]
        self.revision += 1
        return HANG_UP if self.loses_answers else self._told()

    def _check(self, call: Call) -> Answer:
        is_out = self.environment.get("UNHEALTHY") == "true"
        self._rings = self._rings if self.deaf else is_out
        return checked(503 if is_out else 200, region=call.region)

    def _alarms(self, call: Call) -> dict[str, Any]:
        """That of the check, and any other, which is quiet."""
        states = {name: "ALARM" if self._rings and name == "api-5xx" else "OK" for name in call.asked["AlarmNames"]}
        return {"MetricAlarms": [alarm(*each) for each in states.items()], "CompositeAlarms": []}


class TwoRegions:
    """Both regions, and the file that names them."""

    def __init__(self, side: HealthSide) -> None:
        self.side = side
        self.east, self.west = Switched(side, EAST), Switched(side, WEST)
        side.on("route53.GetHealthCheck", self._health_check)

    def write_config(self, folder: Path) -> None:
        """A `cncbops.toml` with all that a failover needs of each."""
        parts = [
            f'''[health.{region}]
checks = ["{self.side.check(region)}"]
health_checks = ["hc-{region}"]
check_functions = ["{CHECK}"]
'''
            for region in (EAST, WEST)
        ]
        (folder / "cncbops.toml").write_text("".join(parts))

    @property
    def writes(self) -> int:
        """How many changes were asked for."""
        return self.side.count("lambda.UpdateFunctionConfiguration")

    def _health_check(self, call: Call) -> str:
        region = call.asked["id"].removeprefix("hc-")
        return health_check_of(
            "CLOUDWATCH_METRIC", tag("AlarmIdentifier", tag("Region", region) + tag("Name", "api-5xx"))
        )
