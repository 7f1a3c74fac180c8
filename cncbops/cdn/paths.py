"""Paths as CloudFront takes them: checked, written in its way, and none that another covers.

A path is relative to the distribution, begins with a slash and is case-sensitive; `*` as its last character stands
for any characters, none included. An item that begins with `#` is no path but a cache tag.
Sources: CloudFront Developer Guide, "What you need to know when invalidating paths", and the same of tags.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from cncbops.errors import BadInput

MOST_CHARS = 4_000
MOST_TAG_CHARS = 256
_KEPT = "/~-._!$&'()*+,;=:@"
"""What stands in a path as itself, beside letters and digits. Encoding more would name another object."""
_ENCODED = re.compile(r"(%[0-9A-Fa-f]{2})")
_HOST = re.compile(r"(?:[a-z][a-z0-9+.-]*://[^/]*|[a-z0-9]+\.cloudfront\.net(?=/|$))", re.IGNORECASE)
_TAG = re.compile(r"[!-+\--~]+")  # visible ASCII but the comma
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


def is_tag(item: str) -> bool:
    """Whether an item is a cache tag."""
    return item.startswith("#")


def is_wildcard(item: str) -> bool:
    """Whether an item stands for many paths."""
    return item.endswith("*") and not is_tag(item)


def to_item(text: str, where: str) -> str:
    """What was typed, as CloudFront takes it: a path, or a `#tag`. Raises BadInput, which says `where` it stands."""
    return _tag(text, where) if is_tag(text) else _path(text, where)


def path_of_key(key: str) -> str | None:
    """The path of an S3 object; None where no path names it alone: `*` in it would stand for others too."""
    return None if "*" in key else "/" + quote(key, safe=_KEPT)


def _path(text: str, where: str) -> str:
    if host := _HOST.match(text):
        rest = text[host.end() :] or "/"
        raise BadInput(f"{where}: {text!r} names a host", f"Paths are of the distribution: type {rest!r}")
    if not text or _UNPRINTABLE.search(text):
        raise BadInput(f"{where}: {text!r} is no path", "Write a path such as /things/42 or '/things/*'")
    if "*" in text[:-1]:
        what = f"{where}: {text!r} has a * that is not its last character"
        raise BadInput(what, "CloudFront takes a wildcard at the end only, such as '/things/*'")
    return _not_too_long(_encoded(text if text.startswith("/") else f"/{text}"), where)


def _encoded(path: str) -> str:
    """With what is not safe encoded, and what is encoded already left alone."""
    pieces = _ENCODED.split(path)
    # Bytes of an argument that are not UTF-8 come as lone surrogates.
    pieces[::2] = [quote(piece, safe=_KEPT + "?", errors="surrogateescape") for piece in pieces[::2]]
    return "".join(pieces)


def _not_too_long(path: str, where: str) -> str:
    if len(path) > MOST_CHARS:
        what = f"{where}: the path {path[:60]!r}... has {len(path):,} characters"
        raise BadInput(what, f"CloudFront takes {MOST_CHARS:,}; cut it and end it in *")
    return path


def _tag(text: str, where: str) -> str:
    """A tag in small letters: CloudFront does not tell them from others."""
    tag = text.removeprefix("#")
    if not _TAG.fullmatch(tag) or len(tag) > MOST_TAG_CHARS:
        what = f"{where}: {text!r} is no cache tag"
        raise BadInput(what, f"A tag is up to {MOST_TAG_CHARS} visible ASCII characters, none of them a comma")
    if tag.endswith("*"):
        raise BadInput(f"{where}: {text!r} ends in *", "A tag has no wildcard: name each tag")
    return f"#{tag.lower()}"


@dataclass(frozen=True, slots=True)
class Distinct:
    """Items without those that say nothing new, in the order given. `covered` counts those left out, by wildcard."""

    items: Sequence[str]
    duplicates: int
    covered: Mapping[str, int]


def distinct(items: Sequence[str]) -> Distinct:
    """Drop what is there twice, and what a wildcard covers."""
    once = list(dict.fromkeys(items))
    cover = Coverage(item for item in once if is_wildcard(item))
    kept, covered = [], Counter[str]()
    for item in once:
        by = cover.of(item)
        if by is None or by == item:
            kept.append(item)
        else:
            covered[by] += 1
    return Distinct(kept, len(items) - len(once), covered)


class Coverage:
    """The wildcards that no other of them covers, looked up by what they cover."""

    def __init__(self, wildcards: Iterable[str]) -> None:
        self._prefixes: list[str] = []
        # Sorted, all that one covers follows right behind it.
        for prefix in sorted(wildcard[:-1] for wildcard in wildcards):
            if not (self._prefixes and prefix.startswith(self._prefixes[-1])):
                self._prefixes.append(prefix)

    def of(self, item: str) -> str | None:
        """The wildcard that covers an item (itself, if it is one of these), or None. A tag has none."""
        text = item[:-1] if is_wildcard(item) else item
        at = bisect_right(self._prefixes, text) - 1
        covers = at >= 0 and not is_tag(item) and text.startswith(self._prefixes[at])
        return f"{self._prefixes[at]}*" if covers else None
