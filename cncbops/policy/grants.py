"""On what an action is allowed, from names: ARNs, and prefixes in a bucket.

Source of the forms: AWS Service Authorization Reference, "Resource types defined by …".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cncbops.function_name import FunctionName
from cncbops.inventory.listed import inventory_in
from cncbops.inventory.manifest import place_of
from cncbops.lake.sources import S3Source, parse_source
from cncbops.policy.named import ANY, ANY_PLACE, Named
from cncbops.queues.source import SCHEME, QueueSource, parse_queue


@dataclass(frozen=True)
class Grant:
    """Resources by ARN; of buckets also patterns of the prefixes under which alone they may be listed."""

    resources: Sequence[str]
    prefixes: Sequence[str] = ()


def everything(_: Named) -> list[Grant]:
    """For actions that know no resources."""
    return [Grant([ANY])]


def buckets(named: Named) -> list[Grant]:
    """The buckets of the sources, to be listed under their prefixes."""
    return _listed(named.sources, named.region)


def objects(named: Named) -> list[Grant]:
    """The objects of the sources."""
    partition = _partition(named.region)
    return _on(f"arn:{partition}:s3:::{place.bucket}/{_literal(place.prefix)}*" for place in named.sources)


def inventories(named: Named) -> list[Grant]:
    """The S3 Inventory that the sources are listed from: its manifests, a folder each, and the data files beside."""
    uri = inventory_in(named.sources)
    if uri is None:
        return []
    place = place_of(uri)
    folders = place.prefix.split("/")[:-2]
    inside = "".join(f"{folder}/" for folder in folders)
    return _on([f"arn:{_partition(named.region)}:s3:::{place.bucket}/{_literal(inside)}*"])


def functions(named: Named) -> list[Grant]:
    """The functions, each with the qualifier under which it is called: Lambda compares both."""
    return _on(_function(each, named) + (f":{each.qualifier}" if each.qualifier else "") for each in named.functions)


def whole_functions(named: Named) -> list[Grant]:
    """The same for calls that know no qualifier."""
    return _on(_function(each, named) for each in named.functions)


def mappings_listed(named: Named) -> list[Grant]:
    """The event source mappings of the functions: a list of them knows no resources."""
    return everything(named) if named.functions else []


def mappings_encrypted(named: Named) -> list[Grant]:
    """Those whose filters are encrypted: what they are called is known to Lambda alone."""
    if not (named.functions and named.keys):
        return []
    return _on(
        _arn(named, "lambda", each.region, each.account, f"event-source-mapping:{ANY}") for each in named.functions
    )


def streams(named: Named) -> list[Grant]:
    """Kinesis streams that faults may name."""
    return _on(_arn(named, "kinesis", None, None, f"stream/{each}") for each in named.streams)


def queues(named: Named) -> list[Grant]:
    """The queues that are sources."""
    return _on(_queue(each, named) for each in named.queues)


def queues_by_name(named: Named) -> list[Grant]:
    """Those whose URL is not typed, and so has to be asked for."""
    return _on(_queue(each, named) for each in named.queues if each.url is None)


def distribution(named: Named) -> list[Grant]:
    """The distribution. CloudFront is of no region."""
    if named.distribution is None:
        return []
    return _on([_arn(named, "cloudfront", "", None, f"distribution/{named.distribution}")])


def distributions(named: Named) -> list[Grant]:
    """All of them, where one is to be looked up."""
    return everything(named) if named.looks_up else []


def stacks(named: Named) -> list[Grant]:
    """Stacks that are asked for their outputs."""
    return _stacks(named, named.stacks)


def stack_resources(named: Named) -> list[Grant]:
    """Stacks that are asked for a resource."""
    return _stacks(named, named.resources)


def functions_listed(named: Named) -> list[Grant]:
    """All functions, where one is looked for by a part of its name."""
    return everything(named) if named.finds_function else []


def alarms(named: Named) -> list[Grant]:
    """CloudWatch tells of composite alarms only where all may be described. Source: API Reference, DescribeAlarms."""
    return everything(named) if named.alarms else []


def watched_alarms(named: Named) -> list[Grant]:
    """The same for what is watched: a health check of Route 53 may follow an alarm."""
    watched = [*named.watched("alarms"), *named.watched("health_checks")]
    return everything(named) if watched else []


def health_checks(named: Named) -> list[Grant]:
    """Route 53's health checks, which are of no region and no account."""
    return _on(
        f"arn:{_partition(region)}:route53:::healthcheck/{_literal(each)}"
        for region, each in named.watched("health_checks")
    )


def tables(named: Named) -> list[Grant]:
    """The check tables."""
    return _on(
        _arn(named, "dynamodb", region, None, f"table/{_literal(each)}") for region, each in named.watched("tables")
    )


def global_tables(named: Named) -> list[Grant]:
    """The same as global tables of the first version (2017.11.29), whose replicas are told by a call of its own."""
    return _on(
        _arn(named, "dynamodb", "", None, f"global-table/{_literal(each)}") for _, each in named.watched("tables")
    )


