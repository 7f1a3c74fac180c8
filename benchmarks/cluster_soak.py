"""`cluster --soak`: is nothing lost where workers are killed, and does the coordinator stay small in a large lake?"""

import argparse
import random
import threading
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.arrivals import arrivals, judge
from benchmarks.dask_processes import DaskCluster
from benchmarks.far_side import FarSide, Latency
from benchmarks.lake import write_lake
from benchmarks.machine import machine_line
from benchmarks.options import buckets, shape_of
from benchmarks.report import Table, megabytes, show, tell, whole
from benchmarks.series import measure_one
from benchmarks.shape import FUNCTION, Shape
from benchmarks.ways import Taken, Way, cncbops

_WORKERS = 4
_CONCURRENCY = 8  # of each worker, what cncbops takes where nothing says otherwise
_SMALL = 5  # events of an object where objects are many
_DISTINCT = 400
_MEMORY_COLUMNS = ("objects", "events", "events/s", "RSS MB", "PSS MB", "coordinator µs/event")
_KILLS_COLUMNS = ("killed after s", "events", "lost", "keys out of order", "repeated", "at most", "told of")
_KILLS_NOTE = (
    "*Repeated*: events that arrived twice; *at most* what the killed worker had in flight; *told of*: how many the "
    "run itself counted as possible duplicates."
)


def add_soak(parser: argparse.ArgumentParser) -> None:
    """The options that only a soak heeds."""
    group = parser.add_argument_group("soak")
    group.add_argument("--soak", action="store_true", help="large lakes, and workers that are killed, in place of all")
    group.add_argument("--lakes", type=int, nargs="+", default=(1_000, 20_000, 200_000), help="objects of each")
    group.add_argument("--kills", type=int, default=5, help="runs of which one worker is killed")


def soak(options: argparse.Namespace) -> None:
    """Both tables. Raises CannotMeasure where a run does not succeed."""
    with DaskCluster() as dask:
        dask.join(_WORKERS)
        rows = [_memory_row(options, dask, objects) for objects in options.lakes]
    title = f"The coordinator's memory, {_WORKERS} workers"
    show(Table(title, _MEMORY_COLUMNS, rows, [machine_line()]), markdown=options.markdown)
    with DaskCluster() as dask:
        rows = [_kill_row(options, dask) for _ in range(options.kills)]
    title = f"One of {_WORKERS} workers killed at a random moment"
    show(Table(title, _KILLS_COLUMNS, rows, [_KILLS_NOTE, machine_line()]), markdown=options.markdown)


def _memory_row(options: argparse.Namespace, dask: DaskCluster, objects: int) -> list[str]:
    shape = replace(shape_of(options), objects=objects, events=_SMALL, distinct=_DISTINCT)
    with buckets(options) as folder:
        tell(f"making a lake of {whole(objects)} objects")
        write_lake(folder / "lake", shape)
        with FarSide(folder) as far:
            taken = _taken(dask, far, batch=100)
    return [
        whole(objects),
        whole(shape.total),
        whole(taken.rate),
        megabytes(taken.usage.largest_bytes),
        megabytes(taken.usage.pss_bytes),
        f"{taken.cpu_us:.1f}",
    ]


def _taken(dask: DaskCluster, far: FarSide, *, batch: int) -> Taken:
    way = Way(f"{_WORKERS} workers", "lake", batch, cncbops, ("replay", "-f", FUNCTION, "--cluster", dask.address))
    return measure_one(way, far, 1).best


def _kill_row(options: argparse.Namespace, dask: DaskCluster) -> list[str]:
    dask.join(_WORKERS - len(dask.workers))
    shape = replace(shape_of(options), distinct=None)
    bound = _WORKERS * _CONCURRENCY * options.batch_size * 1000 / options.latency_ms  # events a second
    with buckets(options) as folder:
        write_lake(folder / "buckets" / "lake", shape)
        log = folder / "arrivals.log"
        with FarSide(folder / "buckets", Latency(options.latency_ms / 1000), log) as far:
            killer = _Killer(dask, log, random.uniform(0.1, 0.8) * shape.total / bound)  # noqa: S311  no secret
            killer.start()
            taken = _taken(dask, far, batch=options.batch_size)
            killer.join()
        return _judged(log, shape, taken, killer.after_s, options.batch_size)


class _Killer(threading.Thread):
    """Kills a worker so many seconds after the first invocation."""

    def __init__(self, dask: DaskCluster, log: Path, after_s: float) -> None:
        super().__init__(daemon=True)
        self._dask, self._log, self.after_s = dask, log, after_s

    def run(self) -> None:
        """Wait, and kill."""
        while not (self._log.exists() and self._log.stat().st_size):
            time.sleep(0.02)
        time.sleep(self.after_s)
        self._dask.kill()


def _judged(log: Path, shape: Shape, taken: Taken, after_s: float, batch: int) -> list[str]:
    verdict = judge(arrivals(log), shape.total)
    most, told = _CONCURRENCY * batch, taken.done.possible_duplicates
    counts = (shape.total, verdict.lost, verdict.disordered, verdict.repeated, most, told)
    return [f"{after_s:.1f}", *map(whole, counts)]
