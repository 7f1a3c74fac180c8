"""Faults on a queue: each message is deleted when all of it was delivered, and stays otherwise."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from cncbops.sandbox.waiting import wait_until
from tests.e2e.replays import Run
from tests.e2e.resubmits import RAISED_MS, checked, library, record
from tests.e2e.servers import Cncbops, client
from tests.faults.fault_texts import async_destination

TIMEOUT_S = 30.0

# Writes what it is given to a file of the test, a line for each invocation, with how many messages are on the
# queue then. Fails with the events that another file names.
TAKING = """
import base64, boto3, json, os, time
sqs = boto3.client("sqs")
def handler(event, context):
    events = [base64.b64decode(each["kinesis"]["data"]).decode() for each in event.get("Records", [])]
    poison = open({poison!r}).read().split() if os.path.exists({poison!r}) else []
    if any(bad in each for each in events for bad in poison):
        raise ValueError("poison")
    time.sleep({takes_s})
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sqs.get_queue_attributes(QueueUrl={url!r}, AttributeNames=names)["Attributes"] if {looks} else {{}}
    line = {{"event": event, "events": events, "messages": sum(map(int, found.values()))}}
    with open({path!r}, "a") as written:
        written.write(json.dumps(line) + "\\n")
"""


@pytest.fixture(scope="module")
def sqs(ministack: str) -> Any:
    return client("sqs", ministack)


class Hurried(ThreadingHTTPServer):
    """In front of an SQS: nobody waits for messages, and what is hidden is visible again after `visibility_s`."""

    daemon_threads = True

    def __init__(self, endpoint: str) -> None:
        self.upstream, self.visibility_s = urlsplit(endpoint).netloc, 60
        super().__init__(("127.0.0.1", 0), _Forwarding)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def hurried(self, body: bytes) -> bytes:
        call = json.loads(body)
        for each in (call, *call.get("Entries", [])):
            if "VisibilityTimeout" in each:
                each["VisibilityTimeout"] = min(each["VisibilityTimeout"], self.visibility_s)
        call |= {name: 0 for name in call if name == "WaitTimeSeconds"}
        return json.dumps(call).encode()


class _Forwarding(BaseHTTPRequestHandler):
    server: Hurried

    def do_POST(self) -> None:
        body = self.server.hurried(self.rfile.read(int(self.headers["Content-Length"])))
        connection = HTTPConnection(self.server.upstream)
        kept = {name: self.headers[name] for name in ("Content-Type", "X-Amz-Target", "Authorization")}
        connection.request("POST", self.path, body, kept)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers["Content-Type"] or "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Drain:
    """A queue, and the function that its faults are of, both of one name."""

    command: Cncbops
    endpoint: str
    front: Hurried
    sqs: Any
    name: str
    url: str
    folder: Path
    deploy_function: Callable[..., str]

    def deploy(self, *, takes_s: float = 0.0, looks: bool = False) -> None:
        told = {"path": str(self.written), "poison": str(self.poison), "url": self.url}
        self.deploy_function(self.name, TAKING.format(**told, takes_s=takes_s, looks=looks))

    @property
    def written(self) -> Path:
        return self.folder / "written"

    @property
    def poison(self) -> Path:
        return self.folder / "poison"

    def faults(self, count: int) -> list[bytes]:
        return [library(number, record(number, f"thing-{number % 7}"), function=self.name) for number in range(count)]

    def send(self, *bodies: bytes) -> None:
        for start in range(0, len(bodies), 10):
            part = enumerate(bodies[start : start + 10])
            entries = [{"Id": str(place), "MessageBody": body.decode()} for place, body in part]
            assert not self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries).get("Failed")

    def counts(self) -> tuple[int, int]:
        """How many messages are visible, and how many hidden."""
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])["Attributes"]
        return int(found["ApproximateNumberOfMessages"]), int(found["ApproximateNumberOfMessagesNotVisible"])

    def start(self, *arguments: str) -> Any:
        return self.command.start(*self._asked(*arguments), endpoint=self.endpoint, env=self._env)

    def plan(self, *arguments: str) -> Run:
        return checked(self.command(*self._asked(*arguments), endpoint=self.endpoint, env=self._env))

    def execute(self, *arguments: str) -> Run:
        return self.plan("--execute", *arguments)

    def _asked(self, *arguments: str) -> tuple[str, ...]:
        return ("resubmit", f"sqs://{self.name}", "-o", "json", *arguments)

    @property
    def _env(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL_SQS": self.front.url}

    @property
    def lines(self) -> list[Any]:
        """The function's invocations so far; the last line may still be being written."""
        texts = self.written.read_text().split("\n")[:-1] if self.written.exists() else []
        return list(map(json.loads, texts))

    @property
    def taken(self) -> Counter[str]:
        """How often each event arrived, by its id."""
        return Counter(json.loads(each)["id"] for line in self.lines for each in line["events"])


