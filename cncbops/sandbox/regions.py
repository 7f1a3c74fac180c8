"""Two regions that can each be taken out of service: a check, the alarm on its 5xx answers, a health check.

    GET /check ─▶ API ─▶ check (UNHEALTHY?) ─▶ metric 5XXError ─▶ alarm ◀─ Route 53 health check

Their stacks have the book's names. An API is reached as ServiceEndpoint says, which is a URL of the sandbox.
"""

import http.client
import json
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from cncbops.book import EVENT_STREAM, FAILOVER_CHECK, HEALTH_CHECK
from cncbops.sandbox.clients import Clients
from cncbops.sandbox.functions import ROLE_ARN, function_source
from cncbops.sandbox.server import REGION
from cncbops.sandbox.stacks import create_stack, outputs, stack_name
from cncbops.sandbox.waiting import wait_until

if TYPE_CHECKING:
    from mypy_boto3_route53.literals import CloudWatchRegionType

OTHER_REGION = "us-west-2"
REGIONS = (REGION, OTHER_REGION)
CHECK = f"{stack_name(FAILOVER_CHECK)}-check"

# As CloudFormation would have named it. It is named here, since the health check names it and comes first.
_ALARM = f"{stack_name(FAILOVER_CHECK)}-Api5xxAlarm-SANDBOX"
_TIMEOUT_S = 30.0


def seed_regions(clients: Clients) -> None:
    """Build both regions beside what the first has already; return when both are healthy and their alarms know it."""
    other = clients.of(OTHER_REGION)
    create_stack(other, EVENT_STREAM)
    for region in (clients, other):
        create_stack(region, HEALTH_CHECK)
        _create_failover_check(region)
        await_health(region, healthy=True)


def ask_check(clients: Clients) -> tuple[int, dict[str, Any]]:
    """Ask the check of a region, as anyone can: the status and what it says."""
    url = urlsplit(outputs(clients, FAILOVER_CHECK)["ServiceEndpoint"])
    # Not urllib: a proxy in the user's environment is no way to 127.0.0.1.
    connection = http.client.HTTPConnection(url.netloc, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", f"{url.path}/check")
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def alarm_state(clients: Clients) -> str:
    """Return the state of the alarm on the check's 5xx answers."""
    return clients.cloudwatch.describe_alarms(AlarmNames=[_ALARM])["MetricAlarms"][0]["StateValue"]


def await_health(clients: Clients, *, healthy: bool) -> None:
    """Ask the check until it says so, and the alarm as well. Raises CannotRun if that takes too long."""
    expected = (200, "OK") if healthy else (503, "ALARM")

    def reached() -> bool:
        status, _ = ask_check(clients)
        return (status, alarm_state(clients)) == expected

    wait_until(reached, _TIMEOUT_S, what=f"turning {clients.region} {'healthy' if healthy else 'unhealthy'}")


def _create_failover_check(clients: Clients) -> None:
    create_stack(
        clients,
        FAILOVER_CHECK,
        RoleArn=ROLE_ARN,
        CheckSource=function_source("check").read_text("utf-8"),
        ApiUrl=f"{clients.endpoint_url}/_aws/execute-api",
        AlarmName=_ALARM,
        HealthCheckId=_create_health_check(clients),
    )


def _create_health_check(clients: Clients) -> str:
    """The health check of a region. It is no resource of the stack, for the sandbox's CloudFormation makes none."""
    return clients.route53.create_health_check(
        CallerReference=f"{stack_name(FAILOVER_CHECK)}-{clients.region}",
        HealthCheckConfig={
            "Type": "CLOUDWATCH_METRIC",
            "AlarmIdentifier": {"Name": _ALARM, "Region": cast("CloudWatchRegionType", clients.region)},
            "InsufficientDataHealthStatus": "LastKnownStatus",
        },
    )["HealthCheck"]["Id"]
