"""The check table: can it be read, can it be written, and are its replicas in order?

The book reads and writes one item. An item that is missing is no fault: nobody may have written it yet.
Sources: the book, chapter 10; DynamoDB API Reference, `ReplicaDescription`.
"""

from typing import Any

from cncbops.health.access import RegionAccess
from cncbops.health.finding import Finding, Status

_KEY = {"id": {"S": "1"}}
_OLD_VERSION = "2017.11.29"
"""Of global tables: their replicas are told by a call of its own."""

_SERVES_ALL_THE_SAME = "UPDATING"


def read(access: RegionAccess, table: str) -> list[Finding]:
    """Read the check item. botocore's errors pass."""
    found = access.client("dynamodb").get_item(TableName=table, Key=_KEY)
    return [Finding(table, Status.ok, "the check item is read", {"item": "Item" in found})]


def write(access: RegionAccess, table: str) -> list[Finding]:
    """Write the check item anew, with nothing but its key. botocore's errors pass."""
    access.client("dynamodb").put_item(TableName=table, Item=_KEY)
    return [Finding(table, Status.ok, "the check item is written")]


def replicas(access: RegionAccess, table: str) -> list[Finding]:
    """How the table and its replicas in other regions are. botocore's errors pass."""
    client = access.client("dynamodb")
    told = client.describe_table(TableName=table)["Table"]
    statuses = {access.region: told["TableStatus"], **_replicas(client, table, told)}
    return [judge(table, access.region, statuses)]


def judge(table: str, region: str, statuses: dict[str, str]) -> Finding:
    """By the statuses of the replicas in each region: one that is broken elsewhere is no fault of this region."""
    facts = {"global": len(statuses) > 1, "replicas": statuses}
    poor = [f"{name} is {status}" for name, status in statuses.items() if status != "ACTIVE"]
    if statuses[region] not in ("ACTIVE", _SERVES_ALL_THE_SAME):
        return Finding(table, Status.fail, ", ".join(poor), facts)
    if poor:
        return Finding(table, Status.warn, ", ".join(poor), facts)
    if len(statuses) == 1:
        return Finding(table, Status.ok, "ACTIVE, no global table", facts)
    return Finding(table, Status.ok, f"ACTIVE in {', '.join(statuses)}", facts)


def _replicas(client: Any, table: str, told: Any) -> dict[str, str]:
    """The status of each replica by region, which may leave out the region that is asked."""
    if told.get("GlobalTableVersion") != _OLD_VERSION:
        return {each["RegionName"]: each["ReplicaStatus"] for each in told.get("Replicas", [])}
    description = client.describe_global_table(GlobalTableName=table)["GlobalTableDescription"]
    of_all = description.get("GlobalTableStatus", "")
    return {each["RegionName"]: each.get("ReplicaStatus", of_all) for each in description.get("ReplicationGroup", [])}
