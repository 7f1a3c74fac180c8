"""A cluster that was found fit: a scheduler that is there already, or one with workers of this machine."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Any, cast

from distributed import Client, LocalCluster, Security

from cncbops.aws import Aws
from cncbops.cluster.address import Address
from cncbops.cluster.executor import ClusterExecutor
from cncbops.cluster.listing import SpreadListing
from cncbops.cluster.loop import Loop, deafen
from cncbops.cluster.quiet import silence
from cncbops.cluster.roster import Member, Roster
from cncbops.errors import CannotRun
from cncbops.execution.arenas import MESSAGE_BYTES, keep_large_apart
from cncbops.execution.station import Outfit
from cncbops.lake.pages import Page

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SCHEDULER_S = 10.0
WORKERS_S = 60.0
_LOOK_S = 0.2
_CLOSE_S = 10.0

_CONNECTIONS = 4096
"""One for each worker, which stays open; its place's own is not among them."""


class Cluster:
    """`workers` and `room` are as they were at the start: how many there were, and their invocations at a time."""

    def __init__(
        self, address: str, loop: Loop, roster: Roster, members: Sequence[Member], note: Callable[[str], None]
    ) -> None:
        self.address = address
        self.workers, self.room = len(members), sum(member.room for member in members)
        self._loop, self._roster, self._note = loop, roster, note
        self._executor: ClusterExecutor | None = None

    def executor(self, outfit: Outfit) -> ClusterExecutor:
        """Places at all workers; one at a time, and to be closed. Raises CannotRun where no worker can be used."""
        self._executor = ClusterExecutor(self._loop, self._roster, outfit, self._note)
        return self._executor

    def listing(self, s3: "S3Client") -> "S3Client":
        """A client whose list calls workers make, while there is a session at them."""
        return cast("S3Client", SpreadListing(s3, self._page))

    def _page(self, bucket: str, asked: Mapping[str, str]) -> Page | None:
        return self._executor.page(bucket, asked) if self._executor else None


@contextmanager
def opened(where: Address, aws: Aws, note: Callable[[str], None]) -> Iterator[Cluster]:
    """See `connecting.connected`."""
    silence()
    keep_large_apart(MESSAGE_BYTES)
    loop, held = Loop(), AsyncExitStack()
    try:
        client = loop.do(_client(where, held), late=lambda: _say_late(f"the scheduler at {where}", where, note))
        roster = Roster(client, aws, here=not where.scheduler)
        yield Cluster(str(where), loop, roster, _fit_members(loop, roster, where, note), note)
    finally:
        try:
            loop.do(asyncio.wait_for(held.aclose(), _CLOSE_S))
        except OSError:
            pass  # what is left of a local cluster ends with this process
        finally:
            loop.close()


def _say_late(what: str, where: Address, note: Callable[[str], None]) -> None:
    """Tell what is waited for, but of a cluster that is only being started."""
    if where.scheduler:
        note(f"waiting for {what}")


def _fit_members(loop: Loop, roster: Roster, where: Address, note: Callable[[str], None]) -> Sequence[Member]:
    """The workers that there are, each fit, once there are any. Raises CannotRun."""
    try:
        if not loop.do(roster.members()):
            note(f"waiting up to {WORKERS_S:g} s for a worker at {where}")
        members = loop.do(_first_members(roster, where))
        asked = roster.require_fit([member.address for member in members])
        for silent in loop.do(asked, late=lambda: _say_late(f"the workers at {where}", where, note)):
            note(f"{silent.what}: it is not used. {silent.next_step}")
    except OSError as error:
        raise CannotRun(f"the cluster at {where} does not answer", "Look at its scheduler and workers") from error
    return [member for member in members if member.address in roster.fit]


async def _client(where: Address, held: AsyncExitStack) -> Client:
    """A client of the cluster's scheduler, which is held, as is a local cluster."""
    address, security = where.scheduler or "", Security() if where.scheduler else Security.temporary()
    if not address:
        address = await _started(where.local_workers, security, held)
    try:
        client = Client(
            address,
            asynchronous=True,
            security=security,
            timeout=SCHEDULER_S,
            direct_to_workers=True,
            connection_limit=_CONNECTIONS,
        )
        held.push_async_callback(client.close)
        return await asyncio.wait_for(client, SCHEDULER_S + 1)
    except (OSError, ValueError, TypeError, RuntimeError) as error:  # the latter where TLS is not set up
        raise _unreachable(where, error) from error


def _unreachable(where: Address, error: Exception) -> CannotRun:
    is_tls = where.scheduler is not None and where.scheduler.startswith("tls:")
    if isinstance(error, TypeError) and is_tls:  # Dask's, of the context that it could not make
        next_step = "Set ca-file, client.cert and client.key of Dask's distributed.comm.tls: docs/cluster.md shows how"
        return CannotRun(f"there are no certificates here for {where}", next_step)
    if isinstance(error, OSError) and is_tls:
        what = f"no scheduler answers at {where}, or it and this command do not take each other's certificates"
        return CannotRun(what, "Look at it, and at Dask's own settings (distributed.comm.tls)")
    if isinstance(error, OSError):
        next_step = "Start one (`dask scheduler`), or check --cluster: is it one with TLS, at tls://?"
        return CannotRun(f"no scheduler answers at {where}", next_step)
    reason = " ".join(str(error).split())[:300]
    return CannotRun(f"cannot connect to {where}: {reason}", "See to Dask's own settings (distributed.comm.tls)")


async def _started(workers: int, security: Security, held: AsyncExitStack) -> str:
    """The address of a cluster of this machine, which is held.

    On loopback alone, and with keys of its own: who reaches a scheduler can have anything done as whoever started it.
    """
    deafen()
    cluster: Any = LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        host="127.0.0.1",
        protocol="tls",
        security=security,
        dashboard_address=None,
        memory_limit=None,  # what a worker holds is bounded by what it is given
        silence_logs=logging.CRITICAL,
        asynchronous=True,
    )
    held.push_async_callback(cluster.close)
    await cluster
    address: str = cluster.scheduler_address
    return address


async def _first_members(roster: Roster, where: Address) -> Sequence[Member]:
    """The workers that there are once there are any. Raises CannotRun."""
    deadline = time.monotonic() + WORKERS_S
    while not (members := await roster.members()):
        if time.monotonic() > deadline:
            raise CannotRun(f"the scheduler at {where} has no worker", f"Start some: `dask worker {where}`")
        await asyncio.sleep(_LOOK_S)
    return members
