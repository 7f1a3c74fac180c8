"""`latency`: where each invocation takes its time, throughput is concurrency ÷ latency, until the CPU is the bound."""

import argparse
from dataclasses import replace

from benchmarks.far_side import FarSide, Latency
from benchmarks.lake import write_lake
from benchmarks.machine import machine_line
from benchmarks.options import add_running, add_shape, buckets, shape_of, workers_of
from benchmarks.report import Table, show, whole
from benchmarks.series import Series, measure_one
from benchmarks.shape import FUNCTION, Shape
from benchmarks.ways import Way, cncbops

_CONCURRENCIES = (4, 16, 64, 256)
_DEFAULT_CONCURRENCY = 16  # what cncbops takes where nothing says otherwise
_MOST = 2  # times the lake that was asked for: past that the CPU is the bound
_COLUMNS = ("concurrency", "batch", "latency ms", "invocations/s", "concurrency ÷ latency", "ratio", "events/s")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command line."""
    add_shape(parser)
    parser.set_defaults(distinct=400)
    parser.add_argument("--latencies", type=float, nargs="+", default=[20, 100], help="ms in each invocation")
    parser.add_argument("--concurrencies", type=int, nargs="+", default=_CONCURRENCIES, help="invocations at a time")
    parser.add_argument("--batch-size", type=int, default=100, help="records of an invocation")
    parser.add_argument("--seconds", type=float, default=4.0, help="about how long each run should last")
    add_running(parser, repeat=1)


def run(options: argparse.Namespace) -> None:
    """A far side for each latency, and a lake and a run for each concurrency; the default one too."""
    rows = []
    with buckets(options) as folder:
        for latency_ms in options.latencies:
            for concurrency in (None, *options.concurrencies):
                events = _events(options, latency_ms, concurrency)
                bucket = folder / f"lake-{events}"
                if not bucket.exists():
                    write_lake(bucket, shape_of_events(options, events))
                with FarSide(folder, Latency(invoke_s=latency_ms / 1000)) as far:
                    rows.append(_row(options, far, latency_ms, concurrency))
    title = f"Throughput with latency in each invocation, batches of {options.batch_size}, sync, ordered"
    note = "A ratio near 1: the function is the bound. Below: the machine is, or batches that wait for their turn."
    show(Table(title, _COLUMNS, rows, [note, machine_line()]), markdown=options.markdown)


def _row(options: argparse.Namespace, far: FarSide, latency_ms: float, asked: int | None) -> list[str]:
    concurrency = asked or _DEFAULT_CONCURRENCY
    bound = concurrency * 1000 / latency_ms
    series = _measured(options, far, asked, _events(options, latency_ms, asked))
    invocations = series.median(lambda taken: taken.done.invocations / taken.done.duration_s)
    return [
        whole(concurrency) if asked else f"default ({concurrency})",
        whole(options.batch_size),
        f"{latency_ms:g}",
        whole(invocations),
        whole(bound),
        f"{invocations / bound:.2f}",
        whole(series.rate),
    ]


def _events(options: argparse.Namespace, latency_ms: float, asked: int | None) -> int:
    """How many take about as long as a run should last, if neither the CPU nor the disk is the bound."""
    bound = (asked or _DEFAULT_CONCURRENCY) * 1000 / latency_ms
    most = int(options.objects) * int(options.events) * _MOST
    return min(round(bound * int(options.batch_size) * float(options.seconds)), most)


def shape_of_events(options: argparse.Namespace, events: int) -> Shape:
    """A lake of so many events."""
    shape = shape_of(options)
    return replace(shape, objects=-(-events // shape.events))


def _measured(options: argparse.Namespace, far: FarSide, asked: int | None, events: int) -> Series:
    concurrency = ["--concurrency", str(asked)] if asked else []
    words = ("replay", "-f", FUNCTION, *concurrency, *workers_of(options))
    way = Way(f"concurrency {asked or 'default'}", f"lake-{events}", options.batch_size, cncbops, words)
    return measure_one(way, far, options.repeat)
