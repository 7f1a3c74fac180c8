"""The library's compression marker: the string `COMPRESSED` + base64(gzip(JSON)) in place of a large value.

Faults exempt `uow`, `batch`, `record`, `kinesis` and `data`, and a value is never compressed again inside
a compressed one. So of a record it is the fields just below it (and below its `kinesis`) that may be
compressed; a marker any deeper, and everything in `kinesis.data`, was there before and is the function's
to undo. Source: jgilbert01/aws-lambda-stream, src/utils/compression.js and faults.js.
"""

import base64
import re
import zlib
from collections.abc import Iterator

from cncbops.faults.json_text import NOT_JSON, check, starts_with, value_in
from cncbops.formats.event import Bytes

MARK = b'"COMPRESSEDH4sI'  # H4sI: how gzip begins in base64
LARGEST = 64 * 1024 * 1024
"""Bytes that markers may come to, of a value and of all that is kept of a fault's work: a thousand times themselves."""
_ROUNDS = 8
_WITH_GZIP_HEADER = 31
_TOKEN = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+")(\s*:)?|[{}\[\]]', re.DOTALL)


class Unreadable(ValueError):
    """A marker holds no gzip of JSON, or more of it than there is room for."""


def inflated(document: Bytes, room: int = LARGEST) -> Bytes:
    """The JSON that a marker stands for, of so many bytes at most; any other text as it is. Raises Unreadable."""
    for _ in range(_ROUNDS):
        if not starts_with(document, MARK):
            return document
        document = _inflate(document, room)
    raise Unreadable


def undone(record: bytes, room: int = LARGEST) -> tuple[bytes, bool]:
    """A record with its markers undone and all other bytes as they are, and whether all could be undone.

    They are as far as their values, all together, have so many bytes at most.
    """
    parts, at, whole, left = [], 0, True, room
    for start, end in _markers(record) if MARK in record else ():
        try:
            value = bytes(inflated(record[start:end], left))
        except Unreadable:
            whole = False
            continue
        parts += [record[at:start], value]
        at, left = end, left - len(value)
    return b"".join([*parts, record[at:]]), whole


def _inflate(marker: Bytes, room: int) -> bytes:
    if room <= 0:  # which zlib takes for no limit
        raise Unreadable
    inflater = zlib.decompressobj(wbits=_WITH_GZIP_HEADER)
    try:
        packed = base64.b64decode(value_in(marker).removeprefix("COMPRESSED"), validate=True)
        document = inflater.decompress(packed, room)
        check(document)
    except (ValueError, zlib.error, *NOT_JSON) as error:
        raise Unreadable from error
    if not inflater.eof:
        raise Unreadable
    return document


def _markers(record: bytes) -> Iterator[tuple[int, int]]:
    """Where the markers stand that the publisher of the fault may have made."""
    depth, outer, inner = 0, b"", b""
    for token in _TOKEN.finditer(record):
        string, is_name = token[1], token[2]
        if string is None:
            depth += 1 if token[0] in b"{[" else -1
        elif is_name:
            outer, inner = (string, b"") if depth == 1 else (outer, string)
        elif string.startswith(MARK) and _may_be_made(depth, outer, inner):
            yield token.span(1)


def _may_be_made(depth: int, outer: bytes, inner: bytes) -> bool:
    if depth == 1:
        return outer != b'"data"'
    return depth == 2 and outer == b'"kinesis"' and inner != b'"data"'
