"""What is to be said of a key that a lake and its copy do not plainly share.

What the listings show is judged by them; HeadObject is asked only of what they leave open: why a copy is missing, and
whether two objects are the same where their ETags, which differ, may differ for equal bytes. A lake is written to
while it is listed: what is so new that the other side may just have been listed before it came is looked at again.
So is all of a lake that an inventory, hours old, leaves open.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.inspection.evidence import Facts, facts_of, replication_of, sha256_of, tell_same
from cncbops.inspection.sides import Pair, Side
from cncbops.lake.layout import TimeWindow
from cncbops.lake.look_again import look_again
from cncbops.lake.objects import LakeObject, ObjectUnreadable

_CLOCKS_DIFFER = timedelta(minutes=5)


class Kind(StrEnum):
    """What may be of a key."""

    same = "same"
    missing = "missing"
    not_yet_replicated = "not_yet_replicated"
    different = "different"
    not_comparable = "not_comparable"
    extra = "extra"


DIFFERENCES = tuple(kind for kind in Kind if kind is not Kind.same)


class Why(StrEnum):
    """Why it is that kind."""

    failed = "replication_failed"
    gone = "replicated_and_gone"
    never = "not_replicated"
    not_there = "not_in_copy"
    unknown = "not_known"
    pending = "pending"
    new_version = "new_version_pending"
    young = "young"
    size = "size"
    content = "content"
    no_evidence = "no_common_checksum"
    archived = "archived"
    unreadable = "unreadable"
    only_there = "not_in_lake"


_BY_STATUS = {"PENDING": Why.pending, "FAILED": Why.failed, "COMPLETED": Why.gone, "COMPLETE": Why.gone}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is of a key: `is_late` only of what is not yet replicated, though it is older than the lag."""

    kind: Kind
    pair: Pair
    why: Why | None = None
    is_late: bool = False


@dataclass(frozen=True)
class Asked:
    """How to compare: objects that may hold events of `window`; with `deep` by their bytes where nothing else tells.

    An object of the lake that is younger than `lag` may lack a copy.
    """

    window: TimeWindow = TimeWindow(None, None)
    lag: timedelta = timedelta(0)
    deep: bool = False


def is_listed_alike(lake: LakeObject, recovery: LakeObject) -> bool:
    """Whether one size and one ETag show that they are the same: a file of this machine has none that tells."""
    return lake.size == recovery.size and lake.etag == recovery.etag and bool(lake.bucket and recovery.bucket)


