"""What is known of a queue before it is read, and which one was meant if there is none."""

import difflib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.aws_errors import code_of, explain
from cncbops.errors import BadInput, CncbopsError
from cncbops.queues.source import QueueSource

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_ABSENT = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_PREFIX_LENGTH = 3
_MOST_NAMES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFacts:
    """A queue. `dead_letters` says whether it has a RedrivePolicy of its own: what is received more than
    `max_receive_count` times without being deleted leaves it for another queue.
    """

    name: str
    arn: str
    approximate_messages: int
    approximate_in_flight: int
    is_fifo: bool
    dead_letters: bool
    max_receive_count: int | None


def find_queue(client: "SQSClient", source: QueueSource) -> tuple[str, QueueFacts]:
    """The URL and the facts of a queue. Raises BadInput if it is in another region, CannotRun if it cannot be read."""
    region = client.meta.region_name
    if source.region and source.region != region:
        raise BadInput(f"queue {source.name} is in {source.region}, not in {region}", f"Give --region {source.region}")
    try:
        url = source.url or _url(client, source)
        found = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    except (BotoCoreError, ClientError) as error:
        raise _explained(error, client, source) from error
    return url, _facts(source, found)


def _url(client: "SQSClient", source: QueueSource) -> str:
    owner: Any = {"QueueOwnerAWSAccountId": source.account} if source.account else {}
    return client.get_queue_url(QueueName=source.name, **owner)["QueueUrl"]


def _facts(source: QueueSource, found: Any) -> QueueFacts:
    policy = found.get("RedrivePolicy")
    receives = json.loads(policy).get("maxReceiveCount") if policy else None
    return QueueFacts(
        name=source.name,
        arn=found["QueueArn"],
        approximate_messages=int(found["ApproximateNumberOfMessages"]),
        approximate_in_flight=int(found["ApproximateNumberOfMessagesNotVisible"]),
        is_fifo=found.get("FifoQueue") == "true",
        dead_letters=bool(policy),
        max_receive_count=int(receives) if receives is not None else None,
    )


def _explained(error: BotoCoreError | ClientError, client: "SQSClient", source: QueueSource) -> CncbopsError:
    explained = explain(error, f"read queue {source.name}")
    if code_of(error) in _ABSENT:
        close = _close_names(client, source.name)
        if close:
            explained.next_step = f"Did you mean {' or '.join(close)}? {explained.next_step}"
    return explained


def _close_names(client: "SQSClient", name: str) -> list[str]:
    """Queues that may have been meant: of those that begin alike, or else of all. Empty where it may not be known."""
    for prefix in ({"QueueNamePrefix": name[:_PREFIX_LENGTH]}, {}):
        try:
            urls = client.list_queues(MaxResults=_MOST_NAMES, **prefix).get("QueueUrls", [])
        except (BotoCoreError, ClientError):
            return []
        close = difflib.get_close_matches(name, [url.rpartition("/")[2] for url in urls], n=3)
        if close:
            return close
    return []
