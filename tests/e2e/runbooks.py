"""The commands of `docs/`, as they are written there: each block of `sh` under its heading."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
_PART = re.compile(r"^## (?P<heading>[^\n]+)$|^```sh(?: exit=(?P<codes>[\d,]+))?\n(?P<script>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """Commands that are typed at once; `codes` are the exit codes that the text speaks of, 0 where it names none."""

    heading: str
    script: str
    codes: frozenset[int]


def blocks_of(name: str) -> Sequence[Block]:
    """The blocks of a page, from first to last."""
    heading, found = "", []
    for part in _PART.finditer((DOCS / name).read_text("utf-8")):
        heading = part["heading"] or heading
        if part["script"]:
            codes = frozenset(map(int, (part["codes"] or "0").split(",")))
            found.append(Block(heading, part["script"], codes))
    return found
