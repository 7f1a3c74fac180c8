"""A queue read to its end on a real SQS: every message once, and none lost, whatever happens."""

import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from cncbops.errors import CannotRun
from cncbops.queues.message import Message
from cncbops.queues.queue import Queue
from cncbops.queues.receiving import Handling
from cncbops.queues.source import QueueSource
from cncbops.sandbox.waiting import wait_until
from tests.e2e.servers import client

SHORT = Handling(visibility_s=2, wait_s=0)
TIMEOUT_S = 20.0


@pytest.fixture(scope="module")
def sqs(ministack: str) -> Any:
    return client("sqs", ministack, max_pool_connections=16)


@pytest.fixture
def faulty(ministack: str) -> Any:
    """A client of its own, to have some of its calls answered with an error."""
    return client("sqs", ministack, max_pool_connections=16)


@dataclass(frozen=True)
class Sqs:
    """A queue, seen by its other users."""

    sqs: Any
    url: str
    source: QueueSource

    def send(self, count: int, groups: int = 0) -> list[str]:
        """Send `m-0`, `m-1` and so on, with the group that its number gives where there are groups."""
        bodies = [f"m-{number}" for number in range(count)]
        for start in range(0, count, 10):
            entries = [
                {"Id": body, "MessageBody": body}
                | ({"MessageGroupId": str(start % groups), "MessageDeduplicationId": body} if groups else {})
                for body in bodies[start : start + 10]
            ]
            assert not self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries).get("Failed")
        return bodies

    def counts(self) -> tuple[int, int]:
        """How many messages are visible, and how many hidden."""
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])["Attributes"]
        return int(found["ApproximateNumberOfMessages"]), int(found["ApproximateNumberOfMessagesNotVisible"])

    def receive(self, hidden_s: int = 0) -> list[Any]:
        """What another consumer gets."""
        found = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, VisibilityTimeout=hidden_s)
        return list(found.get("Messages", []))


@pytest.fixture
def make_queue(sqs: Any, unique: str) -> Callable[..., Sqs]:
    def make(suffix: str = "", **attributes: str) -> Sqs:
        url = sqs.create_queue(QueueName=unique + suffix, Attributes=attributes)["QueueUrl"]
        return Sqs(sqs, url, QueueSource(unique + suffix))

    return make


@pytest.fixture
def queue(make_queue: Callable[..., Sqs]) -> Sqs:
    return make_queue()


def batches(queue: Queue, size: int, stop: threading.Event | None = None) -> Iterator[list[Message]]:
    """The messages as a caller takes them: by `size`, and what it has when no more come for now."""
    batch: list[Message] = []
    for message in queue.messages(stop or threading.Event()):
        batch += [message] if message else []
        if batch and (message is None or len(batch) == size):
            yield batch
            batch = []
    assert batch == []


def drain(queue: Queue, size: int = 7) -> list[str]:
    """The bodies of all messages, each of them done."""
    bodies = []
    for batch in batches(queue, size):
        bodies += [message.body.decode() for message in batch]
        queue.done([message.id for message in batch])
    return bodies


def answered(client: Any, operation: str, code: str, status: int = 400, times: int = 1_000_000) -> list[str]:
    """Have the next calls of an operation answered with an error; gives the calls so far."""
    calls: list[str] = []

    def answer(model: Any, **_: Any) -> None:
        calls.append(model.name)
        if len(calls) <= times:
            response = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
            raise client.exceptions.ClientError(response, model.name)

    client.meta.events.register(f"before-call.sqs.{operation}", answer)
    return calls


def test_a_queue_is_drained_with_every_message_once(queue: Sqs) -> None:
    sent = queue.send(300)
    with Queue.open(queue.sqs, queue.source) as opened:
        assert opened.facts.approximate_messages == 300
        assert sorted(drain(opened)) == sorted(sent)
    assert opened.not_deleted == 0
    assert queue.counts() == (0, 0)


def test_a_message_comes_with_its_attributes_and_how_often_it_was_received(queue: Sqs) -> None:
    sent_ms = time.time() * 1000
    attributes = {"RequestID": {"DataType": "String", "StringValue": "id-1"}}
    queue.sqs.send_message(QueueUrl=queue.url, MessageBody="Zürich", MessageAttributes=attributes)
    queue.receive()
    with Queue.open(queue.sqs, queue.source, SHORT) as opened:
        (message,) = next(batches(opened, 1))
        opened.done([message.id])
    assert (message.body, message.attributes, message.received) == ("Zürich".encode(), {"RequestID": "id-1"}, 2)
    assert message.sent_ms is not None
    assert abs(message.sent_ms - sent_ms) < 60_000


