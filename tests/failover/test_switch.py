"""The switch of a region: read whole, changed in one variable, and never over somebody else's change."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from cncbops.errors import CannotRun, CncbopsError
from cncbops.failover.switch import Switch, await_update, read_switch, require_changeable, set_switch

FUNCTION = "cncb-regional-failover-check-john-check"
ENVIRONMENT = {"STAGE": "john", "API_KEY": "s3cret", "UNHEALTHY": "false"}


@pytest.fixture
def client() -> Any:
    return boto3.client("lambda", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")


@pytest.fixture
def aws(client: Any) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def answered(aws: Stubber, variables: dict[str, str] | None = None, **members: Any) -> None:
    """Let the next GetFunctionConfiguration answer with this environment."""
    answer = {
        "FunctionName": FUNCTION,
        "FunctionArn": f"arn:aws:lambda:us-east-1:123456789012:function:{FUNCTION}",
        "RevisionId": "r-1",
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "Environment": {"Variables": ENVIRONMENT if variables is None else variables},
        **members,
    }
    aws.add_response("get_function_configuration", answer, {"FunctionName": FUNCTION})


def asked_for(variables: dict[str, str]) -> dict[str, Any]:
    return {"FunctionName": FUNCTION, "Environment": {"Variables": variables}, "RevisionId": "r-1"}


def read(aws: Stubber, client: Any, variables: dict[str, str] | None = None, **members: Any) -> Switch:
    answered(aws, variables, **members)
    return read_switch(client, FUNCTION)


@pytest.mark.parametrize(("value", "out"), [("true", True), ("True", False), ("1", False), ("false", False)])
def test_only_the_exact_text_true_takes_a_region_out(aws: Stubber, client: Any, value: str, out: bool) -> None:
    switch = read(aws, client, {"UNHEALTHY": value})
    assert (switch.value, switch.is_out) == (value, out)


def test_a_function_without_the_variable_is_in_service_and_the_secrets_of_its_others_are_not_shown(
    aws: Stubber, client: Any
) -> None:
    switch = read(aws, client, {"API_KEY": "s3cret"})
    assert (switch.value, switch.is_out) == (None, False)
    assert "s3cret" not in repr(switch)


@pytest.mark.parametrize(
    ("value", "environment"),
    [
        ("true", {**ENVIRONMENT, "UNHEALTHY": "true"}),
        (None, {"STAGE": "john", "API_KEY": "s3cret"}),
    ],
)
def test_the_whole_environment_is_sent_with_the_revision_that_was_read(
    aws: Stubber, client: Any, value: str | None, environment: dict[str, str]
) -> None:
    switch = read(aws, client)
    aws.add_response("update_function_configuration", {"FunctionName": FUNCTION}, asked_for(environment))
    set_switch(client, switch, value)


def test_somebody_elses_change_is_not_overwritten(aws: Stubber, client: Any) -> None:
    switch = read(aws, client)
    aws.add_client_error("update_function_configuration", "PreconditionFailedException", http_status_code=412)
    answered(aws, {**ENVIRONMENT, "STAGE": "jane"}, RevisionId="r-2")
    with pytest.raises(CannotRun, match="changed by somebody else"):
        set_switch(client, switch, "true")


def test_a_refusal_of_what_was_done_already_is_no_refusal(aws: Stubber, client: Any) -> None:
    switch = read(aws, client)
    aws.add_client_error("update_function_configuration", "PreconditionFailedException", http_status_code=412)
    answered(aws, {**ENVIRONMENT, "UNHEALTHY": "true"}, RevisionId="r-2")
    set_switch(client, switch, "true")


def test_a_denied_change_names_the_permission(aws: Stubber, client: Any) -> None:
    switch = read(aws, client)
    aws.add_client_error("update_function_configuration", "AccessDeniedException", http_status_code=403)
    with pytest.raises(CncbopsError, match="lambda:UpdateFunctionConfiguration"):
        set_switch(client, switch, "true")


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"Environment": {"Error": {"ErrorCode": "AccessDeniedException", "Message": "KMS"}}}, "cannot be read"),
        ({"State": "Pending"}, "is Pending"),
        ({"LastUpdateStatus": "InProgress"}, "being updated"),
    ],
)
def test_what_cannot_be_changed_safely_is_refused(aws: Stubber, client: Any, members: Any, why: str) -> None:
    with pytest.raises(CannotRun, match=why):
        require_changeable(read(aws, client, **members))


def test_an_update_is_waited_for(aws: Stubber, client: Any) -> None:
    pauses: list[None] = []
    answered(aws, LastUpdateStatus="InProgress")
    answered(aws, LastUpdateStatus="InProgress")
    answered(aws, {"UNHEALTHY": "true"})
    switch = await_update(client, FUNCTION, lambda: not pauses.append(None))
    assert switch
    assert (switch.is_out, len(pauses)) == (True, 2)


def test_whoever_waits_no_longer_gets_none(aws: Stubber, client: Any) -> None:
    answered(aws, LastUpdateStatus="InProgress")
    assert await_update(client, FUNCTION, lambda: False) is None


def test_an_update_that_failed_says_why(aws: Stubber, client: Any) -> None:
    answered(aws, LastUpdateStatus="Failed", LastUpdateStatusReasonCode="SubnetOutOfIPAddresses")
    with pytest.raises(CannotRun, match="SubnetOutOfIPAddresses"):
        await_update(client, FUNCTION, lambda: True)
