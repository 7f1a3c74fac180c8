"""The options that several benchmarks share."""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.shape import FORMATS, Shape

_DEFAULT = Shape()


class HelpFormatter(argparse.HelpFormatter):
    """Tells what an option is that is not typed, as one would type it; nothing of switches and of what is nothing."""

    def _get_help_string(self, action: argparse.Action) -> str:
        default, told = action.default, action.help or ""
        if default is None or default is False or default == argparse.SUPPRESS:
            return told
        shown = " ".join(map(str, default)) if isinstance(default, (list, tuple)) else default
        return f"{told} (default: {shown})"


def add_shape(parser: argparse.ArgumentParser) -> None:
    """What `shape_of` reads."""
    group = parser.add_argument_group("the lake")
    group.add_argument("--objects", type=_positive, default=_DEFAULT.objects, help="how many of them")
    group.add_argument("--events", type=_positive, default=_DEFAULT.events, help="in an object")
    group.add_argument("--line-bytes", type=_positive, default=_DEFAULT.line_bytes, help="of an event in its envelope")
    group.add_argument("--keys", type=_positive, default=_DEFAULT.keys, help="how many partition keys")
    group.add_argument("--shards", type=_positive, default=_DEFAULT.shards, help="of the stream")
    group.add_argument("--hours", type=_positive, default=_DEFAULT.hours, help="that the events are spread over")
    group.add_argument("--format", choices=FORMATS, default=_DEFAULT.format, help="of a line")
    group.add_argument("--gzip", action="store_true", help="compress the objects")
    group.add_argument("--distinct", type=_positive, help="write so many bodies, and repeat them as links")


def shape_of(options: argparse.Namespace) -> Shape:
    """The lake that was asked for."""
    names = ("objects", "events", "line_bytes", "keys", "shards", "hours", "format", "gzip", "distinct")
    return Shape(**{name: getattr(options, name) for name in names})


def add_running(parser: argparse.ArgumentParser, *, repeat: int = 3) -> None:
    """How often, with how many workers, where, and how it is told."""
    parser.add_argument("--repeat", type=_positive, default=repeat, help="runs of each")
    parser.add_argument("--workers", type=_positive, help="passed on to cncbops, which else decides itself")
    add_place(parser)


def add_place(parser: argparse.ArgumentParser) -> None:
    """Where lakes are made, and how it is told."""
    parser.add_argument("--dir", type=Path, help="make the lakes below this folder, not in the temporary one")
    parser.add_argument("--markdown", action="store_true", help="tables as Markdown")


def workers_of(options: argparse.Namespace) -> list[str]:
    """The option for cncbops; none unless it was asked for."""
    return ["--workers", str(options.workers)] if options.workers else []


@contextmanager
def buckets(options: argparse.Namespace) -> Iterator[Path]:
    """A folder for buckets that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="cncbops-lakes-", dir=options.dir) as folder:
        yield Path(folder)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
