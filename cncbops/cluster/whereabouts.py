"""Whom a process would send to: the same everywhere, or some of the records would go to a function of the same name."""

import asyncio
import gc
from dataclasses import dataclass

from cncbops.aws import Aws
from cncbops.cluster.at_hand import keep
from cncbops.cluster.parcels import unpacked
from cncbops.identity import whoami
from cncbops.native import hot
from cncbops.session.memory import Memory, NoMemory


@dataclass(frozen=True)
class Whereabouts:
    """Where calls go, and the account of whoever makes them: None where AWS does not say.

    `reads_in_c`: what reads lines is compiled there (see `cncbops.native`).
    """

    lambda_url: str
    s3_url: str
    account: str | None
    reads_in_c: bool = False

    def difference(self, other: "Whereabouts") -> str | None:
        """What sets another apart from this, in words; None if nothing does."""
        if other.lambda_url != self.lambda_url:
            return f"calls Lambda at {other.lambda_url}, not {self.lambda_url}"
        if other.s3_url != self.s3_url:
            return f"calls S3 at {other.s3_url}, not {self.s3_url}"
        if other.account and self.account and other.account != self.account:
            return f"is of account {other.account}, not {self.account}"
        return None


def whereabouts(aws: Aws) -> Whereabouts:
    """Of this process. Raises CncbopsError, as where credentials are missing."""
    identity = whoami(aws)
    return Whereabouts(
        aws.lambda_().meta.endpoint_url,
        aws.s3().meta.endpoint_url,
        identity.account if identity else None,
        reads_in_c=hot is not None,
    )


async def whereabouts_there(aws: bytes) -> Whereabouts:
    """Of a worker, which Dask calls this in; in a thread, as its loop must go on. `aws` is a parcel."""
    (given,) = unpacked(aws, _no_memory)
    made = Aws(given.access)  # anew: what it finds shall hold for the place that is begun next
    found = await asyncio.to_thread(_looked_at, made)
    keep(made)
    return found


def _looked_at(aws: Aws) -> Whereabouts:
    gc.disable()  # what is loaded stays: to search it for garbage again and again takes a quarter of the time
    try:
        from cncbops.cluster import work  # noqa: F401  here: a place that is begun soon need not load it then

        return whereabouts(aws)
    finally:
        gc.enable()


def _no_memory(_number: int) -> Memory:
    return NoMemory()
