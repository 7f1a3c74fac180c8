"""CloudFormation stacks: the names that they give to what they made. Source: CloudFormation API, `DescribeStacks`."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.aws_errors import explain

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

Answer = TypeVar("Answer")


class Stacks:
    """The stacks of one region. Every method raises CncbopsError if CloudFormation does not answer."""

    def __init__(self, client: "CloudFormationClient") -> None:
        self._client = client
        self._told: dict[str, Mapping[str, str] | None] = {}

    @property
    def region(self) -> str:
        """Whose stacks they are: a stack is of one region."""
        return self._client.meta.region_name

    def outputs(self, stack: str) -> Mapping[str, str] | None:
        """A stack's outputs by key, asked for once; None if there is no such stack, or nothing in it works."""
        if stack not in self._told:
            self._told[stack] = self._outputs(stack)
        return self._told[stack]

    def resource(self, stack: str, logical_id: str) -> str | None:
        """The physical id of one of a stack's resources; None if there is no such stack or resource."""
        names = {"StackName": stack, "LogicalResourceId": logical_id}
        told = _told(stack, lambda: self._client.describe_stack_resource(**names)["StackResourceDetail"])
        return told.get("PhysicalResourceId") if told else None

    def _outputs(self, stack: str) -> Mapping[str, str] | None:
        told = _told(stack, lambda: self._client.describe_stacks(StackName=stack)["Stacks"][0])
        if told is None or told["StackStatus"] in _NOTHING_THERE:
            return None
        return {each["OutputKey"]: each["OutputValue"] for each in told.get("Outputs", [])}


def _told(stack: str, ask: Callable[[], Answer]) -> Answer | None:
    """What CloudFormation tells of a stack; None if it says that there is no such thing. Raises CncbopsError."""
    try:
        return ask()
    except (ClientError, BotoCoreError) as error:
        if _is_missing(error):
            return None
        raise explain(error, f"look at stack {stack}") from error


_NOTHING_THERE = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_COMPLETE", "REVIEW_IN_PROGRESS")
"""A stack that was never made, or is no more, still has a name."""


def _is_missing(error: ClientError | BotoCoreError) -> bool:
    """CloudFormation says by the message alone that something does not exist; the code is of any wrong request."""
    told = error.response.get("Error", {}) if isinstance(error, ClientError) else {}
    return told.get("Code") == "ValidationError" and "does not exist" in told.get("Message", "")