class Judge:
    """Tells of pairs what they are, in whichever thread. Raises CncbopsError."""

    def __init__(self, lake: Side, recovery: Side, asked: Asked, now: datetime) -> None:
        self._lake, self._recovery, self._asked, self._now = lake, recovery, asked, now
        self._listed_since = now - _CLOCKS_DIFFER

    def verdict(self, pair: Pair) -> Verdict:
        """What is of a key."""
        try:
            return self._verdict(self._as_of_now(pair))
        except ObjectUnreadable as error:
            archived = error.error == "Archived"
            return Verdict(Kind.not_comparable, pair, Why.archived if archived else Why.unreadable)

    def _as_of_now(self, pair: Pair) -> Pair:
        """The pair with what the lake has now, where it was listed from an inventory."""
        like = pair.lake or pair.recovery
        if not (self._lake.is_inventory and like):
            return pair
        return replace(pair, lake=self._look(self._lake, pair.key, like, listed=pair.lake))

    def _verdict(self, pair: Pair) -> Verdict:
        if pair.lake and pair.recovery:
            return self._two_sided(pair, pair.lake, pair.recovery)
        if pair.lake:
            return self._missing(pair, pair.lake)
        if pair.recovery:
            return self._extra(pair, pair.recovery)
        return Verdict(Kind.same, pair)  # gone from the lake since it was listed, and not in the copy either

    # One of the sides has nothing

    def _extra(self, pair: Pair, recovery: LakeObject) -> Verdict:
        if self._is_new(recovery) and (come := self._look(self._lake, pair.key, recovery)):
            return self._verdict(replace(pair, lake=come))
        return Verdict(Kind.extra, pair, Why.only_there)

    def _missing(self, pair: Pair, lake: LakeObject) -> Verdict:
        why = self._why_missing(lake)
        if why is None:
            return self._verdict(replace(pair, lake=None))
        if (why is Why.gone or self._is_new(lake)) and (come := self._look(self._recovery, pair.key, lake)):
            return self._verdict(replace(pair, recovery=come))
        if why in (Why.never, Why.not_there, Why.unknown) and self._is_young(lake):
            why = Why.young
        return self._waiting(pair, lake, why) if why in (Why.pending, Why.young) else Verdict(Kind.missing, pair, why)

    def _waiting(self, pair: Pair, lake: LakeObject, why: Why) -> Verdict:
        return Verdict(Kind.not_yet_replicated, pair, why, is_late=not self._is_young(lake))

    def _why_missing(self, lake: LakeObject) -> Why | None:
        """None where the lake does not have it any more either."""
        if not (self._lake.s3 and self._recovery.s3):
            return Why.not_there  # S3 replicates nothing from a folder of this machine, or to one
        try:
            status = replication_of(lake, self._lake.s3)
            return None if status is None else _BY_STATUS.get(status, Why.never)
        except ObjectUnreadable:
            return Why.unknown
        except (BotoCoreError, ClientError) as error:
            raise self._lake.explained(error, f"look at {lake.uri}") from error

    def _is_new(self, lake_object: LakeObject) -> bool:
        """Whether it may have come since the other side was listed."""
        return lake_object.last_modified >= self._listed_since

    def _is_young(self, lake_object: LakeObject) -> bool:
        return self._now - lake_object.last_modified < self._asked.lag

    def _look(self, side: Side, key: str, like: LakeObject, *, listed: LakeObject | None = None) -> LakeObject | None:
        """What a side has under a key now; where that is not told, what was `listed`."""
        sought = side.sought(key, like)
        try:
            return look_again(sought, side.s3)
        except ClientError:
            return listed
        except BotoCoreError as error:
            raise side.explained(error, f"look at {sought.uri}") from error

    # Both have something

    def _two_sided(self, pair: Pair, lake: LakeObject, recovery: LakeObject) -> Verdict:
        if is_listed_alike(lake, recovery):
            return Verdict(Kind.same, pair)
        if lake.size != recovery.size:
            return self._differs(pair, lake, Why.size)
        ours, theirs = self._facts(self._lake, lake), self._facts(self._recovery, recovery)
        if not (ours and theirs):  # it is gone since it was listed
            return self._verdict(replace(pair, lake=lake if ours else None, recovery=recovery if theirs else None))
        same = tell_same(ours, theirs)
        if same is None and self._asked.deep:
            same = self._digest(self._lake, lake) == self._digest(self._recovery, recovery)
        if same is None:
            return Verdict(Kind.not_comparable, pair, Why.no_evidence)
        return Verdict(Kind.same, pair) if same else self._differs(pair, lake, Why.content)

    def _differs(self, pair: Pair, lake: LakeObject, why: Why) -> Verdict:
        """Unless it was written anew, and only the copy of that is still to come."""
        status = self._why_missing(lake)
        if status is None:
            return self._verdict(replace(pair, lake=None))
        if status is Why.pending:
            return self._waiting(pair, lake, Why.new_version)
        return Verdict(Kind.different, pair, why)

    def _facts(self, side: Side, lake_object: LakeObject) -> Facts | None:
        try:
            return facts_of(lake_object, side.s3)
        except (BotoCoreError, ClientError) as error:
            raise side.explained(error, f"look at {lake_object.uri}") from error

    def _digest(self, side: Side, lake_object: LakeObject) -> str:
        try:
            return sha256_of(lake_object, side.s3)
        except (BotoCoreError, ClientError) as error:
            raise side.explained(error, f"read {lake_object.uri}") from error
