"""The one table of names: what the stacks of the cookbook's recipes call the things of a stage.

A stack is `{service}-{stage}`, its functions are `{service}-{stage}-{key}`; streams and tables begin with the stage.
Source: the recipes' serverless.yml files. `[stage]` of `cncbops.toml` replaces entries, see `cncbops.config.names`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

CDN = "cncb-cdn-invalidate"
DATA_LAKE = "cncb-data-lake-s3"
EVENT_STREAM = "cncb-event-stream"
FAILOVER_CHECK = "cncb-regional-failover-check"
HEALTH_CHECK = "cncb-regional-health-check"
FAULT_MONITOR = "cncb-resubmitting-faults-monitor"
REPLAYING = "cncb-replaying-events"
_DISTRIBUTIONS = (CDN, "cncb-cdn-json", "cncb-cdn-lambda", "cncb-cdn-service", "cncb-cache-control")

STAGE, REGION = "{stage}", "{region}"
PLACES = (STAGE, REGION)
"""All that is replaced in a pattern."""


@dataclass(frozen=True, slots=True)
class Name:
    """Where a name is found, as patterns: the `output`, or the `resource` (a logical id), of a `stack` is the name;
    or `text` is, where there is the `stack`, if one is given."""

    text: str | None = None
    stack: str | None = None
    output: str | None = None
    resource: str | None = None

    def at(self, stage: str, region: str) -> "Name":
        """The same of a stage in a region. Nothing else in a pattern has a meaning."""
        filled = {field: _filled(text, stage, region) for field, text in asdict(self).items() if text is not None}
        return Name(**filled)


def _filled(text: str, stage: str, region: str) -> str:
    return text.replace(STAGE, stage).replace(REGION, region)


def _output(service: str, output: str) -> Name:
    return Name(stack=f"{service}-{STAGE}", output=output)


def _function(service: str, key: str) -> Name:
    return Name(stack=f"{service}-{STAGE}", text=f"{service}-{STAGE}-{key}")


BOOK: Mapping[str, Sequence[Name]] = {
    "lake": (_output(DATA_LAKE, "DataLakeBucketName"),),
    "prefix": (_output(EVENT_STREAM, "streamName"),),
    "function": (Name(text=f"{REPLAYING}-{STAGE}-listener"),),
    "distribution": tuple(_output(service, "ApiDistributionId") for service in _DISTRIBUTIONS),
    "checks": (_output(FAILOVER_CHECK, "ServiceEndpoint"), _output(HEALTH_CHECK, "ServiceEndpoint")),
    "alarms": (Name(stack=f"{FAILOVER_CHECK}-{STAGE}", resource="Api5xxAlarm"),),
    "health_checks": (_output(FAILOVER_CHECK, "ApiHealthCheckId"),),
    "tables": (Name(stack=f"{HEALTH_CHECK}-{STAGE}", text=f"{STAGE}-{HEALTH_CHECK}-t1"),),
    "streams": (_output(EVENT_STREAM, "streamName"),),
    "functions": (_function(REPLAYING, "listener"), _function(FAULT_MONITOR, "listener")),
    "queues": (),
    "faults": (_output(FAULT_MONITOR, "BucketName"),),
    "check_functions": (_function(FAILOVER_CHECK, "check"),),
}
"""By what it names: `lake` and `prefix` are the bucket and the folder of the stream's events in it, which Firehose puts
under the stream's name; `function` is the one that events are replayed to, `distribution` the CDN's. The others are
fields of `cncbops.watched.Watched`. Of several names all that there are count; where one is wanted, the first."""


def stacks_in(table: Mapping[str, Sequence[Name]]) -> list[str]:
    """The stacks by which the names of a table are found, as patterns."""
    return sorted({name.stack for names in table.values() for name in names if name.stack})
