"""The function that records are sent to, and the facts an engineer would check beforehand.

A fact that may not be read is left out and named in `unchecked`; only a function that does not
exist, or cannot take records, ends the run.
"""

import difflib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.aws import Aws
from cncbops.aws_errors import code_of, explain
from cncbops.errors import BadInput, CannotRun
from cncbops.execution.arenas import share_one_arena
from cncbops.function_name import FunctionName

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class NoSuchFunction(CannotRun):
    """There is no such function."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """An event source mapping of the function. Source: AWS Lambda API Reference."""

    uuid: str
    source_arn: str
    enabled: bool
    batch_size: int
    bisect: bool
    partial_responses: bool
    filters: tuple[str, ...]
    tumbling_window_s: int
    on_failure: str | None

    @property
    def is_kinesis(self) -> bool:
        """Whether the mapping reads a Kinesis stream."""
        return ":kinesis:" in self.source_arn


_ITS_CONFIGURATION, _ITS_DESTINATION = "its configuration", "its on-failure destination"


@dataclass(slots=True)
class Target:
    """A function and what is known of it; None and `unchecked` where it could not be read."""

    function: FunctionName
    arn: str | None = None
    role_arn: str | None = None
    state: str | None = None
    update_status: str | None = None
    last_modified: str | None = None
    timeout_s: int | None = None
    version: str | None = None
    code_sha256: str | None = None
    reserved_concurrency: int | None = None
    dead_letter: str | None = None
    on_failure: str | None = None
    may_invoke: bool | None = None
    mappings: list[Mapping] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)

    @property
    def deployed_ms(self) -> int | None:
        """When its code or configuration was last changed, in ms; None where that is not known."""
        try:
            return int(datetime.fromisoformat(self.last_modified or "").timestamp() * 1000)
        except ValueError:
            return None

    @property
    def loses_failures(self) -> bool:
        """Whether nothing takes what Lambda gives up of asynchronous invocations, as far as that could be read."""
        is_read = not {_ITS_CONFIGURATION, _ITS_DESTINATION}.intersection(self.unchecked)
        return is_read and not (self.dead_letter or self.on_failure)

    @property
    def mapping(self) -> Mapping | None:
        """The mapping to imitate: the function's first Kinesis one, an enabled one before others."""
        kinesis = [mapping for mapping in self.mappings if mapping.is_kinesis]
        return next((mapping for mapping in kinesis if mapping.enabled), kinesis[0] if kinesis else None)


def inspect(aws: Aws, function: FunctionName) -> Target:
    """Read what AWS says of the function; raises NoSuchFunction, or BadInput where the name is a stream's."""
    aws = aws.in_region(function.region)
    target, client = Target(function), aws.lambda_(pool=_LOOKS)
    qualified = {"Qualifier": function.qualifier} if function.qualifier else {}
    name = {"FunctionName": function.address}
    looks: dict[str, Callable[[], None]] = {
        _ITS_CONFIGURATION: lambda: _configuration(target, client.get_function_configuration(**name, **qualified)),
        "its reserved concurrency": lambda: _concurrency(target, client.get_function_concurrency(**name)),
        "its event source mappings": lambda: _mappings(target, client),
        _ITS_DESTINATION: lambda: _destination(target, client, {**name, **qualified}),
        "the permission to invoke it": lambda: _permission(target, client, {**name, **qualified}),
    }
    share_one_arena()  # else what these threads had is taken by others that come later: 16 MB more of a whole replay
    for fact, refusal in zip(looks, _side_by_side([*looks.values()]), strict=True):
        if refusal:
            _note(fact, refusal, target, aws, client)
    return target


_LOOKS = 5
"""At AWS, side by side: each is a round trip, and a run waits for them."""
_LEFT_UNCHECKED = ("AccessDenied", "AccessDeniedException", "TooManyRequestsException")
"""Not allowed, or not now: a busy function throttles the look at its permission as well."""


