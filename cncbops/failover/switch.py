"""The switch of a region: the variable of its check function that makes its check answer 503.

Only the exact text `true` counts. An update replaces the whole environment, so it is sent complete, and with the
revision that was read: whoever changed the function meanwhile is not overwritten. Only `$LATEST` changes, and the
next deploy resets it. Source: Lambda API Reference, "UpdateFunctionConfiguration"; the book's regional failover.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.aws import explain
from cncbops.errors import CannotRun

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
    """Ask for the change; `await_update` tells when it is made. Raises CncbopsError, with nothing changed.

    The SDK asks again where no answer came; the first request may have been carried out, and the second is then
    refused for its revision. So a refusal is believed when the function does not hold what was asked for.
    """
    wanted = switch.with_value(value)
    change: Any = {"FunctionName": switch.function, "Environment": {"Variables": wanted}}
    if switch.revision:
        change["RevisionId"] = switch.revision
    try:
        client.update_function_configuration(**change)
    except ClientError as error:
        refused = _refused(error, switch)
        if refused is None:
            raise explain(error, f"change check function {switch.function} in {switch.region}") from error
        if read_switch(client, switch.function).variables != wanted:
            raise refused from error
    except BotoCoreError as error:
        raise explain(error, f"change check function {switch.function} in {switch.region}") from error


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


def _refused(error: ClientError, switch: Switch) -> CannotRun | None:
    """The refusal of a change that others were in the way of; None for any other error."""
    code = error.response.get("Error", {}).get("Code")
    where = f"{switch.function} in {switch.region}"
    if code == "PreconditionFailedException":
        return CannotRun(f"{where} was changed by somebody else just now", "Look at the plan again, then try again")
    if code == "ResourceConflictException":
        return CannotRun(f"{where} is being updated by somebody else", "Try again when that is done")
    return None
