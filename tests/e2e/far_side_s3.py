"""The far side's S3: listing and reading of buckets held in memory or in a local folder, path-style.

Read-only: anything but GET and HEAD is answered 405, so a test sees a write that must not happen.
"""

import base64
import hashlib
import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from email.utils import format_datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

PAGE_SIZE = 1000
ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")
LAST_MODIFIED = datetime(2018, 4, 8, 3, 54, 0, tzinfo=UTC)


class Answer(NamedTuple):
    """One HTTP answer: status, headers, body."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


@dataclass(frozen=True)
class StoredObject:
    """One object of a bucket; `vanished` is one that is listed but no longer there when it is read.

    One of storage class GLACIER or DEEP_ARCHIVE is listed, and refused when it is read. `headers` come with its own,
    `tag` is its ETag where that is not the MD5 of its content.
    """

    content: bytes | Path
    content_encoding: str | None = None
    last_modified: datetime = LAST_MODIFIED
    vanished: bool = False
    storage_class: str = "STANDARD"
    headers: Mapping[str, str] = field(default_factory=dict)
    tag: str | None = None

    @property
    def body(self) -> bytes:
        return self.content.read_bytes() if isinstance(self.content, Path) else self.content

    @property
    def size(self) -> int:
        return self.content.stat().st_size if isinstance(self.content, Path) else len(self.content)

    @cached_property
    def etag(self) -> str:
        return f'"{self.tag or hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


class Bucket:
    """Objects by key, listed in UTF-8 byte order (which is Python's order of strings)."""

    def __init__(self, name: str, objects: Mapping[str, StoredObject], reader: str | None = None) -> None:
        """`reader` is the only access key that may read it; None lets everybody."""
        self.name, self._reader = name, reader
        self._objects = dict(objects)
        self._keys = sorted(self._objects)

    def answer(self, method: str, key: str, query: Mapping[str, str], headers: Message) -> Answer:
        if method not in ("GET", "HEAD"):
            return error(405, "MethodNotAllowed", "The specified method is not allowed here.")
        if self._reader and f"Credential={self._reader}/" not in headers.get("Authorization", ""):
            return error(403, "AccessDenied", "Access Denied")
        if key:
            return self._read(method, key, headers)
        if method == "HEAD":
            return Answer(200, {"x-amz-bucket-region": "us-east-1"})
        if query.get("list-type") != "2":
            return error(501, "NotImplemented", "Of a bucket only ListObjectsV2 is served here.")
        return self._list(query)

    def _read(self, method: str, key: str, headers: Message) -> Answer:
        stored = self._objects.get(key)
        if stored is None or stored.vanished:
            return error(404, "NoSuchKey", "The specified key does not exist.")
        if stored.storage_class in ARCHIVES and method == "GET":
            return error(403, "InvalidObjectState", "The operation is not valid for the object's storage class")
        if headers.get("If-Match", stored.etag) not in (stored.etag, "*"):
            return error(412, "PreconditionFailed", "At least one of the pre-conditions did not hold")
        facts = {
            "ETag": stored.etag,
            "Last-Modified": format_datetime(stored.last_modified, usegmt=True),
            "Content-Type": "binary/octet-stream",
            "Accept-Ranges": "bytes",
            **stored.headers,
        }
        if stored.content_encoding:
            facts["Content-Encoding"] = stored.content_encoding
        wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", headers.get("Range", ""))
        return _slice(stored.body, wanted.groups(), facts) if wanted else Answer(200, facts, stored.body)

    def _list(self, query: Mapping[str, str]) -> Answer:
        prefix, token = query.get("prefix", ""), query.get("continuation-token", "")
        after = base64.urlsafe_b64decode(token).decode() if token else query.get("start-after", "")
        limit = min(int(query.get("max-keys", PAGE_SIZE)), PAGE_SIZE)
        entries: list[str] = []
        last = after if token else ""
        for key in self._keys[max(bisect_left(self._keys, prefix), bisect_right(self._keys, after)) :]:
            if not key.startswith(prefix):
                break
            entry = _rolled_up(key, prefix, query.get("delimiter", ""))
            if entry == last:
                continue
            if len(entries) == limit:
                return self._page(query, entries, base64.urlsafe_b64encode(last.encode()).decode())
            entries.append(entry)
            last = entry
        return self._page(query, entries, "")

    def _page(self, query: Mapping[str, str], entries: list[str], next_token: str) -> Answer:
        url_encoded = query.get("encoding-type") == "url"

        def text(value: str) -> str:
            return escape(quote_plus(value, safe="/*") if url_encoded else value)

        delimiter = query.get("delimiter", "")
        parts = [
            tag("Name", self.name),
            tag("Prefix", text(query.get("prefix", ""))),
            tag("MaxKeys", query.get("max-keys", str(PAGE_SIZE))),
            tag("KeyCount", str(len(entries))),
            tag("IsTruncated", str(bool(next_token)).lower()),
            tag("EncodingType", "url") if url_encoded else "",
            tag("Delimiter", text(delimiter)) if delimiter else "",
            tag("StartAfter", text(query["start-after"])) if query.get("start-after") else "",
            tag("NextContinuationToken", next_token) if next_token else "",
        ]
        for entry in entries:
            if delimiter and delimiter in entry[len(query.get("prefix", "")) :]:
                parts.append(tag("CommonPrefixes", tag("Prefix", text(entry))))
            else:
                parts.append(_contents(text(entry), self._objects[entry]))
        return xml(200, "ListBucketResult", "".join(parts), "http://s3.amazonaws.com/doc/2006-03-01/")


def from_folder(folder: Path) -> dict[str, StoredObject]:
    """Every file under `folder` as an object whose key is its path relative to the folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): StoredObject(path) for path in files}


def key_of(role: str) -> str:
    """The access key that whoever assumes a role is given."""
    return f"ASIA{hashlib.md5(role.encode(), usedforsecurity=False).hexdigest()[:16].upper()}"


def credentials_of(role: str) -> Answer:
    """What STS answers to AssumeRole."""
    members = {"AccessKeyId": key_of(role), "SecretAccessKey": "s", "SessionToken": "t"}
    inner = "".join(tag(name, text) for name, text in members.items()) + tag("Expiration", "2100-01-01T00:00:00Z")
    result = tag("AssumeRoleResult", tag("Credentials", inner))
    return xml(200, "AssumeRoleResponse", result, "https://sts.amazonaws.com/doc/2011-06-15/")


def tag(name: str, inner: str) -> str:
    return f"<{name}>{inner}</{name}>"


def xml(status: int, root: str, inner: str, namespace: str = "") -> Answer:
    attribute = f' xmlns="{namespace}"' if namespace else ""
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}{attribute}>{inner}</{root}>'
    return Answer(status, {"Content-Type": "application/xml"}, text.encode())


def error(status: int, code: str, message: str) -> Answer:
    inner = tag("Code", code) + tag("Message", escape(message)) + tag("RequestId", "4442587FB7D0A2F9")
    return xml(status, "Error", inner)


def _rolled_up(key: str, prefix: str, delimiter: str) -> str:
    """The common prefix that stands for `key` in a listing with `delimiter`, else the key itself."""
    end = key.find(delimiter, len(prefix)) if delimiter else -1
    return key if end < 0 else key[: end + len(delimiter)]


def _contents(key: str, stored: StoredObject) -> str:
    modified = stored.last_modified.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    facts = tag("LastModified", modified) + tag("ETag", escape(stored.etag)) + tag("Size", str(stored.size))
    return tag("Contents", tag("Key", key) + facts + tag("StorageClass", stored.storage_class))


def _slice(body: bytes, wanted: tuple[str, ...], facts: Mapping[str, str]) -> Answer:
    first, last = wanted
    start = int(first) if first else max(len(body) - int(last), 0)
    stop = min(int(last) + 1, len(body)) if first and last else len(body)
    if start >= stop:
        return error(416, "InvalidRange", "The requested range is not satisfiable")
    return Answer(206, {**facts, "Content-Range": f"bytes {start}-{stop - 1}/{len(body)}"}, body[start:stop])
