"""CloudFormation stacks: the names that they give to what they made. Source: CloudFormation API, `DescribeStacks`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.aws import explain

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


class Stacks:
    """The stacks of one region. Every method raises CncbopsError if CloudFormation does not answer."""

    def __init__(self, client: "CloudFormationClient") -> None:
        self._client = client

    @property
    def region(self) -> str:
        """Whose stacks they are: a stack is of one region."""
        return self._client.meta.region_name

    def outputs(self, stack: str) -> Mapping[str, str] | None:
        """A stack's outputs by key; None if there is no such stack, or nothing in it works."""
        try:
            (found,) = self._client.describe_stacks(StackName=stack)["Stacks"]
        except ClientError as error:
            if _is_missing(error):
                return None
            raise explain(error, f"look at stack {stack}") from error
        except BotoCoreError as error:
            raise explain(error, f"look at stack {stack}") from error
        if found["StackStatus"] in _NOTHING_THERE:
            return None
        return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}

    def resource(self, stack: str, logical_id: str) -> str | None:
        """The physical id of one of a stack's resources; None if there is no such stack or resource."""
        try:
            found = self._client.describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
        except ClientError as error:
            if _is_missing(error):
                return None
            raise explain(error, f"look at stack {stack}") from error
        except BotoCoreError as error:
            raise explain(error, f"look at stack {stack}") from error
        return found["StackResourceDetail"].get("PhysicalResourceId")


_NOTHING_THERE = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_COMPLETE", "REVIEW_IN_PROGRESS")
"""A stack that was never made, or is no more, still has a name."""


def _is_missing(error: ClientError) -> bool:
    """CloudFormation says by the message alone that something does not exist; the code is of any wrong request."""
    told = error.response.get("Error", {})
    return told.get("Code") == "ValidationError" and "does not exist" in told.get("Message", "")
