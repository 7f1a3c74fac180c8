"""The sandbox's regions: each has a check of its own, and an alarm and a health check that go by it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from cncbops.sandbox.clients import Clients, connect
from cncbops.sandbox.functions import reconfigure
from cncbops.sandbox.regions import CHECK, FAILOVER_CHECK, REGIONS, alarm_state, ask_check, await_health, seed_regions
from cncbops.sandbox.server import running
from cncbops.sandbox.stacks import outputs

pytestmark = pytest.mark.rehearsal

STACK = "cncb-regional-failover-check-john"
TABLE = "john-cncb-regional-health-check-t1"
Regions = dict[str, Clients]
# As any other process asks: no keys, no signature, nothing but HTTP.
ASK = (
    "import sys, urllib.request as r; answer = r.build_opener(r.ProxyHandler({})).open(sys.argv[1]); "
    "print(answer.status, answer.headers['Cache-Control'], answer.headers['Content-Type']); "
    "print(answer.read().decode())"
)


@pytest.fixture(scope="module")
def regions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Regions]:
    """The clients of each region of a sandbox, by its name."""
    with running(tmp_path_factory.mktemp("sandbox")) as server:
        clients = connect(server.endpoint_url)
        seed_regions(clients)
        yield {region: clients.of(region) for region in REGIONS}


def environment_of(clients: Clients) -> dict[str, str]:
    return clients.lambda_.get_function_configuration(FunctionName=CHECK)["Environment"]["Variables"]


def physical_id(clients: Clients, logical_id: str) -> str:
    found = clients.cloudformation.describe_stack_resource(StackName=STACK, LogicalResourceId=logical_id)
    return found["StackResourceDetail"]["PhysicalResourceId"]


def states(regions: Regions) -> dict[str, tuple[int, str]]:
    return {region: (ask_check(clients)[0], alarm_state(clients)) for region, clients in regions.items()}


def test_there_are_two_regions_and_both_are_healthy(regions: Regions) -> None:
    assert states(regions) == {"us-east-1": (200, "OK"), "us-west-2": (200, "OK")}


@pytest.mark.parametrize("region", REGIONS)
def test_the_check_of_each_region_answers_any_process_with_its_own_region(regions: Regions, region: str) -> None:
    endpoint = outputs(regions[region], FAILOVER_CHECK)["ServiceEndpoint"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    command = [sys.executable, "-c", ASK, f"{endpoint}/check"]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said[0] == "200 no-cache, no-store, must-revalidate application/json"
    body = json.loads(said[1])
    assert set(body) == {"timestamp", "region"}
    assert body["region"] == region
    assert body["timestamp"] > 1_700_000_000_000


@pytest.mark.parametrize("region", REGIONS)
def test_what_a_region_consists_of_is_found_by_its_stacks(regions: Regions, region: str) -> None:
    clients = regions[region]
    assert physical_id(clients, "CheckLambdaFunction") == CHECK == "cncb-regional-failover-check-john-check"
    health_check = outputs(clients, FAILOVER_CHECK)["ApiHealthCheckId"]
    config = clients.route53.get_health_check(HealthCheckId=health_check)["HealthCheck"]["HealthCheckConfig"]
    assert config == {
        "Type": "CLOUDWATCH_METRIC",
        "AlarmIdentifier": {"Name": physical_id(clients, "Api5xxAlarm"), "Region": region},
        "InsufficientDataHealthStatus": "LastKnownStatus",
    }
    assert clients.dynamodb.get_item(TableName=TABLE, Key={"id": {"S": "1"}}).get("Item") is None
    assert outputs(clients, "cncb-regional-health-check") == {}


def test_the_tables_of_the_regions_are_not_the_same(regions: Regions) -> None:
    first, second = regions.values()
    first.dynamodb.put_item(TableName=TABLE, Item={"id": {"S": "first"}})
    assert "Item" in first.dynamodb.get_item(TableName=TABLE, Key={"id": {"S": "first"}})
    assert "Item" not in second.dynamodb.get_item(TableName=TABLE, Key={"id": {"S": "first"}})


def test_a_region_turns_unhealthy_alone_and_healthy_again(regions: Regions) -> None:
    first, second = REGIONS
    before = environment_of(regions[second])
    assert before == {"STAGE": "john", "SERVICE": "cncb-regional-failover-check"}

    reconfigure(regions[second], CHECK, {**before, "UNHEALTHY": "true"})
    await_health(regions[second], healthy=False)
    assert states(regions) == {first: (200, "OK"), second: (503, "ALARM")}
    assert ask_check(regions[second])[1]["region"] == second

    reconfigure(regions[second], CHECK, before)
    await_health(regions[second], healthy=True)
    assert states(regions) == {first: (200, "OK"), second: (200, "OK")}


@pytest.mark.parametrize("text", ["True", "1", "false", ""])
def test_only_the_exact_text_makes_a_region_unhealthy(regions: Regions, text: str) -> None:
    clients = regions[REGIONS[0]]
    before = environment_of(clients)
    reconfigure(clients, CHECK, {**before, "UNHEALTHY": text})
    assert ask_check(clients)[0] == 200
    reconfigure(clients, CHECK, before)