def _side_by_side(looks: Sequence[Callable[[], None]]) -> Sequence[Exception | None]:
    """What came of each look. Its threads are waited for by nobody who was interrupted: a call may hang for minutes."""
    refusals: list[Exception | None] = [None] * len(looks)

    def take(at: int, look: Callable[[], None]) -> None:
        try:
            look()
        except Exception as error:  # noqa: BLE001  raised where all have come to their end
            refusals[at] = error

    threads = [threading.Thread(target=take, args=each, name="look", daemon=True) for each in enumerate(looks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return refusals


def _note(fact: str, refusal: Exception, target: Target, aws: Aws, client: "LambdaClient") -> None:
    """Leave a fact unchecked that AWS does not tell. Raises CncbopsError where nothing can be told, or sent."""
    if not isinstance(refusal, (ClientError, BotoCoreError)):
        raise refusal
    code = code_of(refusal) if isinstance(refusal, ClientError) else None
    if code == "ResourceNotFoundException":
        raise _no_such_function(target.function, aws, client) from refusal
    if code not in _LEFT_UNCHECKED:
        raise explain(refusal, f"look at function {target.function}") from refusal
    target.unchecked.append(fact)


def _configuration(target: Target, found: Any) -> None:
    target.arn = found.get("FunctionArn")
    target.role_arn = found.get("Role")
    target.state = found.get("State")
    target.update_status = found.get("LastUpdateStatus")
    target.last_modified = found.get("LastModified")
    target.timeout_s = found.get("Timeout")
    target.version = found.get("Version")
    target.code_sha256 = found.get("CodeSha256")
    target.dead_letter = found.get("DeadLetterConfig", {}).get("TargetArn")


def _concurrency(target: Target, found: Any) -> None:
    target.reserved_concurrency = found.get("ReservedConcurrentExecutions")


def _permission(target: Target, client: "LambdaClient", address: dict[str, Any]) -> None:
    """Lambda says by a dry run of the invocation whether it would be allowed."""
    try:
        client.invoke(InvocationType="DryRun", **address)
    except ClientError as error:
        if code_of(error) != "AccessDeniedException":
            raise
        target.may_invoke = False
    else:
        target.may_invoke = True


def _destination(target: Target, client: "LambdaClient", address: dict[str, Any]) -> None:
    try:
        found = client.get_function_event_invoke_config(**address)
    except ClientError as error:  # a client's own exceptions take as long to be made as the call
        if code_of(error) != "ResourceNotFoundException":
            raise
        return
    target.on_failure = found.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")


def _mappings(target: Target, client: "LambdaClient") -> None:
    function = target.function
    address = f"{function.address}:{function.qualifier}" if function.qualifier else function.address
    pages = client.get_paginator("list_event_source_mappings").paginate(FunctionName=address)
    for page in pages:
        target.mappings += [_mapping(target, client, found) for found in page["EventSourceMappings"]]


def _mapping(target: Target, client: "LambdaClient", found: Any) -> Mapping:
    return Mapping(
        uuid=found.get("UUID", ""),
        source_arn=found.get("EventSourceArn", ""),
        enabled=found.get("State") in ("Enabled", "Enabling", "Creating", "Updating"),
        batch_size=found.get("BatchSize", 100),
        bisect=bool(found.get("BisectBatchOnFunctionError")),
        partial_responses="ReportBatchItemFailures" in (found.get("FunctionResponseTypes") or []),
        filters=_filters(target, client, found),
        tumbling_window_s=found.get("TumblingWindowInSeconds") or 0,
        on_failure=(found.get("DestinationConfig") or {}).get("OnFailure", {}).get("Destination"),
    )


def _filters(target: Target, client: "LambdaClient", found: Any) -> tuple[str, ...]:
    """A mapping's filter patterns; a listing leaves them out where they are encrypted."""
    criteria = found.get("FilterCriteria")
    if criteria is None and found.get("KMSKeyArn"):
        criteria = client.get_event_source_mapping(UUID=found["UUID"]).get("FilterCriteria")
        if criteria is None:
            target.unchecked.append("its mapping's filters, which are encrypted")
    return tuple(each["Pattern"] for each in (criteria or {}).get("Filters", []) if each.get("Pattern"))


def _no_such_function(function: FunctionName, aws: Aws, client: "LambdaClient") -> NoSuchFunction | BadInput:
    """The error for a missing function, with what may have been meant."""
    if _is_stream(aws, function.name):
        return BadInput(
            f"{function} is a Kinesis stream, not a function",
            "Replay calls one function directly; name one of the stream's consumers",
        )
    what = f"there is no function {function} in {client.meta.region_name}"
    close = difflib.get_close_matches(function.name, _function_names(client), n=3)
    hint = f"Did you mean {' or '.join(close)}? Check also" if close else "Check the name, and"
    return NoSuchFunction(what, f"{hint} the account and region in use")


def _is_stream(aws: Aws, name: str) -> bool:
    try:
        aws.kinesis().describe_stream_summary(StreamName=name)
    except (BotoCoreError, ClientError):
        return False
    return True


def _function_names(client: "LambdaClient") -> list[str]:
    try:
        pages = client.get_paginator("list_functions").paginate(PaginationConfig={"MaxItems": 500})
        return [found["FunctionName"] for page in pages for found in page["Functions"]]
    except (BotoCoreError, ClientError):
        return []
