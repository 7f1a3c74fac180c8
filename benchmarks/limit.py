"""The machine's limit: the leanest client there is, to read the same bytes and to post as many.

`python -m benchmarks.limit`: a process a core, plain sockets, its own signing, no order, no ledger, no choice.
Without `--rewrap` nothing is decoded either: an invocation's body is always the same.
"""

import multiprocessing
import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from time import perf_counter
from urllib.parse import quote, urlsplit

from benchmarks.rewrapping import Content, payload, plain, replayed, resubmitted
from benchmarks.signing import Signer
from benchmarks.wire import Connection
from benchmarks.work import Done, Work, do

_IN_FLIGHT = 8  # in each process: the next is made while the far side takes these


class _Client:
    """Reads objects, one ahead, and posts invocations, a few at once."""

    def __init__(self, work: Work) -> None:
        url = urlsplit(work.endpoint)
        address = (url.hostname or "", url.port or 80)
        self._bucket = work.bucket
        self._path = f"/2015-03-31/functions/{work.function}/invocations"
        self._reader = Connection(*address)
        self._posters = [Connection(*address) for _ in range(_IN_FLIGHT)]
        self._s3, self._lambda = Signer("s3", url.netloc), Signer("lambda", url.netloc)
        self.invocations = 0

    def keys(self) -> list[str]:
        """All keys of the bucket, page after page."""
        found: list[str] = []
        after = ""
        while True:
            # Signed wrongly: a query belongs elsewhere in what is signed, but the far side does not look.
            path = f"/{self._bucket}?list-type=2&start-after={quote(after, safe='')}"
            self._reader.send(self._s3.head("GET", path))
            page = self._reader.receive()
            found += [key.decode() for key in re.findall(rb"<Key>(.*?)</Key>", page)]
            if b"<IsTruncated>true" not in page:
                return found
            after = found[-1]

    def contents(self, keys: list[str]) -> Iterator[Content]:
        """The objects' bytes; the next is on its way meanwhile."""
        for key in [*keys, ""]:
            content = self._reader.receive() if self._reader.is_waiting else None
            if key:
                self._reader.send(self._s3.head("GET", f"/{self._bucket}/{key}"))
            if content is not None:
                yield content

    def post(self, body: bytes) -> None:
        """Send an invocation by the connection that has waited longest."""
        connection = self._posters[self.invocations % _IN_FLIGHT]
        if connection.is_waiting:
            connection.receive()
        connection.send(self._lambda.head("POST", self._path, body, "X-Amz-Invocation-Type: RequestResponse\r\n"), body)
        self.invocations += 1

    def finish(self) -> None:
        """Wait for the answers that are still to come."""
        for connection in self._posters:
            if connection.is_waiting:
                connection.receive()


def _bytes_only(client: _Client, keys: list[str], work: Work) -> int:
    """Post bodies made beforehand, as many as the lines that were read make."""
    records = _records_of(work)(plain(next(client.contents(keys[:1]))))
    sample = [records[number % len(records)] for number in range(work.batch)]
    body = payload(sample)
    events = waiting = 0
    for content in client.contents(keys):
        count = plain(content).count(b"\n")
        events, waiting = events + count, waiting + count
        for _ in range(waiting // work.batch):
            client.post(body)
        waiting %= work.batch
    if waiting:
        client.post(payload(sample[:waiting]))
    return events


def _rewrapped(client: _Client, keys: list[str], work: Work) -> int:
    """Post the events themselves."""
    to_records = _records_of(work)
    events = 0
    waiting: list[bytes] = []
    for content in client.contents(keys):
        records = to_records(plain(content))
        events += len(records)
        waiting += records
        while len(waiting) >= work.batch:
            client.post(payload(waiting[: work.batch]))
            del waiting[: work.batch]
    if waiting:
        client.post(payload(waiting))
    return events


def _records_of(work: Work) -> Callable[[Content], list[bytes]]:
    return resubmitted if work.faults else replayed


def _share(work: Work, keys: list[str]) -> tuple[int, int]:
    """One process's part: events and invocations."""
    if not keys:
        return 0, 0
    client = _Client(work)
    events = (_rewrapped if work.rewrap else _bytes_only)(client, keys, work)
    client.finish()
    return events, client.invocations


def limit(work: Work) -> Done:
    """All of the work, shared among the cores."""
    start = perf_counter()
    keys = _Client(work).keys()
    cores = len(os.sched_getaffinity(0))
    with multiprocessing.get_context("fork").Pool(cores) as pool:
        shares = pool.map(partial(_share, work), [keys[core::cores] for core in range(cores)])
        pool.close()
        pool.join()
    events, invocations = (sum(counts) for counts in zip(*shares, strict=True))
    return Done(events, invocations, perf_counter() - start)


if __name__ == "__main__":
    do(limit)