@pytest.fixture
def drain(
    cncbops: Cncbops, ministack: str, sqs: Any, unique: str, tmp_path: Path, deploy_function: Callable[..., str]
) -> Iterator[Drain]:
    url = sqs.create_queue(QueueName=unique)["QueueUrl"]
    with Hurried(ministack) as front:
        thread = Thread(target=front.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield Drain(cncbops, ministack, front, sqs, unique, url, tmp_path, deploy_function)
        front.shutdown()
        thread.join()


def queue_of(run: Run) -> dict[str, int]:
    (facts,) = run.summary["queues"]
    return {name: facts[name] for name in ("deleted", "left", "not_deleted")}


def test_a_message_is_deleted_after_it_was_delivered_and_one_whose_function_fails_stays(drain: Drain) -> None:
    drain.send(*drain.faults(30), b"no fault", b'{"type":"thing-created"}')
    drain.poison.write_text("e-0003 e-0010 e-0017")
    drain.deploy(looks=True)
    planned = drain.plan()
    assert (planned.code, planned.status, planned.events["matched"]) == (3, "planned", 30)
    assert (drain.lines, drain.counts()) == ([], (32, 0))
    assert planned.summary["plan"]["queues"][0]["approximate_messages"] == 32

    options = ("--max-attempts", "1", "--max-failures", "100%", "--one-by-one", "--concurrency", "1")
    run = drain.execute(*options)
    assert (run.code, run.status, run.events["delivered"], run.events["failed"]) == (3, "partial", 27, 3)
    assert (run.events["malformed"], run.summary["faults"]["others"]) == (1, 1)
    assert queue_of(run) == {"deleted": 27, "left": 5, "not_deleted": 0}
    assert drain.counts() == (5, 0)
    assert all(line["messages"] >= 32 - place for place, line in enumerate(drain.lines)), "deleted too early"
    assert {failure["object"].rpartition("/")[0] for failure in run.failures} == {f"sqs://{drain.name}"}

    drain.poison.unlink()
    mended = drain.execute()
    assert (mended.events["delivered"], drain.counts()) == (3, (2, 0))
    assert drain.taken == Counter(f"e-{number:04d}" for number in range(30))


def test_a_dead_letter_goes_to_the_function_that_is_named_for_it(drain: Drain) -> None:
    letter = '{"order": 1.50, "Records": []}'
    attributes = {"RequestID": "r-1", "ErrorCode": "200", "ErrorMessage": "no such order"}
    told = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    told["ErrorCode"]["DataType"] = "Number"
    drain.sqs.send_message(QueueUrl=drain.url, MessageBody=letter, MessageAttributes=told)
    drain.deploy()
    run = drain.execute()
    assert (run.code, run.events["failed"], drain.counts()) == (3, 1, (1, 0))
    assert "--function" in run.failures[0]["message"]
    run = drain.execute("--function", drain.name)
    assert (run.code, run.events["delivered"], drain.counts()) == (0, 1, (0, 0))
    assert [line["event"] for line in drain.lines] == [json.loads(letter)]


def test_messages_of_one_fault_are_sent_once_and_all_deleted(drain: Drain) -> None:
    """What was delivered before, from a queue or from elsewhere, need not be sent for its message to go."""
    request = async_destination(b'{"a":1.50}').replace(b"cncb-handling-faults-john-listener", drain.name.encode())
    drain.send(*drain.faults(3), *drain.faults(3), request)
    drain.deploy()
    assert drain.execute().events["delivered"] == 4
    assert drain.counts() == (0, 0)
    drain.send(*drain.faults(3))
    again = drain.execute()
    assert (again.code, again.status, again.summary["faults"]["sent_before"]) == (0, "nothing", 3)
    assert drain.counts() == (0, 0)
    assert drain.taken == Counter(["e-0000", "e-0001", "e-0002"])


def test_what_is_not_chosen_stays_on_the_queue(drain: Drain) -> None:
    late = library(9, record(9), function=drain.name, raised_ms=RAISED_MS + 3_600_000)
    drain.send(*drain.faults(4), late)
    drain.deploy()
    run = drain.execute("--to", "2023-11-22T00:30:00Z", "--limit", "3")
    assert (run.code, run.events["delivered"], drain.counts()) == (0, 3, (2, 0))


def test_of_a_queue_whose_drain_is_killed_nothing_is_lost(drain: Drain) -> None:
    count, batch, in_flight = 240, 5, 4
    drain.front.visibility_s = 2  # as if a minute had passed
    drain.send(*drain.faults(count))
    drain.deploy(takes_s=0.01)
    options = ("--batch-size", str(batch), "--concurrency", str(in_flight))
    process = drain.start("--execute", *options)
    wait_until(lambda: len(drain.lines) >= 12, TIMEOUT_S)
    process.kill()
    process.communicate()
    wait_until(lambda: drain.counts()[1] == 0, TIMEOUT_S)
    left, taken = drain.counts()[0], sum(drain.taken.values())
    assert 0 < left < count
    assert left >= count - taken, "what is gone was delivered"

    run = drain.execute(*options)
    assert (run.code, run.status) == (0, "succeeded")
    assert run.events["delivered"] + run.summary["faults"]["sent_before"] == left
    assert queue_of(run) == {"deleted": left, "left": 0, "not_deleted": 0}
    assert drain.counts() == (0, 0)
    assert set(drain.taken) == {f"e-{number:04d}" for number in range(count)}
    assert sum(drain.taken.values()) - count <= batch * in_flight
