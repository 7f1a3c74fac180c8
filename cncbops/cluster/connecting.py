"""A session's way to a cluster."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from cncbops.aws import Aws
from cncbops.cluster.address import parse_address
from cncbops.errors import CannotRun

if TYPE_CHECKING:
    from cncbops.cluster.cluster import Cluster


@contextmanager
def connected(address: str, aws: Aws, note: Callable[[str], None]) -> "Iterator[Cluster]":
    """A cluster whose workers are fit, by `tcp://HOST:PORT`, `tls://HOST:PORT` (with Dask's own settings), `local:N`.

    `note` is told what the operator should know, in the thread that takes outcomes. Raises BadInput, and CannotRun
    where there is no scheduler or worker, or one of them has other versions, or would send elsewhere than this process.
    """
    where = parse_address(address)
    if find_spec("distributed") is None:
        raise CannotRun("--cluster needs Dask, which is not installed", "Install it: pip install 'cncbops[cluster]'")
    from cncbops.cluster.cluster import opened  # it takes a good part of a second

    with opened(where, aws, note) as cluster:
        yield cluster
