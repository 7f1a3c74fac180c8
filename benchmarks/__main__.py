"""`python -m benchmarks COMMAND`, from the root of the project."""

import argparse
import signal
import sys
from collections.abc import Callable
from typing import NamedTuple

from benchmarks import cluster, latency, listing, making, scaling, startup, table
from benchmarks.errors import CannotMeasure
from benchmarks.options import HelpFormatter
from benchmarks.report import tell


class _Command(NamedTuple):
    about: str
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], None]


_COMMANDS = {
    "table": _Command("cncbops beside four yardsticks", table.add_options, table.run),
    "scaling": _Command("the cost of an event in lakes of several sizes", scaling.add_options, scaling.run),
    "latency": _Command("throughput where invocations take time", latency.add_options, latency.run),
    "cluster": _Command("several workers of a Dask cluster", cluster.add_options, cluster.run),
    "listing": _Command("listing where list calls take time", listing.add_options, listing.run),
    "startup": _Command("how soon it is there", startup.add_options, startup.run),
    "lake": _Command("write a lake into a folder", making.add_lake_options, making.make_lake),
    "serve": _Command("serve folders as buckets, and take invocations", making.add_serve_options, making.serve),
}


def main() -> int:
    """Run one command; 1 where it could not be measured."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    try:
        options.run(options)
    except CannotMeasure as error:
        tell(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="How fast is cncbops?")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command in _COMMANDS.items():
        one = commands.add_parser(name, help=command.about, formatter_class=HelpFormatter)
        command.add_options(one)
        one.set_defaults(run=command.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
