"""`listing`: with latency in each list call, cncbops's listing beside one that goes page after page."""

import argparse
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.errors import CannotMeasure
from benchmarks.far_side import FarSide, Latency
from benchmarks.lake import PREFIX, write_lake
from benchmarks.machine import machine_line
from benchmarks.options import add_place, buckets
from benchmarks.report import Table, show, tell, whole
from benchmarks.shape import START_MS, Shape
from benchmarks.signing import REGION
from benchmarks.ways import ENVIRONMENT
from cncbops.lake.layout import TimeWindow, reading_range
from cncbops.lake.listing import list_objects
from cncbops.lake.sources import S3Source

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_COLUMNS = ("listing", "keys", "page after page s", "cncbops s", "best s", "times as fast")
_HOUR_MS = 3_600_000


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command line."""
    parser.add_argument("--objects", type=int, default=48_000, help="in the bucket")
    parser.add_argument("--hours", type=int, default=48, help="that the objects are spread over")
    parser.add_argument("--latency", type=float, default=50, help="ms in each list call")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each")
    add_place(parser)


def run(options: argparse.Namespace) -> None:
    """One lake with many keys and small objects, listed whole, by a wide window, and by a few hours."""
    os.environ.update(ENVIRONMENT)  # the listings are made in this process
    shape = Shape(objects=options.objects, events=1, hours=options.hours, distinct=min(options.objects, 100))
    with buckets(options) as folder:
        tell(f"making a lake of {whole(shape.objects)} objects")
        write_lake(folder / "lake", shape)
        with FarSide(folder, Latency(list_s=options.latency / 1000)) as far:
            rows = [_row(far, name, window, options.repeat) for name, window in _windows(options.hours).items()]
    title = f"Listing with {options.latency:g} ms in each call: {whole(shape.objects)} objects in {options.hours} hours"
    note = "Page after page: the whole prefix, or one hour's prefix after another where a window leaves hours out."
    show(Table(title, _COLUMNS, rows, [note, machine_line()]), markdown=options.markdown)


def _windows(hours: int) -> dict[str, TimeWindow | None]:
    """A wide one lacks the first hours; a narrow one has a quarter, from the midst."""
    end = START_MS + hours * _HOUR_MS
    wide = TimeWindow(START_MS + hours // 8 * _HOUR_MS, end)
    narrow = TimeWindow(START_MS + hours // 2 * _HOUR_MS, START_MS + (hours // 2 + hours // 4) * _HOUR_MS)
    return {"whole prefix": None, "wide window": wide, "a quarter of the hours": narrow}


def _row(far: FarSide, name: str, window: TimeWindow | None, repeat: int) -> list[str]:
    plain = [_timed(far, lambda s3: _page_after_page(s3, window)) for _ in range(repeat)]
    ours = [_timed(far, lambda s3: _listed(s3, window)) for _ in range(repeat)]
    if not set(plain[0][0]) <= set(ours[0][0]):  # an hour more does no harm, a key less would
        raise CannotMeasure(f"{name}: {len(plain[0][0])} keys page after page, but {len(ours[0][0])} by cncbops")
    slow, fast = median(seconds for _, seconds in plain), median(seconds for _, seconds in ours)
    best = min(seconds for _, seconds in ours)
    tell(f"{name}: {slow:.2f} s and {fast:.2f} s")
    return [name, whole(len(ours[0][0])), f"{slow:.2f}", f"{fast:.2f}", f"{best:.2f}", f"{slow / fast:.1f}"]


def _timed(far: FarSide, listing: Callable[["S3Client"], Iterator[str]]) -> tuple[list[str], float]:
    """The keys, and seconds; each with a client of its own, whose connections are yet to be made."""
    from cncbops.aws import Aws, AwsAccess

    s3 = Aws(AwsAccess(region=REGION, endpoint_url=far.endpoint)).s3()
    start = perf_counter()
    keys = list(listing(s3))
    return keys, perf_counter() - start


def _listed(s3: "S3Client", window: TimeWindow | None) -> Iterator[str]:
    return (found.key for found in list_objects(S3Source("lake", PREFIX), s3, window))


def _page_after_page(s3: "S3Client", window: TimeWindow | None) -> Iterator[str]:
    pages = s3.get_paginator("list_objects_v2")
    for prefix in [PREFIX] if window is None else _hours(window):
        for page in pages.paginate(Bucket="lake", Prefix=prefix):
            for found in page.get("Contents", ()):
                yield found["Key"]


def _hours(window: TimeWindow) -> Iterator[str]:
    """The prefixes of the hours in which a window's events may lie."""
    hours = reading_range(window)
    assert hours.start_ms is not None
    assert hours.end_ms is not None
    time = datetime.fromtimestamp(hours.start_ms / 1000, UTC).replace(minute=0, second=0, microsecond=0)
    while time.timestamp() * 1000 < hours.end_ms:
        yield f"{PREFIX}{time:%Y/%m/%d/%H}/"
        time += timedelta(hours=1)