def watched_streams(named: Named) -> list[Grant]:
    """The streams that are watched."""
    return _on(
        _arn(named, "kinesis", region, None, f"stream/{_literal(each)}") for region, each in named.watched("streams")
    )


def watched_functions(named: Named) -> list[Grant]:
    """The functions that are watched."""
    return _watched_functions(named, "functions")


def metrics(named: Named) -> list[Grant]:
    """The metrics of the functions that are watched: CloudWatch knows no resources of metrics."""
    return everything(named) if list(named.watched("functions")) else []


def check_functions(named: Named) -> list[Grant]:
    """The functions behind check endpoints."""
    return _watched_functions(named, "check_functions")


def switched_functions(named: Named) -> list[Grant]:
    """Those of the region that a failover is about."""
    switched = {region: each for region, each in named.regions.items() if named.switched in (region, ANY)}
    return check_functions(replace(named, regions=switched))


def watched_queues(named: Named) -> list[Grant]:
    """The queues that are watched."""
    return _on(_queue(queue, named, region) for region, queue in _queues_watched(named))


def watched_queues_by_name(named: Named) -> list[Grant]:
    """Those whose URL is not typed."""
    return _on(_queue(queue, named, region) for region, queue in _queues_watched(named) if queue.url is None)


def watched_faults(named: Named) -> list[Grant]:
    """The buckets of fault objects that are watched, to be listed."""
    places = [ANY_PLACE if each == ANY else parse_source(each) for _, each in named.watched("faults")]
    return _listed([place for place in places if isinstance(place, S3Source)], next(iter(named.regions), ANY))


def keys(named: Named) -> list[Grant]:
    """The KMS keys that are named."""
    return _on(named.keys)


def _on(resources: Iterable[str]) -> list[Grant]:
    each_once = list(dict.fromkeys(resources))
    return [Grant(each_once)] if each_once else []


def _listed(places: Iterable[S3Source], region: str) -> list[Grant]:
    """Buckets with the prefixes under which they may be listed; those with the same ones together."""
    prefixes: dict[str, list[str]] = {}
    for place in places:
        prefixes.setdefault(place.bucket, []).append(f"{_literal(place.prefix)}*")
    together: dict[tuple[str, ...], list[str]] = {}
    for bucket, patterns in prefixes.items():
        arn = f"arn:{_partition(region)}:s3:::{bucket}"
        together.setdefault(() if "*" in patterns else tuple(patterns), []).append(arn)
    return [Grant(arns, patterns) for patterns, arns in together.items()]


def _function(function: FunctionName, named: Named) -> str:
    return _arn(named, "lambda", function.region, function.account, f"function:{function.name}")


def _watched_functions(named: Named, field: str) -> list[Grant]:
    return _on(
        _arn(named, "lambda", region, None, f"function:{_literal(each)}") for region, each in named.watched(field)
    )


def _stacks(named: Named, stacks: Iterable[tuple[str, str]]) -> list[Grant]:
    """A stack's ARN ends with an id of its own."""
    return _on(_arn(named, "cloudformation", region, None, f"stack/{stack}/*") for region, stack in stacks)


def _queues_watched(named: Named) -> Iterable[tuple[str, QueueSource]]:
    for region, each in named.watched("queues"):
        yield region, QueueSource(ANY) if each == ANY else parse_queue(SCHEME + each.removeprefix(SCHEME))


def _queue(queue: QueueSource, named: Named, region: str | None = None) -> str:
    return _arn(named, "sqs", queue.region or region, queue.account, queue.name)


def _arn(named: Named, service: str, region: str | None, account: str | None, resource: str) -> str:
    """The ARN of what is named like that in a region, by default the one in force, and an account."""
    where = named.region if region is None else region
    return f"arn:{_partition(where or named.region)}:{service}:{where}:{account or named.account}:{resource}"


def _partition(region: str) -> str:
    """The partition of a region. Source: AWS General Reference, "Amazon Resource Names (ARNs)"."""
    beginnings = {"cn-": "aws-cn", "us-gov-": "aws-us-gov", "eusc-": "aws-eusc"}
    return next((partition for beginning, partition in beginnings.items() if region.startswith(beginning)), "aws")


_NOT_IN_A_POLICY = 0x100
"""A policy document takes Latin-1. Source: IAM API Reference, PutRolePolicy."""


def _literal(text: str) -> str:
    """Text in a resource or a pattern that stands for itself: what IAM takes for a wildcard or a variable is escaped.

    A character that no policy may hold becomes a wildcard. Source: IAM User Guide, "IAM policy elements: Variables
    and tags".
    """
    if text == ANY:
        return text
    escaped = (f"${{{each}}}" if each in "*?$" else each for each in text)
    return "".join("*" if ord(each[0]) >= _NOT_IN_A_POLICY else each for each in escaped)
