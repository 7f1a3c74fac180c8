"""What a run of `cncbops health -o json` told, by region and probe."""

from typing import Any

from tests.e2e.servers import Result

REGIONS = ("us-east-1", "us-west-2")


def rows(result: Result, **wanted: str) -> list[dict[str, Any]]:
    return [row for row in result.json["rows"] if wanted.items() <= row.items()]


def statuses(result: Result, region: str) -> dict[str, str]:
    """The status of each probe in a region."""
    return {row["probe"]: row["status"] for row in rows(result, region=region)}


def verdicts(result: Result) -> dict[str, str]:
    return {region: told["verdict"] for region, told in result.json["regions"].items()}
