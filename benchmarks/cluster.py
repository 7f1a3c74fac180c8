"""`cluster`: do twice as many workers deliver twice as much, and does one rate hold while they come and go?"""

import argparse
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.arrivals import Arrival, arrivals, rate_between
from benchmarks.cluster_soak import add_soak, soak
from benchmarks.dask_processes import DaskCluster
from benchmarks.far_side import FarSide, Latency
from benchmarks.lake import write_lake
from benchmarks.machine import machine_line
from benchmarks.options import add_place, add_shape, buckets, shape_of
from benchmarks.processes import cpu_of, rss_of
from benchmarks.report import Table, megabytes, show, tell, whole
from benchmarks.series import Series, measure_one
from benchmarks.shape import FUNCTION
from benchmarks.ways import Way, cncbops

_DEFAULT_CONCURRENCY = 8  # of each worker, what cncbops takes where nothing says otherwise
_SETTLING_S = 1.0  # after a worker came or went, before a rate is measured
_COLUMNS = (
    *("workers", "invocations/s", "concurrency ÷ latency", "ratio", "events/s", "to one worker"),
    *("coordinator µs/event", "scheduler µs/event", "coordinator MB", "worker MB"),
)
_NOTE = (
    "*Ratio*: near 1 the function is the bound. *µs/event*: CPU time. *MB*: resident, the coordinator's peak, of the "
    "largest worker at the end."
)
_RATE_COLUMNS = ("phase", "seconds", "events/s", "off by %")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command line."""
    add_shape(parser)
    parser.set_defaults(distinct=400)
    parser.add_argument("--clusters", type=int, nargs="+", default=(1, 2, 4), help="workers of each cluster")
    parser.add_argument("--latency-ms", type=float, default=50.0, help="in each invocation")
    parser.add_argument("--batch-size", type=int, default=10, help="records of an invocation")
    parser.add_argument("--rate", type=float, default=500.0, help="events a second while workers come and go")
    parser.add_argument("--rate-seconds", type=float, default=60.0, help="for how long")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each")
    add_soak(parser)
    add_place(parser)


def run(options: argparse.Namespace) -> None:
    """Scaling, then the rate; or the soak."""
    if options.soak:
        soak(options)
        return
    with buckets(options) as folder:
        shape = shape_of(options)
        tell(f"making a lake of {whole(shape.total)} events")
        write_lake(folder / "lake", shape)
        _scale(options, folder)
    with buckets(options) as folder:
        _hold_rate(options, folder)


def _scale(options: argparse.Namespace, folder: Path) -> None:
    rows: list[list[str]] = []
    one: Series | None = None
    with FarSide(folder, Latency(options.latency_ms / 1000)) as far:
        for workers in options.clusters:
            with DaskCluster() as dask:
                dask.join(workers)
                before = cpu_of(dask.scheduler.pid)
                series = measure_one(_way(options, dask), far, options.repeat)
                one = one or series
                scheduler_s = (cpu_of(dask.scheduler.pid) - before) / options.repeat
                rows.append(_row(options, series, one, scheduler_s, dask))
    title = f"Replay on clusters, {options.latency_ms:g} ms in each invocation, batches of {options.batch_size}"
    show(Table(title, _COLUMNS, rows, [_NOTE, machine_line()]), markdown=options.markdown)


def _way(options: argparse.Namespace, dask: DaskCluster, *more: str) -> Way:
    words = ("replay", "-f", FUNCTION, "--cluster", dask.address, *more)
    return Way(f"{len(dask.workers)} workers", "lake", options.batch_size, cncbops, words)


def _row(options: argparse.Namespace, series: Series, one: Series, scheduler_s: float, dask: DaskCluster) -> list[str]:
    workers = len(dask.workers)
    bound = workers * _DEFAULT_CONCURRENCY * 1000 / options.latency_ms
    invocations = series.median(lambda taken: taken.done.invocations / taken.done.duration_s)
    return [
        whole(workers),
        whole(invocations),
        whole(bound),
        f"{invocations / bound:.2f}",
        whole(series.rate),
        f"{series.rate / one.rate:.2f}",
        f"{series.median(lambda taken: taken.cpu_us):.1f}",
        f"{scheduler_s * 1e6 / series.best.done.events:.1f}",
        megabytes(max(taken.usage.largest_bytes for taken in series.runs)),
        megabytes(max(rss_of(process.pid) for process in dask.workers)),
    ]


@dataclass(frozen=True)
class _Phase:
    """What happens at the begin of a part of a run, and how many workers there are then."""

    name: str
    begin: Callable[[DaskCluster], None]


_PHASES = (
    _Phase("one worker", lambda _: None),
    _Phase("two more join", lambda dask: dask.join(2)),
    _Phase("one is killed", lambda dask: dask.kill()),
    _Phase("one leaves", lambda dask: dask.dismiss()),
    _Phase("three more join", lambda dask: dask.join(3)),
)


def _hold_rate(options: argparse.Namespace, folder: Path) -> None:
    events = round(options.rate * options.rate_seconds)
    shape = replace(shape_of(options), objects=-(-events // options.events), distinct=None)
    write_lake(folder / "buckets" / "lake", shape)
    log = folder / "arrivals.log"
    with ExitStack() as stack:
        far = stack.enter_context(FarSide(folder / "buckets", Latency(options.latency_ms / 1000), log))
        dask = stack.enter_context(DaskCluster())
        dask.join(1)
        director = _Director(dask, log, options.rate_seconds / len(_PHASES))
        director.start()
        measure_one(_way(options, dask, "--rate", f"{options.rate:g}"), far, 1)
        director.join()
    rows = _rate_rows(log, director.moments, options)
    title = f"--rate {options.rate:g} while workers come and go"
    show(Table(title, _RATE_COLUMNS, rows, [machine_line()]), markdown=options.markdown)


class _Director(threading.Thread):
    """Begins one phase after another, `each_s` long, from the first invocation on; `moments` are when."""

    def __init__(self, dask: DaskCluster, log: Path, each_s: float) -> None:
        super().__init__(daemon=True)
        self._dask, self._log, self._each_s = dask, log, each_s
        self.moments: list[float] = []

    def run(self) -> None:
        """Wait for the run to begin, then let the phases come."""
        while not (self._log.exists() and self._log.stat().st_size):
            time.sleep(0.02)
        begin = time.time()
        for number, phase in enumerate(_PHASES):
            time.sleep(max(0.0, begin + number * self._each_s - time.time()))
            tell(phase.name)
            self.moments.append(time.time())
            phase.begin(self._dask)


def _rate_rows(log: Path, moments: Sequence[float], options: argparse.Namespace) -> list[list[str]]:
    found = arrivals(log)
    last = found[-1].started
    rows = []
    for phase, start, end in zip(_PHASES, moments, [*moments[1:], last], strict=True):
        if min(end, last) > start + 2 * _SETTLING_S:  # else it is too short to say anything
            rows.append(_rate_row(phase.name, start + _SETTLING_S, min(end, last), found, options.rate))
    return [*rows, _rate_row("all of it", found[0].started, last, found, options.rate)]


def _rate_row(name: str, start_s: float, end_s: float, found: Sequence[Arrival], wanted: float) -> list[str]:
    rate = rate_between(found, start_s, end_s)
    return [name, f"{end_s - start_s:.1f}", f"{rate:.1f}", f"{(rate / wanted - 1) * 100:+.1f}"]
