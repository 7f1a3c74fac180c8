"""The switch of a region: the variable of its check function that makes its check answer 503.

Only the exact text `true` counts. An update replaces the whole environment, so it is sent complete, and with the
revision that was read: whoever changed the function meanwhile is not overwritten. Only `$LATEST` changes, and the
next deploy resets it. Source: Lambda API Reference, "UpdateFunctionConfiguration"; the book's regional failover.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError

from cncbops.aws_errors import code_of, explain
from cncbops.errors import CannotRun, CncbopsError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

VARIABLE, OUT = "UNHEALTHY", "true"
IN_SERVICE = "false"
"""What the book's template gives the variable, for where nobody knows what it was."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A check function as it was read. The values of `variables` may be secrets: they are never shown."""

    region: str
    function: str
    arn: str
    revision: str
    state: str
    update_status: str
    update_reason: str | None
    environment_error: str | None
    variables: Mapping[str, str] = field(repr=False)

    @property
    def value(self) -> str | None:
        """What the variable holds, None where the function does not have it."""
        return self.variables.get(VARIABLE)

    @property
    def is_out(self) -> bool:
        """Whether the check answers 503 because of it."""
        return self.value == OUT

    def with_value(self, value: str | None) -> dict[str, str]:
        """The complete environment with the variable changed; None takes it out."""
        others = {name: held for name, held in self.variables.items() if name != VARIABLE}
        return others if value is None else {**others, VARIABLE: value}


def read_switch(client: "LambdaClient", function: str) -> Switch:
    """The switch as it is. Raises CncbopsError."""
    try:
        found: Any = client.get_function_configuration(FunctionName=function)
    except (BotoCoreError, ClientError) as error:
        raise explain(error, f"read check function {function} in {client.meta.region_name}") from error
    environment = found.get("Environment", {})
    return Switch(
        region=client.meta.region_name,
        function=function,
        arn=found["FunctionArn"],
        revision=found.get("RevisionId", ""),
        state=found.get("State", "Active"),
        update_status=found.get("LastUpdateStatus", "Successful"),
        update_reason=found.get("LastUpdateStatusReasonCode"),
        environment_error=environment.get("Error", {}).get("ErrorCode"),
        variables=environment.get("Variables", {}),
    )


def require_changeable(switch: Switch) -> None:
    """Raise CannotRun if the switch cannot be changed as things are, or not without losing something."""
    if switch.environment_error:
        what = f"the environment of {switch.function} cannot be read ({switch.environment_error})"
        raise CannotRun(what, "Ask for kms:Decrypt on its key: an update would lose its variables")
    if switch.state != "Active":
        raise CannotRun(f"{switch.function} in {switch.region} is {switch.state}", "Wait until it is Active")
    if switch.update_status == "InProgress":
        raise CannotRun(f"{switch.function} in {switch.region} is being updated", "Try again when that is done")


def set_switch(client: "LambdaClient", switch: Switch, value: str | None) -> None:
    """Ask for the change; `await_update` tells when it is made. Raises CncbopsError, which says if it may be made.

    Where no answer came the SDK asks again; the first request may have been carried out, and the second is then
    refused for its revision. So what went wrong is believed when the function does not hold what was asked for.
    Lambda's own words are not passed on: of an environment that is too large they quote all of it.
    """
    wanted = switch.with_value(value)
    asked: Any = {"FunctionName": switch.function, "Environment": {"Variables": wanted}}
    if switch.revision:
        asked["RevisionId"] = switch.revision
    try:
        client.update_function_configuration(**asked)
    except (BotoCoreError, ClientError) as error:
        if not (_may_be_made(error) and _is_made(client, switch, wanted)):
            raise _refusal(error, switch) from None


def _is_made(client: "LambdaClient", switch: Switch, wanted: Mapping[str, str]) -> bool:
    try:
        return read_switch(client, switch.function).variables == wanted
    except CncbopsError as error:
        what = f"nobody can tell whether {_place(switch)} is changed: no answer to the change, and then {error.what}"
        raise CannotRun(what, "Look at it with `cncbops failover status`, and say it again") from None


def _may_be_made(error: BotoCoreError | ClientError) -> bool:
    """Whether the request may have been carried out all the same, or an earlier one of the SDK's tries."""
    if isinstance(error, BotoCoreError):
        return not isinstance(error, NoCredentialsError | ParamValidationError)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or code_of(error) in ("PreconditionFailedException", "ResourceConflictException")


def await_update(client: "LambdaClient", function: str, pause: Callable[[], bool]) -> Switch | None:
    """The switch when Lambda has made the change; None if `pause` says that nobody waits any longer.

    `pause` waits a moment and returns whether to go on. Raises CncbopsError if the update failed.
    """
    while (switch := read_switch(client, function)).update_status == "InProgress":
        if not pause():
            return None
    if switch.update_status == "Failed":
        what = f"Lambda could not update {function} in {switch.region}: {switch.update_reason or 'no reason given'}"
        raise CannotRun(what, "Look at the function; the variable may or may not be changed")
    return switch


def _refusal(error: BotoCoreError | ClientError, switch: Switch) -> CncbopsError:
    """Why the change was not made, without a word of what is in the environment."""
    match code_of(error):
        case "PreconditionFailedException":
            what = f"{_place(switch)} was changed by somebody else just now"
            return CannotRun(what, "Look at the plan again, then try again")
        case "ResourceConflictException":
            return CannotRun(f"{_place(switch)} is being updated by somebody else", "Try again when that is done")
        case "InvalidParameterValueException":
            what = f"Lambda does not take the environment of {_place(switch)} with {VARIABLE} in it"
            return CannotRun(what, "It may hold 4 KB in all: make room in it")
        case _:
            return explain(_without_message(error), f"change check function {_place(switch)}")


def _without_message(error: BotoCoreError | ClientError) -> BotoCoreError | ClientError:
    if isinstance(error, BotoCoreError):
        return error
    message = "no more is told here, as it may quote the environment"
    return ClientError({"Error": {"Code": code_of(error), "Message": message}}, error.operation_name)


def _place(switch: Switch) -> str:
    return f"{switch.function} in {switch.region}"
