"""Facts as a table of two columns, as every screen shows them; which columns a narrow screen has."""

from collections.abc import Iterable, Mapping, Sequence, Set

from rich.table import Table
from rich.text import Text

_GAP = 2


def facts(rows: Iterable[tuple[str, str | Text]]) -> Table:
    """A name and what is known, a row each; long values are folded."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value if isinstance(value, Text) else Text(value))
    return table


def fitting(widths: Mapping[str, int], by_weight: Sequence[str], most: int) -> Sequence[str]:
    """The columns that stand side by side on a screen: each that has room beside those that matter more.

    The one that matters least is no filler: it stands where all others do.
    """
    *others, least = by_weight
    shown = set(others[:1])
    for name in others[1:]:
        if _width(widths, {*shown, name}) <= most:
            shown.add(name)
    if _width(widths, set(by_weight)) <= most:
        shown.add(least)
    return [name for name in widths if name in shown]


def _width(widths: Mapping[str, int], names: Set[str]) -> int:
    return sum(widths[name] + _GAP for name in names) - _GAP
