"""`lake` and `serve`: a lake by itself, and the far side by itself, for what is measured by hand."""

import argparse
import signal
from pathlib import Path

from benchmarks.errors import CannotMeasure
from benchmarks.far_side import FarSide, Latency
from benchmarks.lake import write_lake
from benchmarks.options import add_shape, shape_of
from benchmarks.report import tell, whole


def add_lake_options(parser: argparse.ArgumentParser) -> None:
    """The command line of `lake`."""
    parser.add_argument("bucket", type=Path, help="a folder that is not there yet")
    add_shape(parser)


def make_lake(options: argparse.Namespace) -> None:
    """Write a lake and leave it."""
    if options.bucket.exists():
        raise CannotMeasure(f"{options.bucket} exists: name a folder that is not there yet")
    shape = shape_of(options)
    write_lake(options.bucket, shape)
    tell(f"{whole(shape.total)} events in {whole(shape.objects)} objects: {options.bucket}")


def add_serve_options(parser: argparse.ArgumentParser) -> None:
    """The command line of `serve`."""
    parser.add_argument("buckets", type=Path, help="a folder whose folders are buckets")
    parser.add_argument("--invoke-ms", type=float, default=0.0, help="latency in each invocation")
    parser.add_argument("--list-ms", type=float, default=0.0, help="latency in each list call")


def serve(options: argparse.Namespace) -> None:
    """Serve until interrupted."""
    if not options.buckets.is_dir():
        raise CannotMeasure(f"{options.buckets} is no folder: name one whose folders are lakes")
    latency = Latency(options.invoke_ms / 1000, options.list_ms / 1000)
    with FarSide(options.buckets.resolve(), latency) as far:
        tell(f"serving at {far.endpoint} until interrupted; any function takes what it is given")
        signal.pause()
