"""`scaling`: does an event cost the same in a lake of five million as in one of ten thousand?"""

import argparse
from dataclasses import replace

from benchmarks.far_side import FarSide
from benchmarks.lake import write_lake
from benchmarks.machine import machine_line
from benchmarks.options import add_running, add_shape, buckets, shape_of, workers_of
from benchmarks.report import Table, megabytes, show, tell, whole
from benchmarks.series import Series, measure_one
from benchmarks.shape import FUNCTION, Shape
from benchmarks.ways import Way, cncbops

_SIZES = (10_000, 100_000, 1_000_000, 5_000_000)
_DISTINCT = 400  # bodies: about 110 MB, whatever the lake's size
_COLUMNS = (
    *("events", "objects", "µs/event median", "best", "µs/event more", "whole command s"),
    *("CPU µs/event", "RSS MB", "PSS MB", "largest MB"),
)
_NOTES = (
    "*µs/event more*: the cost of each event that the lake above had not, which leaves out the start of a run. Bodies "
    f"repeat after the {_DISTINCT}th object, so larger lakes take no more room on the disk.",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command line."""
    add_shape(parser)
    parser.add_argument("--sizes", type=int, nargs="+", default=_SIZES, help="events of each lake")
    parser.add_argument("--batch-size", type=int, default=100, help="records of an invocation")
    add_running(parser)


def run(options: argparse.Namespace) -> None:
    """One lake after another, so that only one takes room."""
    shapes = [_shape_of(options, size) for size in options.sizes]
    rows = [_measured(options, shape) for shape in shapes]
    title = f"Replay, batches of {options.batch_size}, sync, ordered: the cost of an event"
    smaller = [None, *rows[:-1]]
    lines = [_row(series, shape, less) for series, shape, less in zip(rows, shapes, smaller, strict=True)]
    show(Table(title, _COLUMNS, lines, [*_NOTES, machine_line()]), markdown=options.markdown)


def _shape_of(options: argparse.Namespace, size: int) -> Shape:
    shape = shape_of(options)
    return replace(shape, objects=-(-size // shape.events), distinct=options.distinct or _DISTINCT)


def _measured(options: argparse.Namespace, shape: Shape) -> Series:
    way = Way("cncbops replay", "lake", options.batch_size, cncbops, ("replay", "-f", FUNCTION, *workers_of(options)))
    with buckets(options) as folder:
        tell(f"making a lake of {whole(shape.total)} events")
        write_lake(folder / "lake", shape)
        with FarSide(folder) as far:
            return measure_one(way, far, options.repeat)


def _seconds(series: Series) -> float:
    return series.best.done.events / series.rate


def _more(series: Series, less: Series | None) -> str:
    """What each event cost that the smaller lake had not: the start is left out."""
    if less is None:
        return "-"
    events = series.best.done.events - less.best.done.events
    return f"{(_seconds(series) - _seconds(less)) * 1e6 / events:.2f}"


def _row(series: Series, shape: Shape, less: Series | None) -> list[str]:
    return [
        whole(shape.total),
        whole(shape.objects),
        f"{1e6 / series.rate:.2f}",
        f"{1e6 / series.best.rate:.2f}",
        _more(series, less),
        f"{series.median(lambda taken: taken.usage.wall_s):.2f}",
        f"{series.median(lambda taken: taken.cpu_us):.1f}",
        megabytes(max(taken.usage.rss_bytes for taken in series.runs)),
        megabytes(max(taken.usage.pss_bytes for taken in series.runs)),
        megabytes(max(taken.usage.largest_bytes for taken in series.runs)),
    ]
