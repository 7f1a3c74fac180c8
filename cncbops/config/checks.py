"""What a file must hold to be understood: errors that name file, key, and what it is."""

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cncbops.errors import BadInput

_MOST_NAMES = 10
_WORDS = {dict: "a table", list: "a list", str: "a text", bool: "true or false", int: "an integer", float: "a number"}


def as_table(path: Path, where: str, value: object) -> Mapping[str, Any]:
    """A table, or BadInput."""
    if not isinstance(value, dict):
        raise BadInput(f"{path}: {where} is {kind(value)}, no table", f"Write [{where}] above its keys")
    return value


def as_texts(path: Path, where: str, value: object) -> list[str]:
    """A list of texts, also of one; or BadInput."""
    values: list[Any] = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str) and each for each in values):
        raise BadInput(f"{path}: {where} is {value!r}", 'Write texts: ["one", "two"]')
    return values


def require_known(path: Path, where: str, table: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raise BadInput for the first key that is none of those known, with the nearest of them."""
    names = list(known)
    for name in table:
        if name not in names:
            key = f"{where}.{name}" if where else name
            raise BadInput(f"{path}: unknown key {key}", nearest(name, names))


def nearest(name: str, known: Iterable[str]) -> str:
    """What may have been meant, as a hint."""
    names = list(known)
    close = closest(name, names)
    return f"Did you mean {close}?" if close else f"Known here: {_first(names) or 'nothing'}"


def closest(name: str, known: Collection[str]) -> str | None:
    """The name that is most like another, None if none is much like it."""
    # Of two letters that are swapped, as in `sl`, only one is in its place.
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5 if len(name) == 2 else 0.6)
    return close[0] if close else None


def _first(names: Sequence[str]) -> str:
    """Names in words, of many the first."""
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def kind(value: object) -> str:
    """What a value of TOML is, in words."""
    return _WORDS.get(type(value), "a date or time")
