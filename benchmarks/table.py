"""`table`: cncbops beside the machine's limit, a boto3 loop and the book's way, in one run."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.far_side import FarSide
from benchmarks.lake import write_lake
from benchmarks.machine import machine_line
from benchmarks.options import add_running, add_shape, buckets, shape_of, workers_of
from benchmarks.report import Table, megabytes, show, tell, whole
from benchmarks.series import Series, measure_in_turns
from benchmarks.shape import FUNCTION, Shape
from benchmarks.ways import Way, book, cncbops, script

_BATCHES = (1, 100, 1_000)
_BOOK = "the book's way, rewritten"
_LIMIT, _REWRAP, _BOTO3 = "limit: bytes only", "limit with rewrap", "boto3, 16 threads"
_REPLAY, _RESUBMIT = "cncbops replay, sync, ordered", "cncbops resubmit, sync, ordered"
_QUICK = {"objects": 100, "small_objects": 12, "repeat": 1}
_COLUMNS = (
    *("way", "batch", "events", "events/s median", "best", "whole command", "invocations/s"),
    *("CPU µs/event", "nginx µs/event", "RSS MB", "PSS MB", "largest MB"),
    *("to book", "to boto3", "to limit", "to rewrap", "to replay"),
)
_NOTES = (
    "Events/s by each way's own clock, from its first list call on: median and best of its runs. *Whole command*: the "
    "median of events/s by the clock on the wall, start and end included, as in *CPU µs/event*. Ratios are of medians, "
    "to the way with the same batch size on the same lake; *to book* is always to the book's way; `-` where that way "
    "knows no faults. *To replay*: a resubmit's to the replay, sync and ordered, that comes next; `-` for all else. A "
    "fault's line is some two and a half times as long as its event's. RSS: the peak of the sum over all processes; "
    "PSS: the same, where a page that they share counts once; *largest*: the peak of the largest one. The book's way "
    "invokes asynchronously, the other yardsticks synchronously.",
)
_ROUGH = "Each way was run once, on small lakes: much of it is the start of a run, and ratios are rough."


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command line."""
    add_shape(parser)
    parser.add_argument("--fault-objects", type=int, help="objects of the lake of faults, if not as many")
    parser.add_argument("--small-objects", type=int, default=80, help="objects of the lakes for batches of 1")
    parser.add_argument("--quick", action="store_true", help="a small lake, and each way once")
    add_running(parser)


def run(options: argparse.Namespace) -> None:
    """Make the lakes, measure, print."""
    if options.quick:
        vars(options).update(_QUICK)
    shape = shape_of(options)
    with buckets(options) as folder:
        _write_lakes(folder, shape, options)
        with FarSide(folder) as far:
            series, notes = measure_in_turns(list(_ways(shape, workers_of(options))), far, options.repeat)
    title = (
        f"{whole(shape.total)} events in {whole(shape.objects)} objects, {shape.format}, {shape.line_bytes:,} B a line"
        f"; batches of 1 on lakes of {whole(options.small_objects)} such objects"
    )
    rough = [_ROUGH] if options.quick else []
    table = Table(title, _COLUMNS, [_row(each, series) for each in series], [*_NOTES, *rough, *notes, machine_line()])
    show(table, markdown=options.markdown)


def _write_lakes(folder: Path, shape: Shape, options: argparse.Namespace) -> None:
    small = replace(shape, objects=min(shape.objects, options.small_objects))
    faults = replace(shape, objects=options.fault_objects or shape.objects, format="fault")
    shapes = {"lake": shape, "lake-small": small, "faults": faults, "faults-small": replace(small, format="fault")}
    for name, each in shapes.items():
        tell(f"making {name}: {whole(each.total)} events")
        write_lake(folder / name, each)


def _ways(shape: Shape, workers: Sequence[str]) -> Iterator[Way]:
    knows_format = shape.format == "envelope"
    if knows_format:
        yield Way(_BOOK, "lake-small", 1, book)
    for batch in _BATCHES:
        size = "-small" if batch == 1 else ""
        if knows_format:
            yield from _yardsticks(f"lake{size}", batch)
        yield Way(_LIMIT, f"faults{size}", batch, script, ("benchmarks.limit", "--faults"))
        yield Way(_REWRAP, f"faults{size}", batch, script, ("benchmarks.limit", "--faults", "--rewrap"))
        yield Way(_RESUBMIT, f"faults{size}", batch, cncbops, ("resubmit", *workers))
        yield from _replays(f"lake{size}", batch, workers)


def _yardsticks(bucket: str, batch: int) -> Iterator[Way]:
    yield Way(_LIMIT, bucket, batch, script, ("benchmarks.limit",))
    yield Way(_REWRAP, bucket, batch, script, ("benchmarks.limit", "--rewrap"))
    yield Way(_BOTO3, bucket, batch, script, ("benchmarks.boto3_loop",))


def _replays(bucket: str, batch: int, workers: Sequence[str]) -> Iterator[Way]:
    for invocation in ("sync", "async"):
        for order in ("ordered", "unordered"):
            words = ("replay", "-f", FUNCTION, f"--{invocation}", f"--{order}", *workers)
            yield Way(f"cncbops replay, {invocation}, {order}", bucket, batch, cncbops, words)


def _row(series: Series, every: Sequence[Series]) -> list[str]:
    return [
        f"{series.way.name}{' (faults)' if '--faults' in series.way.options else ''}",
        whole(series.way.batch),
        whole(series.best.done.events),
        whole(series.rate),
        whole(series.best.rate),
        whole(series.median(lambda taken: taken.wall_rate)),
        whole(series.median(lambda taken: taken.done.invocations / taken.done.duration_s)),
        f"{series.median(lambda taken: taken.cpu_us):.1f}",
        f"{series.median(lambda taken: taken.far_cpu_us):.1f}",
        megabytes(max(taken.usage.rss_bytes for taken in series.runs)),
        megabytes(max(taken.usage.pss_bytes for taken in series.runs)),
        megabytes(max(taken.usage.largest_bytes for taken in series.runs)),
        _ratio(series, next((each for each in every if each.way.name == _BOOK), None)),
        *(_ratio(series, _peer(series, every, name)) for name in (_BOTO3, _LIMIT, _REWRAP)),
        _ratio(series, _replay_beside(series, every)),
    ]


def _peer(series: Series, every: Sequence[Series], name: str) -> Series | None:
    """The yardstick that did the same work; boto3 and the book's way know no faults."""
    same = (each for each in every if (each.way.bucket, each.way.batch) == (series.way.bucket, series.way.batch))
    return next((each for each in same if each.way.name == name), None)


def _replay_beside(resubmit: Series, every: Sequence[Series]) -> Series | None:
    """The replay that a resubmit is compared with; of other ways none."""
    if resubmit.way.name != _RESUBMIT:
        return None
    replays = (each for each in every if each.way.name == _REPLAY)
    return next((each for each in replays if each.way.batch == resubmit.way.batch), None)


def _ratio(series: Series, to: Series | None) -> str:
    return "-" if to is None else f"{series.rate / to.rate:.2f}"
