"""Listings to ask for, answered in the client's own process: botocore signs, sends and parses as ever.

Each request is answered in the thread that makes it, after what a test wants to happen first.
"""

import io
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from cncbops.lake.layout import TimeWindow
from cncbops.lake.listing import LISTERS, list_objects
from cncbops.lake.sources import S3Source
from tests.e2e.far_side_s3 import Answer, Bucket, StoredObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Query = dict[str, str]
WAIT_S = 20


class Far:
    """A bucket `lake` behind a client; what it was asked, and how many calls were under way at once."""

    def __init__(self, s3: "S3Client", keys: Iterable[str], page: int) -> None:
        self.s3, self.page = s3, page
        self.keys = sorted(keys)
        self.bucket = Bucket("lake", dict.fromkeys(self.keys, StoredObject(b"{}")))
        self.asked: list[Query] = []
        self.most = self.under_way = 0
        self.changed = threading.Condition()
        self.before: Callable[[Query], Answer | None] = lambda _: None
        """What happens first: an answer is given in place of the bucket's."""
        self.after: Callable[[Query, Answer], Answer] = lambda _, answer: answer

    @property
    def pages(self) -> int:
        return -(-len(self.keys) // self.page)

    def listed(
        self, prefix: str = "", asked: TimeWindow | None = None, at_once: int = LISTERS
    ) -> Generator[str, None, None]:
        for obj in list_objects(S3Source("lake", prefix), self.s3, asked, at_once=at_once):
            yield obj.key

    def send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        query = dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))
        with self.changed:
            self.asked.append(query)
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            self.changed.notify_all()
        try:
            answer = self.before(query) or self.bucket.answer("GET", "", {**query, "max-keys": str(self.page)}, {})
            answer = self.after(query, answer)
        finally:
            with self.changed:
                self.under_way -= 1
                self.changed.notify_all()
        return AWSResponse(request.url, answer.status, dict(answer.headers), Body(answer.body))


class Body(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


@contextmanager
def far(s3: "S3Client", keys: Iterable[str], page: int = 5) -> Iterator[Far]:
    """A bucket of these keys that gives so many on a page."""
    side = Far(s3, keys, page)
    s3.meta.events.register("before-send.s3.ListObjectsV2", side.send)
    try:
        yield side
    finally:
        s3.meta.events.unregister("before-send.s3.ListObjectsV2", side.send)


def list_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("list_")]
