"""What a request asks of AWS: which operation, by the SDK's own description of the service, and on what.

Who asks, the service and the region are those of a request's signature. Understood is what is surely one of OPERATIONS,
with no parameter that it does not have. Actions, resources: AWS Service Authorization Reference.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

from botocore.model import OperationModel, ServiceModel
from botocore.session import Session

from tests.e2e.iam import Request

ACCOUNT = "000000000000"
Asked = Mapping[str, Any]
Resource = Callable[[str, Asked], str]
"""The ARN of what is asked for in a region."""


def _named(service: str, parameter: str, form: str = "{}", *, is_global: bool = False) -> Resource:
    def arn(region: str, asked: Asked) -> str:
        value: str = asked[parameter]
        return value if value.startswith("arn:") else _arn(service, "" if is_global else region, form.format(value))

    return arn


def _arn(service: str, region: str, resource: str) -> str:
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{resource}"


def _any(_region: str, _asked: Asked) -> str:
    return "*"


def _bucket(_: str, asked: Asked) -> str:
    return f"arn:aws:s3:::{asked['Bucket']}"


def _object(_: str, asked: Asked) -> str:
    return f"arn:aws:s3:::{asked['Bucket']}/{asked['Key']}"


def _function(region: str, asked: Asked) -> str:
    """By name and qualifier, which may be behind the name: Lambda compares both."""
    name = asked["FunctionName"]
    arn = name if name.startswith("arn:") else _arn("lambda", region, f"function:{name}")
    return f"{arn}:{asked['Qualifier']}" if "Qualifier" in asked else arn


def _queue(region: str, asked: Asked) -> str:
    return _arn("sqs", region, asked["QueueUrl"].rpartition("/")[2])


def _stream(region: str, asked: Asked) -> str:
    return asked.get("StreamARN") or _arn("kinesis", region, f"stream/{asked['StreamName']}")


_distribution = _named("cloudfront", "DistributionId", "distribution/{}", is_global=True)
_stack = _named("cloudformation", "StackName", "stack/{}/*")
_table = _named("dynamodb", "TableName", "table/{}")

OPERATIONS: Mapping[str, Mapping[str, tuple[str, Resource]]] = {
    "s3": {
        "ListObjectsV2": ("s3:ListBucket", _bucket),
        "GetObject": ("s3:GetObject", _object),
        "HeadObject": ("s3:GetObject", _object),
        "ListBuckets": ("s3:ListAllMyBuckets", _any),
    },
    "lambda": {
        "Invoke": ("lambda:InvokeFunction", _function),
        "GetFunctionConfiguration": ("lambda:GetFunctionConfiguration", _function),
        "GetFunctionConcurrency": ("lambda:GetFunctionConcurrency", _function),
        "GetFunctionEventInvokeConfig": ("lambda:GetFunctionEventInvokeConfig", _function),
        "ListEventSourceMappings": ("lambda:ListEventSourceMappings", _any),
        "GetEventSourceMapping": (
            "lambda:GetEventSourceMapping",
            _named("lambda", "UUID", "event-source-mapping:{}"),
        ),
        "UpdateFunctionConfiguration": ("lambda:UpdateFunctionConfiguration", _function),
        "ListFunctions": ("lambda:ListFunctions", _any),
    },
    "cloudwatch": {
        "DescribeAlarms": ("cloudwatch:DescribeAlarms", _any),
        "GetMetricData": ("cloudwatch:GetMetricData", _any),
    },
    "kinesis": {
        "DescribeStreamSummary": ("kinesis:DescribeStreamSummary", _stream),
        "GetShardIterator": ("kinesis:GetShardIterator", _stream),
        "GetRecords": ("kinesis:GetRecords", _stream),
    },
    "sqs": {
        "GetQueueUrl": ("sqs:GetQueueUrl", _named("sqs", "QueueName")),
        "GetQueueAttributes": ("sqs:GetQueueAttributes", _queue),
        "ReceiveMessage": ("sqs:ReceiveMessage", _queue),
        "ChangeMessageVisibilityBatch": ("sqs:ChangeMessageVisibility", _queue),
        "DeleteMessageBatch": ("sqs:DeleteMessage", _queue),
        "ListQueues": ("sqs:ListQueues", _any),
    },
    "dynamodb": {
        "GetItem": ("dynamodb:GetItem", _table),
        "PutItem": ("dynamodb:PutItem", _table),
        "DescribeTable": ("dynamodb:DescribeTable", _table),
        "DescribeGlobalTable": (
            "dynamodb:DescribeGlobalTable",
            _named("dynamodb", "GlobalTableName", "global-table/{}", is_global=True),
        ),
    },
    "route53": {
        "GetHealthCheck": ("route53:GetHealthCheck", lambda _, asked: _health_check(asked)),
        "GetHealthCheckStatus": ("route53:GetHealthCheckStatus", lambda _, asked: _health_check(asked)),
    },
    "cloudfront": {
        "ListDistributions": ("cloudfront:ListDistributions", _any),
        "GetDistribution": (
            "cloudfront:GetDistribution",
            _named("cloudfront", "Id", "distribution/{}", is_global=True),
        ),
        "ListInvalidations": ("cloudfront:ListInvalidations", _distribution),
        "GetInvalidation": ("cloudfront:GetInvalidation", _distribution),
        "CreateInvalidation": ("cloudfront:CreateInvalidation", _distribution),
    },
    "cloudformation": {
        "DescribeStacks": ("cloudformation:DescribeStacks", _stack),
        "DescribeStackResource": ("cloudformation:DescribeStackResource", _stack),
        "ListStacks": ("cloudformation:ListStacks", _any),
    },
    "sts": {"AssumeRole": ("sts:AssumeRole", _named("iam", "RoleArn"))},
}
FREE = {("sts", "GetCallerIdentity")}
"""Nobody needs a permission for it. Source: STS API Reference."""

_SIGNED_AS = {"monitoring": "cloudwatch"}


def _health_check(asked: Asked) -> str:
    return f"arn:aws:route53:::healthcheck/{asked['HealthCheckId']}"


@dataclass(frozen=True)
class Call:
    """A request that arrived and was understood; `who` is the access key that signed it."""

    who: str
    service: str
    operation: str
    request: Request


def understood(method: str, target: str, headers: Message, body: bytes) -> Call | None:
    """What a request asks; None if it is not surely one operation of OPERATIONS, or free."""
    signed = re.search(r"Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request", headers.get("Authorization", ""))
    if signed is None:
        return None
    who, region, signed_as = signed.groups()
    service = _SIGNED_AS.get(signed_as, signed_as)
    path, _, query = target.partition("?")
    operations = [*OPERATIONS.get(service, {}), *(name for free, name in FREE if free == service)]
    found = [
        (name, asked)
        for name in operations
        if (asked := _asked(_model(service), name, method, path, query, headers, body)) is not None
    ]
    if len(found) != 1 or "VersionId" in found[0][1]:  # of a version is another action
        return None
    ((operation, asked),) = found
    action, resource = OPERATIONS[service].get(operation, ("", _any))
    context = {"s3:prefix": asked["Prefix"]} if "Prefix" in asked else {}
    return Call(who, service, operation, Request(action, resource(region, asked), context))


@cache
def _model(service: str) -> ServiceModel:
    return Session().get_service_model(service)


def _asked(
    model: ServiceModel, operation: str, method: str, path: str, query: str, headers: Message, body: bytes
) -> Asked | None:
    """The parameters with which a request asks for an operation; None if it asks for something else."""
    if model.metadata["protocol"].startswith("rest"):
        return _in_path(_route(model.operation_model(operation)), method, path, query)
    if (method, path, query) != ("POST", "/", ""):
        return None
    if "targetPrefix" in model.metadata:
        target = f"{model.metadata['targetPrefix']}.{operation}"
        return json.loads(body) if headers.get_all("X-Amz-Target") == [target] else None
    form = parse_qsl(body.decode(), keep_blank_values=True)
    asked = dict(form)
    return asked if len(asked) == len(form) and asked.get("Action") == operation else None


@dataclass(frozen=True)
class _Route:
    method: str
    path: re.Pattern[str]
    literal: Mapping[str, str]
    names: Mapping[str, str]


def _route(operation: OperationModel) -> _Route:
    """How an operation is addressed; `names` are those of its parameters in the query."""
    path, _, literal = operation.http["requestUri"].partition("?")
    pattern = re.sub(
        r"\\\{(\w+)(\\\+)?\\\}", lambda part: f"(?P<{part[1]}>{'.+' if part[2] else '[^/]+'})", re.escape(path)
    )
    members = operation.input_shape.members if operation.input_shape else {}  # type: ignore[union-attr]
    in_query = {
        shape.serialization["name"]: name
        for name, shape in members.items()
        if shape.serialization.get("location") == "querystring"
    }
    return _Route(
        operation.http["method"], re.compile(pattern), dict(parse_qsl(literal, keep_blank_values=True)), in_query
    )


def _in_path(route: _Route, method: str, path: str, query: str) -> Asked | None:
    """Parameters of path and query: of the latter there must be no other, and each once."""
    given = parse_qsl(query, keep_blank_values=True)
    asked, match = dict(given), route.path.fullmatch(path)
    is_it = method == route.method and match and len(asked) == len(given) and route.literal.items() <= asked.items()
    if not is_it or not asked.keys() <= route.literal.keys() | route.names.keys():
        return None
    assert match
    named = {route.names[name]: value for name, value in asked.items() if name in route.names}
    return {**named, **{name: unquote(value) for name, value in match.groupdict().items()}}
