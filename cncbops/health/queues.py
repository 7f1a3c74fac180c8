"""A dead-letter queue: what lies in it waits for somebody. Source: SQS API Reference, `GetQueueAttributes`."""

from typing import Any

from cncbops.errors import CannotRun
from cncbops.health.access import RegionAccess
from cncbops.health.finding import Finding, Status
from cncbops.queues.source import SCHEME, QueueSource, parse_queue

_DEPTH = "ApproximateNumberOfMessages"


def require_queue(text: str) -> None:
    """Raises BadInput if this names no queue."""
    _source(text)


def queue(access: RegionAccess, subject: str) -> list[Finding]:
    """How many messages are visible in a queue, by its name or URL. botocore's errors pass."""
    source, client = _source(subject), access.client("sqs")
    if source.region not in (None, access.region):
        raise CannotRun(f"it is in {source.region}, not in {access.region}", "Name it for its own region")
    url = source.url or _url(client, source)
    attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=[_DEPTH])["Attributes"]
    return [judge(subject, int(attributes[_DEPTH]))]


def judge(subject: str, depth: int) -> Finding:
    """By the number of messages."""
    if depth:
        waiting = "1 message waits" if depth == 1 else f"{depth:,} messages wait"
        return Finding(subject, Status.warn, waiting, {"messages": depth})
    return Finding(subject, Status.ok, "empty", {"messages": 0})


def _source(text: str) -> QueueSource:
    return parse_queue(SCHEME + text.removeprefix(SCHEME))


def _url(client: Any, source: QueueSource) -> str:
    owner = {"QueueOwnerAWSAccountId": source.account} if source.account else {}
    url: str = client.get_queue_url(QueueName=source.name, **owner)["QueueUrl"]
    return url
