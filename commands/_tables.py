"""Facts as a table of two columns, as every screen shows them; which columns a narrow screen has."""

from collections.abc import Iterable, Mapping, Sequence

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
    """The columns that stand side by side on a screen: each that has room beside those that matter more."""
    shown: set[str] = set()
    for name in by_weight:
        if not shown or sum(widths[each] + _GAP for each in shown) + widths[name] <= most:
            shown.add(name)
    return [name for name in widths if name in shown]
