"""Tables: aligned for a terminal, or as Markdown to be pasted."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class Table:
    """A title, what its columns are, and its rows; the first column is of words, the others of numbers."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def text(self) -> str:
        """For people at a terminal."""
        lines = ["  ".join(cells) for cells in self._aligned(self.rows)]
        return "\n".join([self.title, "", *(line.rstrip() for line in lines), "", *self.notes]).rstrip() + "\n"

    def markdown(self) -> str:
        """For BENCHMARKS.md."""
        rule = ["-" * 3] + ["--:"] * (len(self.columns) - 1)
        lines = [f"| {' | '.join(cells)} |" for cells in self._aligned([rule, *self.rows])]
        return "\n".join([f"### {self.title}", "", *lines, "", *(f"{note}\n" for note in self.notes)]).rstrip() + "\n"

    def _aligned(self, rows: Sequence[Sequence[str]]) -> list[list[str]]:
        every = [self.columns, *rows]
        widths = [max(map(len, column)) for column in zip(*every, strict=True)]
        return [
            [cell.rjust(width) if place else cell.ljust(width) for place, (cell, width) in enumerate(pairs)]
            for pairs in (zip(cells, widths, strict=True) for cells in every)
        ]


def show(table: Table, *, markdown: bool) -> None:
    """Print a table."""
    sys.stdout.write((table.markdown() if markdown else table.text()) + "\n")
    sys.stdout.flush()


def tell(line: str) -> None:
    """Say on standard error how far it is."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def whole(number: float) -> str:
    """A number as it is read: 12,345."""
    return f"{number:,.0f}"


def megabytes(count: float) -> str:
    """Bytes in MB."""
    return f"{count / 1e6:,.0f}"
