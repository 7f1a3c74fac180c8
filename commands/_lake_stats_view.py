"""Statistics of a lake as text: the same data that `-o json` prints."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ._flow import say
from ._plan_view import chart, unread
from ._summary_view import nothing_matches
from ._tables import facts
from ._words import a_rate, number, size

MOST_ROWS, MOST_DAYS, MOST_GAPS = 24, 31, 10
_LEVELS = "▁▂▃▄▅▆▇█"
_HOURS_A_DAY = 24
_DIGITS = 16
_HOUR = "%Y-%m-%dT%H:%MZ"


def show_statistics(console: Console, document: Mapping[str, Any]) -> None:
    """Print what a lake holds: counts in words, charts, and what it lacks."""
    found_none = document["status"] == "nothing"
    if found_none:
        say(console, f"Nothing to count: {nothing_matches(document)}.\n")
    for part in () if found_none and not document["objects"]["listed"] else _parts(document):
        console.print(part)
        console.print()


def _parts(document: Mapping[str, Any]) -> Iterator[RenderableType]:
    events = document["events"]
    yield facts(_what(document))
    if events["matched"]:
        for name in ("type", "source", "region", "shard"):
            yield chart(f"By {name}", events[f"by_{name}"], limit=MOST_ROWS)
        yield Group(Text("Hottest partition keys", style="bold"), _hottest(document["partition_keys"]["hottest"]))
        yield _hours(document["by_hour"])
    yield Group(Text("Gaps", style="bold"), facts(_gaps(document["gaps"])))
    if document["status"] == "interrupted":
        yield Text("Interrupted: this is what was counted until then.", style="bold")


def _what(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    events, objects = document["events"], document["objects"]
    faults = f"; left out: {number(events['faults'], 'fault')} (ask with --type fault)" if events["faults"] else ""
    yield "events", f"{events['matched']:,} matched of {events['read']:,} read{faults}"
    if document["first_event"]:
        yield "time", f"{document['first_event']} to {document['last_event']}"
    if events["without_time"]:
        undated = number(events["without_time"], "event")
        yield "undated", f"{undated} without a time of the event's own: arrival counts, else the time of the object"
    yield "objects", f"{objects['read']:,} read, {size(objects['bytes'])}{unread(objects)}"
    if events["malformed"]:
        yield "trouble", number(events["malformed"], "malformed line")
    if events["matched"]:
        yield from _rates(document["rates"])
        yield from _sizes(document["sizes"])
        yield "keys", _distinct(document["partition_keys"])
        yield "repeats", _repeats(document["repeated_ids"])
    if events["synthesized"]:
        made_up = number(events["synthesized"], "event")
        yield "made up", f"what the lake did not keep of sequence number or partition key of {made_up}"


def _rates(rates: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if rates["mean_events_per_s"] is not None:
        a_second, an_hour = a_rate(rates["mean_events_per_s"]), a_rate(rates["mean_events_per_hour"])
        yield "mean rate", f"{a_second} events/s, {an_hour} an hour, from the first event to the last"
    exact = "" if rates["peak_second_is_exact"] else "at least "
    yield (
        "peaks",
        f"{exact}{rates['peak_events_per_s']:,} in a second ({_to_second(rates['peak_second'])}), "
        f"{rates['peak_events_per_hour']:,} in an hour ({_to_minute(rates['peak_hour'])})",
    )


def _sizes(sizes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    error, about = sizes["rank_error"], "about " if sizes["rank_error"] else ""
    estimate = f" (of an event within {error:.2%} of all events, with 99 % confidence)" if error else ""
    yield (
        "sizes",
        f"{size(sizes['sum_bytes'])} of events without what is around them; mean {size(sizes['mean_bytes'])}, "
        f"median {about}{size(sizes['median_bytes'])}, p99 {about}{size(sizes['p99_bytes'])}{estimate}",
    )
    place = sizes["largest_event"]
    yield "largest", f"{size(sizes['largest_bytes'])}, {place['object']}:{place['line']}"


def _distinct(keys: Mapping[str, Any]) -> str:
    if keys["distinct_low"] == keys["distinct_high"]:
        return number(keys["distinct"], "different partition key")
    low, high = keys["distinct_low"], keys["distinct_high"]
    return f"about {keys['distinct']:,} different partition keys ({low:,} to {high:,}, with 95 % confidence)"


def _repeats(repeats: Mapping[str, Any]) -> str:
    told = "no event id comes more than once"
    if repeats["ids"]:
        examples = f"; e.g. {', '.join(repeats['examples'][:3])}" if repeats["examples"] else ""
        events = number(repeats["events"], "event")
        told = f"{number(repeats['ids'], 'id')} more than once, in {events} beyond the first of each{examples}"
    if not repeats["is_complete"]:
        told += f"; among the first {number(repeats['events_looked_at'], 'id')}: the disk had no room for more (TMPDIR)"
    without = repeats["events_without_id"]
    return told + (f"; {number(without, 'event')} without an id" if without else "")


def _hottest(keys: Sequence[Mapping[str, Any]]) -> RenderableType:
    if not keys:
        return Text("none stands out")
    table = Table.grid(padding=(0, 2))
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for key in keys:
        low, high = key["events_low"], key["events_high"]
        exact = low == high
        counted = f"{key['events']:,}" if exact else f"{low:,} to {high:,}"
        table.add_row(Text(key["partition_key"]), counted, f"{key['share']:.1%}")
    return table


def _hours(by_hour: Mapping[str, int]) -> RenderableType:
    """Hours as bars where they are few, else a day a row with a block for each of its hours; a dot where none is."""
    hours = {datetime.strptime(hour, _HOUR): count for hour, count in by_hour.items()}
    if not hours:
        return Text("By hour: all times lie beyond what is told apart")
    first, last = min(hours), max(hours)
    if last - first >= timedelta(days=1):
        return Group(Text("By hour (UTC)", style="bold"), _days(hours))
    every = [first + timedelta(hours=number) for number in range(int((last - first) / timedelta(hours=1)) + 1)]
    return chart("By hour (UTC)", {f"{hour:{_HOUR}}": hours.get(hour, 0) for hour in every}, limit=_HOURS_A_DAY)


def _days(hours: Mapping[datetime, int]) -> RenderableType:
    most, days = max(hours.values()), sorted({hour.date() for hour in hours})
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="cyan")
    table.add_column(justify="right", no_wrap=True)
    table.add_row("", Text("0     6     12    18", style="dim"), "")
    before = None
    for day in days[-MOST_DAYS:]:
        if before and (skipped := (day - before).days - 1):
            table.add_row("", Text(f"{number(skipped, 'day')} without events", style="dim"), "")
        counts = [hours.get(datetime(day.year, day.month, day.day, hour), 0) for hour in range(_HOURS_A_DAY)]
        table.add_row(f"{day}", "".join(_block(count, most) for count in counts), f"{sum(counts):,}")
        before = day
    left = len(days) - MOST_DAYS
    scale = f"█ is {most:,} events an hour" + (f"; {number(left, 'earlier day')}, see -o json" if left > 0 else "")
    return Group(table, Text(scale, style="dim"))


def _block(count: int, most: int) -> str:
    return _LEVELS[-(-count * len(_LEVELS) // most) - 1] if count else "·"


def _gaps(gaps: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    undated = gaps["objects_without_hour"]
    unknown = f"; {number(undated, 'object')} whose key tells no hour" if undated else ""
    yield "objects", f"{number(gaps['hours_without_object'], 'hour')} without an object{unknown}"
    yield from _listed(gaps["without_object"], lambda gap: f"{_span(gap)}  {gap['prefix']}")
    if gaps["silent_shards"]:
        yield "shards", f"{number(gaps['silent_shard_hours'], 'hour')} with objects, but of one shard without events"
        yield from _listed(gaps["silent_shards"], lambda gap: f"{_span(gap)}  {gap['shard']}  {gap['prefix']}")
    if not gaps["events_with_sequence_number"]:
        yield "numbers", "the lake kept no sequence numbers"
    elif not gaps["sequences"]:
        yield "numbers", "sequence numbers do not follow one another: whether any is missing cannot be told"
    for sequence in gaps["sequences"]:
        yield from _sequence(sequence)
    if not gaps["is_complete"]:
        yield "", "there are more prefixes, shards or gaps than are told apart"


def _sequence(sequence: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    missing, whose = number(sequence["missing"], "sequence number"), sequence["shard"] or "all shards together"
    yield "numbers", f"{missing} missing among {sequence['present']:,}  {whose}  {sequence['prefix']}"
    yield from _listed(sequence["runs"], _run)


def _listed(gaps: Sequence[Mapping[str, Any]], told: Callable[[Mapping[str, Any]], str]) -> Iterator[tuple[str, str]]:
    """A row for each of the longest gaps."""
    for gap in gaps[:MOST_GAPS]:
        yield "", told(gap)
    if len(gaps) > MOST_GAPS:
        yield "", "and shorter ones, see -o json"


def _span(gap: Mapping[str, Any]) -> str:
    return f"{_to_minute(gap['from'])} to {_to_minute(gap['to'])}  {number(gap['hours'], 'hour')}"


def _run(run: Mapping[str, Any]) -> str:
    return f"{run['missing']:,} between {_end_of(run['after'])} and {_end_of(run['before'])}"


def _end_of(sequence_number: str) -> str:
    """The digits that tell neighbours apart: most of a sequence number is the same for hours."""
    return sequence_number if len(sequence_number) <= _DIGITS else f"…{sequence_number[-_DIGITS:]}"


def _to_minute(moment: str) -> str:
    return f"{moment[:16]}Z"


def _to_second(moment: str) -> str:
    return f"{moment[:19]}Z"
