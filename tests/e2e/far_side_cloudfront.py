"""The far side's CloudFront: distributions and invalidations that take their time, within CloudFront's quotas.

An invalidation stays InProgress until the test calls `complete` (or `completes_at_once` is set). What a test puts
into `answers` is answered to the next creates, in that order, in place of what they ask for; `lose` is one that is
carried out and whose answer never arrives. Bound to 127.0.0.1 on a free port.

Wire format: CloudFront API Reference, REST-XML of version 2020-05-31.
"""

import re
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from tests.e2e.far_side_s3 import Answer, error, tag

ID, DOMAIN = "E2EXAMPLE1234X", "d111111abcdef8.cloudfront.net"
SINGLES, WILDCARDS = 3_000, 15
_NAMESPACE = "http://cloudfront.amazonaws.com/doc/2020-05-31/"
_ROOT = "/2020-05-31/distribution"


@dataclass
class Made:
    """An invalidation as the far side keeps it."""

    id: str
    reference: str
    items: Sequence[str]
    status: str = "InProgress"

    @property
    def wildcards(self) -> int:
        return sum(item.endswith("*") for item in self.items)


@dataclass(frozen=True)
class Described:
    """A distribution as the far side tells of it."""

    id: str = ID
    domain: str = DOMAIN
    aliases: Sequence[str] = ()
    enabled: bool = True
    tag_header: str | None = None
    origins: Sequence[tuple[str, str]] = (("bucket.s3.amazonaws.com", ""),)


@dataclass
class Memory:
    """What arrived and what was made; read it, and change what is answered, from the test."""

    requests: list[str] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)
    creates: list[str] = field(default_factory=list)  # the reference of each
    answers: list[Answer | str] = field(default_factory=list)
    denied: set[str] = field(default_factory=set)
    completes_at_once: bool = False
    unfindable: set[str] = field(default_factory=set)  # these are listed, and looks at them answered 503
    broken_looks: int = 0  # so many looks at invalidations are answered 503
    most_singles: int = 0
    most_wildcards: int = 0


LOSE = "lose"
THROTTLED = error(400, "Throttling", "Rate exceeded")
UNAVAILABLE = error(503, "ServiceUnavailable", "Service is unable to handle request.")
TOO_MANY = error(400, "TooManyInvalidationsInProgress", "Processing your request would exceed the maximum")


class FarSideCloudFront:
    """The server and its memory. Use it as a context manager."""

    def __init__(self, *distributions: Described) -> None:
        self.memory = Memory()
        self.errors: list[BaseException] = []
        self._distributions = {each.id: each for each in distributions or (Described(),)}
        self._changed = threading.Condition()
        self._hold: threading.Event | None = None
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._hold:
            self._hold.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        assert self.errors == []

    # What the test does and asks

    def complete(self, count: int | None = None) -> None:
        """Let the oldest invalidations in progress be completed, or all."""
        with self._changed:
            for made in [each for each in self.memory.made if each.status == "InProgress"][:count]:
                made.status = "Completed"

    def hold_creates(self) -> threading.Event:
        """Let creates wait until the event is set."""
        self._hold = threading.Event()
        return self._hold

    def wait_until(self, condition: Callable[[Memory], bool], timeout_s: float = 60.0) -> None:
        """Wait for a condition on what arrived."""
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self.memory), timeout_s), "the far side waited in vain"

    def begin(self, *items: str) -> Made:
        """An invalidation that somebody else has in progress."""
        with self._changed:
            made = Made(f"IOTHER{len(self.memory.made):06d}", f"other-{len(self.memory.made)}", items)
            self.memory.made.append(made)
        return made

    @property
    def items(self) -> list[str]:
        """All that was made by the command, item by item, twice if paid for twice."""
        return [item for made in self.memory.made if made.id.startswith("I2") for item in made.items]

    @property
    def writes(self) -> list[str]:
        """Requests that may change something."""
        return [request for request in self.memory.requests if not request.startswith(("GET ", "HEAD "))]

    # What is answered

    def answer(self, method: str, target: str, body: bytes) -> Answer | None:
        path, _, query = target.partition("?")
        with self._changed:
            self.memory.requests.append(f"{method} {target}")
            self._changed.notify_all()
        if not path.startswith(_ROOT):
            return error(404, "NotFound", "only CloudFront is served here")
        parts = path.removeprefix(_ROOT).strip("/").split("/")
        operation = _operation(method, parts)
        if operation in self.memory.denied:
            return error(403, "AccessDenied", f"not authorized to perform: cloudfront:{operation}")
        if operation != "ListDistributions" and parts[0] not in self._distributions:
            return error(404, "NoSuchDistribution", "The specified distribution does not exist.")
        if operation == "CreateInvalidation" and self._hold:
            self._hold.wait()
        if operation == "GetInvalidation" and parts[2] in self.memory.unfindable:
            return UNAVAILABLE
        if operation in ("ListInvalidations", "GetInvalidation") and self.memory.broken_looks:
            self.memory.broken_looks -= 1
            return UNAVAILABLE
        with self._changed:
            answer = self._answer(operation, parts, parse_qs(query), body)
            self._changed.notify_all()
            return answer

    def _answer(self, operation: str, parts: Sequence[str], query: dict[str, list[str]], body: bytes) -> Answer | None:
        match operation:
            case "ListDistributions":
                return self._list_distributions(query)
            case "GetDistribution":
                return _described(self._distributions[parts[0]])
            case "CreateInvalidation":
                return self._create(body)
            case "ListInvalidations":
                return self._list_invalidations(query)
            case _:
                found = next((made for made in self.memory.made if made.id == parts[2]), None)
                return _told(200, found) if found else error(404, "NoSuchInvalidation", "It does not exist.")

    def _create(self, body: bytes) -> Answer | None:
        reference, items = _batch_of(body)
        self.memory.creates.append(reference)
        injected = self.memory.answers.pop(0) if self.memory.answers else None
        if isinstance(injected, Answer):
            return injected
        answer = self._make(reference, items)
        return None if injected == LOSE else answer

    def _make(self, reference: str, items: Sequence[str]) -> Answer:
        known = next((made for made in self.memory.made if made.reference == reference), None)
        if known:
            alike = sorted(known.items) == sorted(items)
            return _told(201, known) if alike else error(400, "InvalidationBatchAlreadyExists", "Other paths.")
        new = Made(f"I2{len(self.memory.made):012d}", reference, items)
        in_progress = [*(each for each in self.memory.made if each.status == "InProgress"), new]
        wildcards = sum(each.wildcards for each in in_progress)
        singles = sum(len(each.items) for each in in_progress) - wildcards
        if singles > SINGLES or wildcards > WILDCARDS:
            return TOO_MANY
        self.memory.most_singles = max(self.memory.most_singles, singles)
        self.memory.most_wildcards = max(self.memory.most_wildcards, wildcards)
        if self.memory.completes_at_once:
            new.status = "Completed"
        self.memory.made.append(new)
        return _told(201, new)

    def _list_invalidations(self, query: dict[str, list[str]]) -> Answer:
        newest = [_summary(made) for made in reversed(self.memory.made)]
        return _page("InvalidationList", newest, query)

    def _list_distributions(self, query: dict[str, list[str]]) -> Answer:
        told = [tag("DistributionSummary", _facts(each) + _config(each)) for each in self._distributions.values()]
        return _page("DistributionList", told, query)


