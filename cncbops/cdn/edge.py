"""One distribution's invalidations, as CloudFront makes them and tells of them.

Source: CloudFront API, CreateInvalidation, ListInvalidations, GetInvalidation.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from itertools import chain, islice
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as NotConnected
from botocore.parsers import ResponseParserError

from cncbops.aws import Aws
from cncbops.aws_errors import code_of, denies, explain
from cncbops.cdn.batches import Batch
from cncbops.errors import CannotRun, CncbopsError

COMPLETED, IN_PROGRESS = "Completed", "InProgress"
PAGE = 100
CREATE_TIMEOUT_S = 10
"""A create hears neither stop nor deadline, and is made again under its reference."""


class Trouble(Enum):
    """Why a call is to be made again. A create may be: its reference makes that free, also if it was heard."""

    FULL = "too many invalidations are in progress"
    THROTTLED = "CloudFront throttles it"
    BROKEN = "CloudFront fails, or the connection to it"


class Denied(CannotRun):
    """AWS knows who asks, and does not allow it."""


class Unanswered(CannotRun):
    """CloudFront had no answer now; it may have one later."""


@dataclass(frozen=True, slots=True)
class Invalidation:
    """One invalidation. `items` are None where only a list told of it."""

    id: str
    status: str
    created: datetime
    items: tuple[str, ...] | None = None


class Edge:
    """The edge of a distribution. Every method raises CncbopsError: Denied, Unanswered, or what else is refused."""

    def __init__(self, aws: Aws, distribution: str) -> None:
        self.distribution = distribution
        self._once = aws.cloudfront(tries=1, read_timeout_s=CREATE_TIMEOUT_S)
        self._client = aws.cloudfront()

    def create(self, batch: Batch) -> Invalidation | Trouble:
        """Ask once for an invalidation; of two that are asked for alike CloudFront makes one."""
        paths: Any = {"Quantity": len(batch.items), "Items": list(batch.items)}
        try:
            answer = self._once.create_invalidation(
                DistributionId=self.distribution,
                InvalidationBatch={"CallerReference": batch.reference, "Paths": paths},
            )
        except (ClientError, BotoCoreError, ResponseParserError) as error:
            trouble = _trouble_of(error)
            if trouble is None:
                raise self._refused(error, batch) from error
            return trouble
        return _invalidation(answer["Invalidation"])

    def find(self, invalidation: str) -> Invalidation:
        """One invalidation, with its items."""
        with _explaining(f"look at invalidation {invalidation} of {self.distribution}"):
            answer = self._client.get_invalidation(DistributionId=self.distribution, Id=invalidation)
        return _invalidation(answer["Invalidation"])

    def newest(self, limit: int) -> list[Invalidation]:
        """The newest invalidations, the last one first, without their items."""
        pages = islice(self._pages(), -(-limit // PAGE))
        # CloudFront lists them like this itself; an emulator may not.
        found = sorted(chain.from_iterable(pages), key=lambda each: each.created, reverse=True)
        return found[:limit]

    def recent(self) -> Iterator[Invalidation]:
        """The newest invalidations, up to a page on which none is in progress: older ones are completed."""
        for page in self._pages():
            yield from page
            if all(each.status == COMPLETED for each in page):
                return

    def _pages(self) -> Iterator[list[Invalidation]]:
        paginator = self._client.get_paginator("list_invalidations")
        with _explaining(f"list the invalidations of {self.distribution}"):
            for page in paginator.paginate(DistributionId=self.distribution, PaginationConfig={"PageSize": PAGE}):
                yield [_invalidation(each) for each in page["InvalidationList"].get("Items", [])]

    def _refused(self, error: Exception, batch: Batch) -> CncbopsError:
        assert isinstance(error, ClientError | BotoCoreError)
        if code_of(error) == _ALREADY_EXISTS:
            what = f"{self.distribution} has an invalidation {batch.reference} with other paths"
            return CannotRun(what, "That is a defect of cncbops: please report it; a new run has new references")
        return explain(error, f"create an invalidation of {self.distribution}")


_ALREADY_EXISTS = "InvalidationBatchAlreadyExists"
"""Not in the SDK's model. Source: CloudFront API Reference, InvalidationBatch."""

_FULL = "TooManyInvalidationsInProgress"
_THROTTLES = {
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}


def _trouble_of(error: Exception) -> Trouble | None:
    """What kind of trouble passes; None for what stays."""
    if isinstance(error, NotConnected | HTTPClientError | IncompleteReadError | ResponseParserError):
        return Trouble.BROKEN
    if not isinstance(error, ClientError):
        return None
    code, status = code_of(error), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == _FULL:
        return Trouble.FULL
    if code in _THROTTLES or status == 429:
        return Trouble.THROTTLED
    return Trouble.BROKEN if status >= 500 else None


@contextmanager
def _explaining(doing: str) -> Iterator[None]:
    try:
        yield
    except ResponseParserError as error:
        raise Unanswered(f"cannot {doing}: its answer is broken", "Try again") from error
    except (ClientError, BotoCoreError) as error:
        explained = explain(error, doing)
        if denies(error):
            raise Denied(explained.what, explained.next_step) from error
        if _trouble_of(error):
            raise Unanswered(explained.what, explained.next_step) from error
        raise explained from error


def _invalidation(told: Any) -> Invalidation:
    """From a list's summary, or from an answer that has the items too."""
    items = tuple(told["InvalidationBatch"]["Paths"].get("Items", ())) if "InvalidationBatch" in told else None
    return Invalidation(told["Id"], told["Status"], told["CreateTime"], items)