@pytest.mark.parametrize("groups", [1, 3])
def test_a_fifo_queue_is_drained_group_by_group_in_order(groups: int, make_queue: Callable[..., Sqs]) -> None:
    queue = make_queue(".fifo", FifoQueue="true")
    sent = queue.send(90, groups)
    seen = defaultdict(list)
    with Queue.open(queue.sqs, queue.source, SHORT) as opened:
        for body in drain(opened, size=25):
            number = int(body.removeprefix("m-"))
            seen[number // 10 * 10 % groups].append(number)
    assert sum(map(len, seen.values())) == len(sent)
    assert all(numbers == sorted(numbers) for numbers in seen.values())
    assert queue.counts() == (0, 0)


KILLED = """
import sys, threading, boto3
from botocore.config import Config
from cncbops.queues.queue import Queue
from cncbops.queues.receiving import Handling
from cncbops.queues.source import QueueSource
endpoint, name = sys.argv[1:]
sqs = boto3.client("sqs", endpoint_url=endpoint, region_name="us-east-1",
                   aws_access_key_id="test", aws_secret_access_key="test")
queue = Queue.open(sqs, QueueSource(name), Handling(visibility_s=2, wait_s=0))
held = 0
for message in queue.messages(threading.Event()):
    if message is None:
        continue
    held += 1
    if held <= 40:
        print(message.body.decode(), flush=True)
        queue.done([message.id])
    elif held == 100:
        print("now", flush=True)
"""


def test_of_a_killed_process_everything_not_yet_deleted_comes_back(queue: Sqs, ministack: str) -> None:
    sent = queue.send(150)
    command = [sys.executable, "-c", KILLED, ministack, queue.source.queue]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        output = process.stdout
        assert output
        delivered = list(iter(lambda: output.readline().strip(), "now"))
        process.kill()
    assert len(delivered) == 40
    wait_until(lambda: queue.counts()[1] == 0, TIMEOUT_S)
    with Queue.open(queue.sqs, queue.source, SHORT) as opened:
        drained = drain(opened)
    assert len(set(drained)) == len(drained)
    assert set(drained) | set(delivered) == set(sent)
    assert queue.counts() == (0, 0)


def test_messages_of_a_slow_caller_stay_hidden_far_beyond_their_visibility(queue: Sqs) -> None:
    sent = queue.send(45)
    with Queue.open(queue.sqs, queue.source, SHORT) as opened:
        batch = next(batches(opened, 45))
        slow_until = time.monotonic() + 1.5 * SHORT.visibility_s
        while time.monotonic() < slow_until:
            assert queue.counts() == (0, 45)
            time.sleep(0.1)  # the pace of looking
        opened.done([message.id for message in batch])
    assert sorted(message.body.decode() for message in batch) == sorted(sent)
    assert (opened.not_deleted, queue.counts()) == (0, (0, 0))


def test_what_is_left_comes_once_and_remains(queue: Sqs) -> None:
    queue.send(60)
    bodies = []
    held: list[str] = []
    came_back: set[str] = set()
    with Queue.open(queue.sqs, queue.source, Handling(visibility_s=1, wait_s=0)) as opened:
        for message in opened.messages(threading.Event()):
            if message:
                bodies.append(message.body)
                held.append(message.id)
                opened.leave(held[:-1])  # all but the last, so that it goes on
            else:
                came_back |= {each["MessageId"] for each in queue.receive()}
                opened.leave(held if len(came_back) == 59 else [])
    assert len(bodies) == len(set(bodies)) == 60
    assert queue.counts() == (60, 0)


def test_what_is_left_does_not_make_it_endless_when_it_comes_back_before_a_round_is_empty(queue: Sqs) -> None:
    queue.send(3)
    with Queue.open(queue.sqs, queue.source, Handling(visibility_s=1, wait_s=2)) as opened:
        seen = []
        for batch in batches(opened, 1):
            seen += [message.id for message in batch]
            opened.leave(seen)
    assert len(seen) == len(set(seen)) == 3
    assert queue.counts() == (3, 0)


def test_what_is_not_settled_is_given_back_at_once_when_a_run_ends_early(queue: Sqs) -> None:
    queue.send(80)

    def run() -> None:
        with Queue.open(queue.sqs, queue.source) as opened:
            batch = next(batches(opened, 10))
            opened.done([batch[0].id])
            opened.leave([batch[1].id])
            raise KeyError

    with pytest.raises(KeyError):
        run()
    assert queue.counts() == (79, 0)


def test_a_stop_ends_it_and_loses_nothing(queue: Sqs) -> None:
    queue.send(50)
    stop = threading.Event()
    with Queue.open(queue.sqs, queue.source) as opened:
        messages = opened.messages(stop)
        assert next(messages)
        stop.set()
        assert list(messages) == []
    assert queue.counts() == (50, 0)


def test_no_more_than_the_window_is_in_hand_and_a_caller_that_settles_it_does_not_wait(queue: Sqs) -> None:
    sent = queue.send(120)
    bodies: list[str] = []
    stop = threading.Event()
    handling = Handling(visibility_s=10, wait_s=2, window=30)
    with Queue.open(queue.sqs, queue.source, handling) as opened:
        came = [time.monotonic()]
        for batch in batches(opened, 1000, stop):
            came.append(time.monotonic())
            assert len(batch) <= queue.counts()[1] <= 30
            bodies += [message.body.decode() for message in batch]
            opened.done([message.id for message in batch])
            if len(bodies) == len(sent):
                stop.set()
    assert came[-2] - came[0] < handling.wait_s  # the last may not have filled the window
    assert sorted(bodies) == sorted(sent)


def test_a_caller_that_settles_nothing_is_asked_at_the_pace_of_receiving(queue: Sqs) -> None:
    queue.send(10)
    with Queue.open(queue.sqs, queue.source, Handling(visibility_s=2, wait_s=1, window=10)) as opened:
        messages = opened.messages(threading.Event())
        first = [next(messages) for _ in range(11)]
        assert first[-1] is None
        started = time.monotonic()
        assert [next(messages), next(messages)] == [None, None]
        assert time.monotonic() - started > 1


def test_a_deletion_that_is_denied_ends_the_run_and_is_counted(queue: Sqs, faulty: Any) -> None:
    queue.send(30)
    answered(faulty, "DeleteMessageBatch", "AccessDenied", 403)
    denied = r"cannot delete from queue .*: access denied\. Ask for sqs:DeleteMessage"
    opened = Queue.open(faulty, queue.source, SHORT)
    messages = opened.messages(threading.Event())
    batch = [message for message in (next(messages) for _ in range(20)) if message]
    opened.done([message.id for message in batch])
    with pytest.raises(CannotRun, match=denied):
        list(messages)
    opened.close()
    assert opened.not_deleted == 20
    assert sum(queue.counts()) == 30


def test_a_deletion_that_is_denied_at_the_end_is_raised_when_it_is_closed(queue: Sqs, faulty: Any) -> None:
    queue.send(1)
    answered(faulty, "DeleteMessageBatch", "AccessDenied", 403)
    opened = Queue.open(faulty, queue.source, SHORT)
    message = next(opened.messages(threading.Event()))
    assert message
    opened.done([message.id])
    with pytest.raises(CannotRun, match="access denied"):
        opened.close()
    opened.close()


def test_a_deletion_that_fails_in_passing_is_tried_again(queue: Sqs, faulty: Any) -> None:
    queue.send(10)
    calls = answered(faulty, "DeleteMessageBatch", "InternalError", 500, times=2)
    with Queue.open(faulty, queue.source, SHORT) as opened:
        drain(opened, size=10)
    assert len(calls) == 3
    assert (opened.not_deleted, queue.counts()) == (0, (0, 0))


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        ("ReceiveMessage", r"receive from queue .*: access denied\. Ask for sqs:ReceiveMessage"),
        ("ChangeMessageVisibilityBatch", r"queue .*: access denied\. Ask for sqs:ChangeMessageVisibility"),
    ],
)
def test_a_queue_that_may_not_be_received_from_or_kept_hidden_cannot_be_read(
    operation: str, told: str, queue: Sqs, faulty: Any
) -> None:
    queue.send(1)
    answered(faulty, operation, "AccessDenied", 403)
    with pytest.raises(CannotRun, match=told), Queue.open(faulty, queue.source, SHORT) as opened:
        list(opened.messages(threading.Event()))


