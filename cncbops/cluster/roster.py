"""The workers of a cluster, and which of them are fit to work for a session."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from distributed import Client
from distributed.versions import get_versions

from cncbops.aws import Aws
from cncbops.cluster.parcels import Kept, packed
from cncbops.cluster.versions import PACKAGES, Versions, versions_here, versions_of
from cncbops.cluster.whereabouts import Whereabouts, whereabouts, whereabouts_there
from cncbops.errors import CannotRun, CncbopsError

ROOM = 8
"""Invocations at a time of a worker that was not given more threads: four of them share two processors well."""

LONGEST_S = 30.0
"""Of a look at a worker, which may have to load AWS's library and to ask for credentials first."""

_SAME_IMAGE = "Start the scheduler and all workers with the versions that are here, best from one image"
_ALIKE = "Install cncbops alike for all workers, with a C compiler or without, best from one image"
_SAME_AWS = "Give --endpoint-url or --role-arn, or set the environment of the workers"
_OWN_IDENTITY = "It calls AWS as its machine does, with no profile of this one: give that a role, or use --role-arn"


class Silent(CannotRun):
    """A worker does not answer."""


class Member(NamedTuple):
    """A worker. `room` is how many invocations it makes at a time."""

    address: str
    room: int

    def __str__(self) -> str:
        return f"worker {self.address}"


class Roster:
    """Looks at workers, in the loop of its client; what is fit is looked at once."""

    def __init__(self, client: Client, aws: Aws, *, here: bool) -> None:
        """`here`: its workers are of this machine."""
        self.here = here
        self.client: Any = client  # whose types do not know that it is asynchronous
        self._aws, self._access = aws, packed(aws, Kept(here=here))
        self._needed = versions_here()
        self._own: Whereabouts | None = None
        self._reads_in_c: bool | None = None  # as the first worker that is fit; this process reads nothing
        self.fit: set[str] = set()
        self._silent: set[str] = set()

    async def members(self) -> list[Member]:
        """The workers that there are. Raises OSError."""
        # The client's own `scheduler_info` tells nothing of workers where it is asynchronous.
        if self.client.status != "running" or self.client.scheduler is None:  # Dask looks for it, or gave that up
            raise ConnectionError
        told = await self.client.scheduler.identity(n_workers=-1)
        self.fit &= told["workers"].keys()
        self._silent &= told["workers"].keys()
        workers = ((address, each) for address, each in told["workers"].items() if address not in self._silent)
        return [Member(address, max(ROOM, each["nthreads"])) for address, each in workers]

    async def require_fit(self, addresses: Iterable[str]) -> Sequence[CannotRun]:
        """Why some of these workers are left out: they do not answer.

        Raises CannotRun for a scheduler, or the first of these workers, that is not fit, and where none answers;
        and as `objections` does.
        """
        # The client's own `get_versions` asks all workers as well, and waits for one that hangs.
        told: Any = await self.client.scheduler.versions(packages=PACKAGES)
        if objection := self._differs("the scheduler", versions_of(told)):
            raise objection
        objections = list((await self.objections(addresses)).values())
        for objection in objections:
            if not (isinstance(objection, Silent) and self.fit):
                raise objection
        return objections

    async def objections(self, addresses: Iterable[str]) -> Mapping[str, CannotRun]:
        """Why workers are not fit, those that are not; one that is gone by now is left out.

        Raises CncbopsError where this process is not, as where it has no credentials.
        """
        unknown = [address for address in addresses if address not in self.fit]
        # All at once: while workers load what they need, so does this process.
        own, versions, others = await asyncio.gather(
            self._whereabouts_here(),
            self._told(unknown, get_versions, packages=PACKAGES),
            self._told(unknown, whereabouts_there, self._access),
        )
        found = {
            each: self._of_versions(each, versions[each]) or self._of_worker(each, others[each], own)
            for each in unknown
            if each in versions and each in others
        }
        self.fit |= {address for address, objection in found.items() if not objection}
        objections = {address: objection for address, objection in found.items() if objection}
        self._silent |= {address for address, objection in objections.items() if isinstance(objection, Silent)}
        return objections

    async def _whereabouts_here(self) -> Whereabouts:
        if self._own is None:
            self._own = await asyncio.to_thread(whereabouts, self._aws)
        return self._own

    async def _told(self, addresses: list[str], function: Any, *arguments: Any, **named: Any) -> Mapping[str, Any]:
        """What each says, or what that raised; nothing of one that is gone."""
        told = await asyncio.gather(*(self._told_by(each, function, *arguments, **named) for each in addresses))
        return {address: each for address, each in zip(addresses, told, strict=True) if not isinstance(each, OSError)}

    async def _told_by(self, address: str, function: Any, *arguments: Any, **named: Any) -> Any:
        """Each is asked by itself: one that hangs holds up no other."""
        asked = self.client.run(function, *arguments, workers=[address], on_error="return", **named)
        try:
            return (await asyncio.wait_for(asked, LONGEST_S))[address]
        except TimeoutError:
            return Silent(f"no answer within {LONGEST_S:g} s", "End it, or see why it hangs")

    def _of_versions(self, address: str, told: Any) -> CannotRun | None:
        if isinstance(told, BaseException):
            return _failed(address, told)
        return self._differs(f"worker {address}", versions_of(told))

    def _differs(self, who: str, found: Versions) -> CannotRun | None:
        if found == self._needed:
            return None
        return CannotRun(f"{who} has {found}; here is {self._needed}", _SAME_IMAGE)

    def _of_worker(self, address: str, told: Whereabouts | BaseException, own: Whereabouts) -> CannotRun | None:
        if isinstance(told, BaseException):
            return _failed(address, told)
        if difference := own.difference(told):
            return CannotRun(f"worker {address} {difference}", _SAME_AWS)
        return self._of_reading(address, told)

    def _of_reading(self, address: str, told: Whereabouts) -> CannotRun | None:
        """Where a worker is lost, another reads on from the very portion: those of the one way end elsewhere."""
        if self._reads_in_c in (None, told.reads_in_c):
            self._reads_in_c = told.reads_in_c
            return None
        ways = ("in C", "without C") if told.reads_in_c else ("without C", "in C")
        return CannotRun(f"worker {address} reads lines {ways[0]}, another {ways[1]}", _ALIKE)


def _failed(address: str, error: BaseException) -> CannotRun:
    if isinstance(error, CncbopsError):
        if isinstance(error, Silent):
            return Silent(f"worker {address}: {error.what}", error.next_step)
        return CannotRun(f"worker {address}: {error.what}", _OWN_IDENTITY)
    return CannotRun(f"worker {address} cannot be used: {type(error).__name__}", "Look at the worker's log")
