"""Finding a queue, and what is known of it."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from cncbops.errors import BadInput, CannotRun
from cncbops.queues.facts import QueueFacts, find_queue
from cncbops.queues.source import QueueSource

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

ARN = "arn:aws:sqs:us-east-1:123456789012:"


@pytest.fixture
def sqs() -> "Iterator[SQSClient]":
    """A client of an SQS in memory, with the queue `listener-faults`."""
    with mock_aws():
        client = boto3.client(
            "sqs",
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            endpoint_url="https://sqs.us-east-1.amazonaws.com",  # whatever AWS_ENDPOINT_URL says
        )
        client.create_queue(QueueName="listener-faults")
        yield client


@pytest.mark.parametrize(
    "queue",
    [
        "listener-faults",
        ARN + "listener-faults",
        "https://sqs.us-east-1.amazonaws.com/123456789012/listener-faults",
    ],
)
def test_a_queue_is_found_by_name_arn_and_url(queue: str, sqs: "SQSClient") -> None:
    url, facts = find_queue(sqs, QueueSource(queue))
    assert url == "https://sqs.us-east-1.amazonaws.com/123456789012/listener-faults"
    assert facts == QueueFacts(
        name="listener-faults",
        arn=ARN + "listener-faults",
        approximate_messages=0,
        approximate_in_flight=0,
        is_fifo=False,
        dead_letters=False,
        max_receive_count=None,
    )


def test_the_facts_tell_how_much_there_is_and_what_becomes_of_messages_received_too_often(sqs: "SQSClient") -> None:
    sqs.create_queue(QueueName="dead.fifo", Attributes={"FifoQueue": "true"})
    policy = json.dumps({"deadLetterTargetArn": ARN + "dead.fifo", "maxReceiveCount": 4})
    url = sqs.create_queue(QueueName="a.fifo", Attributes={"FifoQueue": "true", "RedrivePolicy": policy})["QueueUrl"]
    for number in range(3):
        sqs.send_message(QueueUrl=url, MessageBody="{}", MessageGroupId=str(number), MessageDeduplicationId=str(number))
    sqs.receive_message(QueueUrl=url)
    assert find_queue(sqs, QueueSource("a.fifo"))[1] == QueueFacts(
        name="a.fifo",
        arn=ARN + "a.fifo",
        approximate_messages=2,
        approximate_in_flight=1,
        is_fifo=True,
        dead_letters=True,
        max_receive_count=4,
    )


@pytest.mark.parametrize("queue", ["listener-fault", "Listener-faults", ARN + "listenr-faults"])
def test_of_a_queue_that_does_not_exist_close_names_are_told(queue: str, sqs: "SQSClient") -> None:
    sqs.create_queue(QueueName="lis-of-something-else")
    with pytest.raises(CannotRun, match=r"it does not exist\. Did you mean listener-faults"):
        find_queue(sqs, QueueSource(queue))


def test_a_url_of_no_queue_does_not_exist_and_nothing_is_close(sqs: "SQSClient") -> None:
    with pytest.raises(CannotRun, match=r"cannot read queue x: it does not exist\. Check the name"):
        find_queue(sqs, QueueSource("https://sqs.us-east-1.amazonaws.com/123456789012/x"))


def test_close_names_that_may_not_be_listed_are_left_out(sqs: "SQSClient") -> None:
    def deny(**_: Any) -> Any:
        raise sqs.exceptions.ClientError({"Error": {"Code": "AccessDenied"}}, "ListQueues")

    sqs.meta.events.register("before-call.sqs.ListQueues", deny)
    with pytest.raises(CannotRun, match=r"it does not exist\. Check the name"):
        find_queue(sqs, QueueSource("listener-fault"))


def test_a_queue_of_another_region_is_refused_before_any_call(sqs: "SQSClient") -> None:
    with pytest.raises(BadInput, match=r"is in eu-west-1, not in us-east-1\. Give --region eu-west-1"):
        find_queue(sqs, QueueSource("arn:aws:sqs:eu-west-1:123456789012:listener-faults"))
