"""AWS sessions that were made to see whether a worker is fit, for the place that is begun there next.

A session and its first clients take a tenth of a second, a good part of what a run on a cluster needs to start.
"""

import asyncio
from weakref import ref

from cncbops.aws import Aws, AwsAccess

KEPT_S = 60.0

_made: dict[AwsAccess, Aws] = {}


def keep(aws: Aws) -> None:
    """Have it at hand for a while, in place of one of the same access. In an event loop."""
    _made[aws.access] = aws
    asyncio.get_running_loop().call_later(KEPT_S, _forget, ref(aws))


def _forget(kept: "ref[Aws]") -> None:
    aws = kept()
    if aws and _made.get(aws.access) is aws:
        del _made[aws.access]


def taken(access: AwsAccess) -> Aws:
    """The one that is at hand, which then is not any more; else a new one."""
    return _made.pop(access, None) or Aws(access)
