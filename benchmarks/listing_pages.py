"""S3's listings of a bucket that is a folder: ListObjectsV2, and the marker's older one."""

import os
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote
from xml.sax.saxutils import escape

_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


class _Page(NamedTuple):
    contents: list[int]
    folders: list[str]
    next_place: int | None


class Bucket:
    """The keys of a folder, in S3's order, and their pages."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        found = sorted(_files(folder, ""))
        self._keys = [key for key, _, _ in found]
        # Made beforehand: a page must cost little, as the clients that are measured need the cores.
        self._facts = [_facts(size, seconds) for _, size, seconds in found]

    def answer(self, query: Mapping[str, str]) -> str:
        """The document for one request. A token is the place in the bucket where the page begins."""
        page = self._page(query)
        show = quote if query.get("encoding-type") == "url" else escape
        contents = "".join(f"<Contents><Key>{show(self._keys[place])}{self._facts[place]}" for place in page.contents)
        folders = "".join(f"<CommonPrefixes><Prefix>{show(each)}</Prefix></CommonPrefixes>" for each in page.folders)
        return f"{_XML}<ListBucketResult {_NAMESPACE}>{self._head(query, page)}{contents}{folders}</ListBucketResult>"

    def _head(self, query: Mapping[str, str], page: _Page) -> str:
        head = {
            "Name": self._name,
            "Prefix": query.get("prefix", ""),
            "Delimiter": query.get("delimiter"),
            "MaxKeys": _most(query),
            "EncodingType": query.get("encoding-type"),
            "KeyCount": len(page.contents) + len(page.folders),
            "IsTruncated": "false" if page.next_place is None else "true",
            "NextContinuationToken": page.next_place,
        }
        return "".join(f"<{tag}>{escape(str(value))}</{tag}>" for tag, value in head.items() if value is not None)

    def _page(self, query: Mapping[str, str]) -> _Page:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        page = _Page([], [], None)
        place, end = self._first(query), self._end(prefix)
        for _ in range(_most(query)):
            if place >= end:
                return page
            key = self._keys[place]
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            if cut < 0:
                page.contents.append(place)
                place += 1
            else:
                page.folders.append(key[: cut + len(delimiter)])
                place = self._end(page.folders[-1])
        return page if place >= end else page._replace(next_place=place)

    def _first(self, query: Mapping[str, str]) -> int:
        if token := query.get("continuation-token"):
            return int(token)
        after = query.get("start-after") or query.get("marker") or ""
        return max(bisect_left(self._keys, query.get("prefix", "")), bisect_right(self._keys, after) if after else 0)

    def _end(self, prefix: str) -> int:
        """The place after the last key that starts so; keys are ASCII."""
        return bisect_left(self._keys, f"{prefix}\x7f")


def _facts(size: int, seconds: int) -> str:
    """What follows an object's key; the ETag is nginx's, made of time and size."""
    modified = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return (
        f"</Key><LastModified>{modified}</LastModified><ETag>&quot;{seconds:x}-{size:x}&quot;</ETag>"
        f"<Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
    )


def _most(query: Mapping[str, str]) -> int:
    return min(1_000, int(query.get("max-keys") or 1_000))


def _files(folder: Path, below: str) -> Iterator[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(folder / entry.name, f"{below}{entry.name}/")
            else:
                info = entry.stat()
                yield f"{below}{entry.name}", info.st_size, int(info.st_mtime)
