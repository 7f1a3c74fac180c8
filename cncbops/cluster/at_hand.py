"""AWS sessions that were made to see whether a worker is fit, for the place that is begun there next.

A session and its first clients take a tenth of a second, a good part of what a run on a cluster needs to start.
"""

from cncbops.aws import Aws, AwsAccess

_made: dict[AwsAccess, Aws] = {}


def keep(aws: Aws) -> None:
    """Have it at hand, in place of one of the same access."""
    _made[aws.access] = aws


def taken(access: AwsAccess) -> Aws:
    """The one that is at hand, which then is not any more; else a new one."""
    return _made.pop(access, None) or Aws(access)
