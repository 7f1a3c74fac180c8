"""Objects and events of a lake as text: the same data that `-o json` prints."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ._json_text import indented, visible_lines
from ._plan_view import unread
from ._tables import facts
from ._words import number, size, visible

BAR = 20
MOST_DAYS_BY_HOUR = 31
_TIME = len("2023-11-22T00:00:00Z")


class ObjectLines:
    """Makes a line of each object, in columns as wide as they had to be so far."""

    def __init__(self, *, heads: bool) -> None:
        self._widest = len("STANDARD")
        self._heads = heads

    def of(self, told: Mapping[str, Any]) -> str:
        """An object's line, from its facts; before the first a line of heads, where these are wanted."""
        self._widest = max(self._widest, len(told["storage_class"]))
        line = self._line(
            _moment(told["from"]), _moment(told["to"]), size(told["bytes"]), told["storage_class"], told["object"]
        )
        heads = self._line("from (key)", "to (written)", "size", "class", "object") if self._heads else ""
        self._heads = False
        return heads + line

    def _line(self, since: str, until: str, size: str, storage_class: str, name: str) -> str:
        columns = f"{since:<{_TIME}}  {until:<{_TIME}}  {size:>9}  {storage_class:<{self._widest}}  {name}"
        return f"{visible(columns)}\n"


def show_volumes(console: Console, told: Mapping[str, Any]) -> None:
    """Print totals, then each day and its hours."""
    console.print(facts(_totals(told)))
    if not told["by_day"]:
        return
    has_hours = len(told["by_day"]) <= MOST_DAYS_BY_HOUR
    console.print()
    console.print(_days(told["by_day"], told["by_hour"] if has_hours else {}))
    if not has_hours:
        console.print(Text("Hours: with -o json, or for a shorter time with --from and --to", style="dim"))


def _totals(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    objects = told["objects"]
    yield "objects", f"{objects['listed'] - objects['skipped']:,}, {size(objects['bytes'])}{unread(objects)}"
    if told["storage_classes"].keys() - {"STANDARD"}:
        yield (
            "classes",
            "; ".join(
                f"{visible(name)} {sums['objects']:,}, {size(sums['bytes'])}"
                for name, sums in told["storage_classes"].items()
            ),
        )
    if told["without_time"]:
        without = number(told["without_time"], "object")
        yield "times", f"{without} by when written, as the keys name no time"


def _days(by_day: Mapping[str, Any], by_hour: Mapping[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2))
    for justify in ("left", "right", "right", "left"):
        table.add_column(justify=justify, no_wrap=True)
    table.add_row(*(Text(head, "bold") for head in ("time (UTC)", "objects", "size")))
    most = max(sums["bytes"] for sums in (by_hour or by_day).values())
    for day, sums in by_day.items():
        _add(table, Text(day, "bold"), sums, 0 if by_hour else most)
        for hour in by_hour:
            if hour.startswith(day):
                _add(table, Text(f"  {hour[11:]}"), by_hour[hour], most)
    return table


def _add(table: Table, name: Text, sums: Mapping[str, int], most: int) -> None:
    bar = "█" * max(1, round(BAR * sums["bytes"] / most)) if most else ""
    table.add_row(name, f"{sums['objects']:,}", size(sums["bytes"]), Text(bar, "cyan"))


def show_event(console: Console, found: Mapping[str, Any]) -> None:
    """Print one event: where it lies, its record, and what it says."""
    place = f"{found['object']}:{found['line']}" + (f".{found['part']}" if found["part"] else "")
    console.print(Text(visible(place), style="bold"), soft_wrap=True)
    console.print(facts((name, visible(value)) for name, value in _record(found) if value))
    console.print(Text(visible_lines(indented(found["event"].decode(errors="replace")))), soft_wrap=True)
    console.print()


def _record(found: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    yield "id", found["event_id"]
    yield "type", found["type"]
    yield "time", found["time"]
    yield "partition key", found["partition_key"]
    yield "sequence number", found["sequence_number"]
    yield "shard", found["shard"]
    yield "arrival", found["arrival"]
    yield "made up", "what the lake did not keep of sequence number or partition key" if found["synthesized"] else None


def _moment(text: str | None) -> str:
    """An ISO time to the second."""
    return f"{text[:19]}Z" if text else "-"
