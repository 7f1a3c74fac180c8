"""What an operator may write for a queue."""

import pytest

from cncbops.errors import BadInput
from cncbops.queues.source import QueueSource, parse_queue

ARN = "arn:aws:sqs:eu-west-1:123456789012:faults"


@pytest.mark.parametrize(
    ("queue", "name", "region"),
    [
        ("faults", "faults", None),
        ("my-Faults_1.fifo", "my-Faults_1.fifo", None),
        (ARN, "faults", "eu-west-1"),
        ("arn:aws-us-gov:sqs:us-gov-west-1:123456789012:a.fifo", "a.fifo", "us-gov-west-1"),
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/faults", "faults", "eu-west-1"),
        ("https://sqs-fips.us-east-1.amazonaws.com/123456789012/a.fifo", "a.fifo", "us-east-1"),
        ("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/faults", "faults", "cn-north-1"),
        ("https://vpce-0a1b.sqs.eu-west-1.vpce.amazonaws.com/123456789012/faults", "faults", "eu-west-1"),
        ("https://queue.amazonaws.com/123456789012/faults", "faults", None),
        ("http://127.0.0.1:4566/000000000000/faults", "faults", None),
    ],
)
def test_a_queue_is_a_name_a_url_or_an_arn(queue: str, name: str, region: str | None) -> None:
    source = parse_queue(f"sqs://{queue}")
    assert source == QueueSource(queue)
    assert (source.uri, source.name, source.region) == (f"sqs://{name}", name, region)
    assert source.url == (queue if queue.startswith("http") else None)


def test_an_arn_tells_the_account() -> None:
    assert parse_queue(f"sqs://{ARN}").account == "123456789012"
    assert parse_queue("sqs://faults").account is None


@pytest.mark.parametrize(
    "text",
    [
        "faults",
        "sqs://",
        "sqs://a/b",
        "sqs://a b",
        "sqs://a.b",
        "sqs://.fifo",
        "sqs://" + "a" * 81,
        "sqs://" + "a" * 76 + ".fifo",
        "sqs://fäults",
        "sqs://faults\n",
        "sqs://arn:aws:sns:eu-west-1:123456789012:faults",
        "sqs://arn:aws:sqs:eu-west-1:1:faults",
        "sqs://https://",
        "sqs://https://sqs.eu-west-1.amazonaws.com/",
        "sqs://https://user:secret@example.com/faults",
        "sqs://ftp://example.com/faults",
        "s3://bucket/prefix",
    ],
)
def test_what_names_no_queue_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="names no SQS queue"):
        parse_queue(text)
