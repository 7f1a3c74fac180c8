"""Lines of prose that stay one line each: a terminal breaks them between words, and what is copied from it is whole."""

import os
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

# What a shell would take for one word stays one, such as a quoted name with spaces; an apostrophe opens no quotes.
_WORD = re.compile(r"""\s*(?:(?<!\w)'[^']*'|(?<!\w)"[^"]*"|\S)+\s*""")


def say(console: "Console", line: "Text | str") -> None:
    """Print a line, which on a terminal is broken between words."""
    from rich.text import Text

    text = line if isinstance(line, Text) else Text(line)
    if console.is_terminal:
        text = Text("\n").join(_in_rows(each, console.width) for each in text.split("\n", allow_blank=True))
    console.print(text, soft_wrap=True)


def flowing(text: str, stream: int) -> str:
    """The same of text for a stream that rich is not needed for, as a file descriptor."""
    width = columns(stream)
    return "\n".join("".join(_padded(line, width)) for line in text.split("\n")) if width else text


def columns(stream: int) -> int | None:
    """How wide a terminal is, None of what is none, or does not say so."""
    try:
        return os.get_terminal_size(stream).columns or None
    except OSError:
        return None


def _in_rows(line: "Text", width: int) -> "Text":
    rows = line.divide(_breaks(line.plain, width))
    for row in rows[:-1]:
        row.pad_right(-_cells(row.plain) % width)
    return line.blank_copy().join(rows)


def _padded(line: str, width: int) -> Iterator[str]:
    rows = [line[start:end] for start, end in pairwise([0, *_breaks(line, width), len(line)])]
    yield from (row + " " * (-_cells(row) % width) for row in rows[:-1])
    yield rows[-1]


def _breaks(line: str, width: int) -> Iterator[int]:
    """Where a new row begins, to be filled up before with spaces: a line end would break what is copied, too."""
    used = 0
    for word in _WORD.finditer(line):
        length = _cells(word[0])
        if used and used + length > width:
            yield word.start()
            used = 0
        used = (used + length) % width


def _cells(text: str) -> int:
    """How many columns a terminal shows a text in: of other scripts than ours, and of pictures, many take two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # here: nearly all text is ASCII

    return cell_len(text)
