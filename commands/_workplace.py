"""Where a command works: in processes of this machine (`--workers`), or on a Dask cluster (`--cluster`)."""

from contextlib import ExitStack

from msgspec import Struct

from cncbops.aws import Aws
from cncbops.errors import BadInput
from cncbops.lake.sources import LocalSource
from cncbops.request import Request
from cncbops.session.undertakings import processors
from cncbops.undertaking import Places, is_read_one_by_one

from ._screen import Screen

_HERE = "local:"
"""How the address of a cluster begins that is started for the run, on this machine."""


def is_here(cluster: str) -> bool:
    """Whether a cluster is started on this machine, where its workers see what lies here, and are as who starts it."""
    return cluster.startswith(_HERE)


class Workplace(Struct, frozen=True):
    """What was typed of it."""

    workers: int | None = None
    cluster: str | None = None

    def taken(self, request: Request, aws: Aws, screen: Screen, held: ExitStack) -> Places:
        """The places, for as long as `held` is. Raises CncbopsError, before anything is begun or asked of AWS.

        Within `before_work`: Dask does not bear to be interrupted while it starts; its processes end with this one.
        """
        here = Places(self.workers or processors())
        if self.cluster is None:
            return here
        self._require_meant(request)
        if is_read_one_by_one(request):
            screen.note(f"with --limit, and of queues, one object is read after another: here, not at {self.cluster}")
            return here
        from cncbops.cluster.connecting import connected  # here: none but who works on a cluster needs it

        cluster = held.enter_context(connected(self.cluster, aws, screen.note))
        if (request.concurrency or 0) > cluster.room:
            room, asked = cluster.room, request.concurrency
            screen.note(
                f"the workers have room for {room:,} invocations at a time, not {asked:,}: `--nthreads` says it"
            )
        return Places(cluster.workers, cluster)

    def _require_meant(self, request: Request) -> None:
        """Raise BadInput where two places are typed, or one that cannot see what is to be read."""
        if self.workers:
            raise BadInput(
                "--workers beside --cluster",
                "Give one of them, or unset CNCBOPS_CLUSTER or CNCBOPS_WORKERS: the environment counts, too",
            )
        local = next((source for source in request.sources if isinstance(source, LocalSource)), None)
        if local and self.cluster and not is_here(self.cluster):
            what = f"{local.uri} is of this machine, and what works at {self.cluster} may be elsewhere"
            raise BadInput(what, "Leave --cluster out, or give --cluster local:N, or copy it to S3")