def test_a_delivered_message_that_another_took_is_counted_and_deleted_when_it_comes_back(
    queue: Sqs, faulty: Any
) -> None:
    queue.send(2)
    answered(faulty, "ChangeMessageVisibilityBatch", "InternalError", 500)
    with Queue.open(faulty, queue.source, Handling(visibility_s=1, wait_s=0)) as opened:
        messages = opened.messages(threading.Event())
        first, held = next(messages), next(messages)
        assert first
        assert held
        taken: list[Any] = []

        def take() -> bool:
            taken.extend(queue.receive(hidden_s=30))
            return len(taken) == 2

        wait_until(take, TIMEOUT_S)
        opened.done([first.id])
        wait_until(lambda: opened.not_deleted == 1, TIMEOUT_S)
        for other in taken:
            queue.sqs.change_message_visibility(
                QueueUrl=queue.url, ReceiptHandle=other["ReceiptHandle"], VisibilityTimeout=0
            )
        assert next(messages) is None
        wait_until(lambda: next(messages) is None and opened.not_deleted == 0, TIMEOUT_S)
        opened.done([held.id])
        assert list(messages) == []
    assert (opened.not_deleted, queue.counts()) == (0, (0, 0))


def test_a_message_that_cannot_be_kept_hidden_any_more_is_let_go_and_counted_if_it_cannot_be_deleted(
    queue: Sqs, faulty: Any
) -> None:
    queue.send(1)
    calls = answered(faulty, "ChangeMessageVisibilityBatch", "none", times=0)
    with Queue.open(faulty, queue.source, Handling(visibility_s=1, wait_s=0)) as opened:
        messages = opened.messages(threading.Event())
        message = next(messages)
        assert message
        queue.sqs.purge_queue(QueueUrl=queue.url)
        wait_until(lambda: len(calls) == 1, TIMEOUT_S)
        extended_again = time.monotonic() + 1
        wait_until(lambda: next(messages) is None and time.monotonic() > extended_again, TIMEOUT_S)
        assert len(calls) == 1
        opened.done([message.id])
    assert opened.not_deleted == 1
