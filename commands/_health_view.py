"""How regions are, as text: a table on a terminal, a line each elsewhere."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from cncbops.health.finding import Row, Status
from cncbops.health.report import Judged
from cncbops.health.verdict import Required, Verdict

from ._flow import say
from ._words import visible

NARROW = 100
"""Columns; on a narrower terminal subject and reason share one."""

STYLES = {Status.ok: "green", Status.warn: "yellow", Status.fail: "bold red", Status.unknown: "magenta"}
_VERDICTS = {Verdict.healthy: "green", Verdict.unhealthy: "bold red", Verdict.unknown: "magenta"}
_HEAD = ("region", "probe", "subject", "status", "age", "why")


def show_rows(console: Console, found: Judged, now: datetime) -> None:
    """Print the rows."""
    if console.file.isatty():
        console.print(table_of(found.rows, now, console.width))
        return
    cells = [_HEAD, *(_cells(row, now) for row in found.rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        console.print(Text("  ".join(map(str.ljust, line, widths))), soft_wrap=True)


def show_verdicts(console: Console, found: Judged) -> None:
    """Print how each region is, and how many had to be healthy."""
    say(console, verdicts(found))


def table_of(rows: Sequence[Row], now: datetime, width: int) -> RenderableType:
    """The rows as a table for a terminal of so many columns; nothing is cut off."""
    return _wide(rows, now) if width >= NARROW else _narrow(rows, now)


def verdicts(found: Judged) -> Text:
    """`us-east-1 healthy, us-west-2 NOT healthy (check: 503); all must be healthy`."""
    told = Text(", ").join(_verdict(found, region) for region in found.verdicts)
    return told.append(f"; {requirement(found.required)}")


def requirement(required: Required) -> str:
    """How many regions must be healthy, in words."""
    return {"all": "all must be healthy", "any": "one must be healthy"}.get(
        str(required), f"{required} must be healthy"
    )


def _verdict(found: Judged, region: str) -> Text:
    verdict = found.verdicts[region]
    word = "NOT healthy" if verdict is Verdict.unhealthy else verdict
    told = Text(f"{region} ").append(word, _VERDICTS[verdict])
    return told if verdict is Verdict.healthy else told.append(_because(found.reasons(region)))


def _because(rows: Sequence[Row]) -> str:
    """The first of the reasons, and how many there are beside it."""
    if not rows:
        return ""
    more = f", and {len(rows) - 1} more" if len(rows) > 1 else ""
    return f" ({rows[0].probe}: {visible(rows[0].finding.why)}{more})"


def _wide(rows: Sequence[Row], now: datetime) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name in _HEAD:
        folds = name in ("subject", "why")
        table.add_column(overflow="fold", no_wrap=not folds, justify="right" if name == "age" else "left")
    table.add_row(*(Text(name, "dim") for name in _HEAD))
    for row in rows:
        region, probe, subject, _, age, why = map(Text, _cells(row, now))
        table.add_row(region, probe, subject, _status(row), age, why)
    return table


def _narrow(rows: Sequence[Row], now: datetime) -> Table:
    """Probe and status, and beside them subject and reason, under each region's name."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    region = None
    for row in rows:
        if row.region != region:
            region = row.region
            table.add_row(Text(region, "bold"))
        _, probe, subject, _, age, why = _cells(row, now)
        table.add_row(Text(probe), _status(row), Text(f"{subject}\n").append(f"{why} ({age} ago)", "dim"))
    return table


def _status(row: Row) -> Text:
    return Text(row.finding.status, STYLES[row.finding.status])


def _cells(row: Row, now: datetime) -> tuple[str, ...]:
    finding = row.finding
    seconds = max(0.0, (now - row.checked).total_seconds())
    told: Iterable[Any] = (row.region, row.probe, finding.subject, finding.status, f"{seconds:.0f} s", finding.why)
    return tuple(map(visible, map(str, told)))


def change_lines(changes: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Changes, a line each."""
    for each in map(visible, changes):
        yield f"{each['checked']} {_told(each)}"


def _told(change: dict[str, Any]) -> str:
    before = f"{change['before']} -> " if change["before"] else ""
    if change["change"] == "region":
        return f"{change['region']}: {before}{change['verdict']}"
    if change["change"] == "all":
        return f"{requirement(Required.parse(change['required']))}: {before}{change['status']}"
    what = f"{change['region']} {change['probe']} {change['subject']}"
    return f"{what}: {before}{change['status'] or 'gone'}: {change['why']}"
