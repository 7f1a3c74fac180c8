"""Answers nginx's requests for listings: `python -m benchmarks.listing_server BUCKETS SOCKET CALLS LATENCY_S`.

CALLS is the file where it writes down when each came, in seconds since 1970, a line for each.

A latency is waited for without holding up other requests, as S3 does with those that come at once.
"""

import asyncio
import sys
import time
from pathlib import Path
from typing import TextIO
from urllib.parse import parse_qsl, unquote, urlsplit

from benchmarks.listing_pages import Bucket

_MISSING = "<Error><Code>NoSuchBucket</Code><Message>There is no such bucket</Message></Error>"


class _Server:
    def __init__(self, buckets: Path, calls: TextIO, latency_s: float) -> None:
        self._buckets = {folder.name: Bucket(folder.name, folder) for folder in buckets.iterdir() if folder.is_dir()}
        self._calls, self._latency_s = calls, latency_s

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, for as long as nginx keeps it."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                print(time.time(), file=self._calls, flush=True)
                await asyncio.sleep(self._latency_s)
                writer.write(self._response(head.split(b" ", 2)[1].decode()))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _response(self, target: str) -> bytes:
        url = urlsplit(target)
        bucket = self._buckets.get(unquote(url.path).strip("/"))
        status = "200 OK" if bucket else "404 Not Found"
        document = (bucket.answer(dict(parse_qsl(url.query))) if bucket else _MISSING).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {len(document)}\r\n\r\n"
        return head.encode() + document


async def _main(buckets: str, socket: str, calls: str, latency_s: str) -> None:
    with Path(calls).open("w") as told:
        server = await asyncio.start_unix_server(_Server(Path(buckets), told, float(latency_s)).serve, socket)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
