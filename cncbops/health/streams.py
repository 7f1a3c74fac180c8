"""A Kinesis stream. Source: Kinesis API Reference, `StreamDescriptionSummary`."""

from cncbops.health.access import RegionAccess
from cncbops.health.finding import Finding, Status

_WHY = {"ACTIVE": "ACTIVE", "UPDATING": "UPDATING: its shards change, it can be read and written"}


def stream(access: RegionAccess, name: str) -> list[Finding]:
    """How a stream is. botocore's errors pass."""
    told = access.client("kinesis").describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    state = told["StreamStatus"]
    facts = {"state": state, "open_shards": told.get("OpenShardCount")}
    return [Finding(name, Status.ok if state in _WHY else Status.fail, _WHY.get(state, state), facts)]