def _operation(method: str, parts: Sequence[str]) -> str:
    names = {
        ("GET", 1): "GetDistribution" if parts[0] else "ListDistributions",
        ("GET", 2): "ListInvalidations",
        ("POST", 2): "CreateInvalidation",
        ("GET", 3): "GetInvalidation",
    }
    return names[method, len(parts)]


def _batch_of(body: bytes) -> tuple[str, list[str]]:
    root = ElementTree.fromstring(body)
    items = [element.text or "" for element in root.iter(f"{{{_NAMESPACE}}}Path")]
    quantity = root.findtext(f".//{{{_NAMESPACE}}}Quantity")
    assert quantity == str(len(items)), quantity
    assert all(re.fullmatch(r"/[!-~]*|#[!-+\--~]+", item) for item in items), items
    assert not any("*" in item[:-1] for item in items), items
    return root.findtext(f"{{{_NAMESPACE}}}CallerReference") or "", items


def _xml(status: int, root: str, inner: str) -> Answer:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{_NAMESPACE}">{inner}</{root}>'
    return Answer(status, {"Content-Type": "text/xml"}, text.encode())


def _page(root: str, entries: Sequence[str], query: dict[str, list[str]]) -> Answer:
    start, size = int(query.get("Marker", ["0"])[0]), int(query.get("MaxItems", ["100"])[0])
    page, rest = entries[start : start + size], entries[start + size :]
    items = tag("Items", "".join(page)) if page else ""
    more = tag("NextMarker", str(start + size)) if rest else ""
    head = tag("Marker", str(start)) + more + tag("MaxItems", str(size))
    return _xml(200, root, head + tag("IsTruncated", str(bool(rest)).lower()) + tag("Quantity", str(len(page))) + items)


def _summary(made: Made) -> str:
    facts = tag("Id", made.id) + tag("CreateTime", "2023-11-22T00:00:00.000Z") + tag("Status", made.status)
    return tag("InvalidationSummary", facts)


def _told(status: int, made: Made) -> Answer:
    items = "".join(tag("Path", escape(item)) for item in made.items)
    paths = tag("Paths", tag("Quantity", str(len(made.items))) + tag("Items", items))
    batch = tag("InvalidationBatch", paths + tag("CallerReference", made.reference))
    facts = tag("Id", made.id) + tag("Status", made.status) + tag("CreateTime", "2023-11-22T00:00:00.000Z")
    return _xml(status, "Invalidation", facts + batch)


def _facts(each: Described) -> str:
    arn = tag("ARN", f"arn:aws:cloudfront::123456789012:distribution/{each.id}")
    return tag("Id", each.id) + arn + tag("Status", "Deployed") + tag("DomainName", each.domain)


def _config(each: Described) -> str:
    aliases = "".join(tag("CNAME", alias) for alias in each.aliases)
    origins = "".join(
        tag("Origin", tag("Id", domain) + tag("DomainName", domain) + tag("OriginPath", path))
        for domain, path in each.origins
    )
    header = tag("CacheTagConfig", tag("HeaderName", each.tag_header)) if each.tag_header else ""
    return (
        tag("Aliases", tag("Quantity", str(len(each.aliases))) + tag("Items", aliases))
        + tag("Origins", tag("Quantity", str(len(each.origins))) + tag("Items", origins))
        + tag("Enabled", str(each.enabled).lower())
        + header
    )


def _described(each: Described) -> Answer:
    return _xml(200, "Distribution", _facts(each) + tag("DistributionConfig", _config(each)))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, far_side: FarSideCloudFront) -> None:
        self.far_side = far_side
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        problem = sys.exception()
        if problem is not None and not isinstance(problem, ConnectionError):
            self.far_side.errors.append(problem)


class _Handler(BaseHTTPRequestHandler):
    wbufsize = -1  # headers and body leave together
    server: _Server

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.server.far_side.answer(self.command, self.path, body)
        if answer is None:  # the answer is lost: the connection ends
            return
        self.send_response(answer.status)
        for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve

    def log_message(self, *_: object) -> None:
        """Say nothing: what arrived is kept."""
