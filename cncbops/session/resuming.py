"""What is left of a run: the objects that are not done, and the records that failed.

Neither needs more than the ledger, the lake and the function: a run can be taken up on another
machine with a copy of the ledger.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence, Set
from itertools import count, groupby
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct
from msgspec.structs import replace

from cncbops.aws_errors import explain
from cncbops.frozen import thaw_request
from cncbops.frozen_resubmit import thaw_resubmit
from cncbops.lake.ahead import ahead
from cncbops.lake.in_order import nothing
from cncbops.lake.look_again import look_again
from cncbops.lake.objects import CHANGED, GONE, LakeObject
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import Run
from cncbops.queues.source import QueueSource
from cncbops.request import ReplayRequest, Request, ResubmitRequest
from cncbops.session.agenda import Agenda, Item, Line
from cncbops.session.entry import Entry
from cncbops.session.keeper import Keeper, NoKeeper, RunKeeper
from cncbops.session.reported import Reported
from cncbops.session.since import lake_of
from cncbops.tally import Events, Failure, of_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OnChanged = Literal["fail", "skip", "restart"]
LOOKS_AHEAD = 16


class Change(Struct, frozen=True):
    """An object that is not what it was when the run read it; `now` None: it is gone.

    `anew` is its entry as what it is now, where it is to be sent from its beginning.
    """

    entry: Entry
    now: LakeObject | None
    anew: Entry | None = None

    @property
    def failure(self) -> Failure:
        """What is told of an object whose rest is not sent."""
        gone = (GONE, "it is gone") if self.now is None else (CHANGED, "it changed since the run read it")
        return of_object(self.entry.object, *gone)


class Changes(Struct, frozen=True):
    """What changed in the lake since a run began; what is not sent anew is left out.

    `returned` are messages that went back to their queue.
    """

    found: Sequence[Change] = ()
    returned: Sequence[Entry] = ()

    @property
    def restarted(self) -> list[Entry]:
        """The objects that are sent anew, as the run has them from now on."""
        return [change.anew for change in self.found if change.anew]


def asked(run: Run) -> ReplayRequest | ResubmitRequest:
    """What a run was asked. Raises CannotRun if that is damaged, or a later version's."""
    return thaw_resubmit(run.arguments) if run.command == "resubmit" else thaw_request(run.arguments)


def queues_of(request: Request) -> frozenset[int]:
    """Which of a request's sources are queues."""
    return frozenset(number for number, source in enumerate(request.sources) if isinstance(source, QueueSource))


def changes(entries: Iterator[Entry], s3: "S3Client | None", anew_from: int | None = None) -> Changes:
    """Look at objects again; those that changed are sent anew, numbered from `anew_from`, without which none is.

    Raises CncbopsError if they cannot be looked at.
    """

    def look(entry: Entry) -> tuple[Entry, LakeObject | None]:
        try:
            return entry, look_again(entry.object, s3)
        except (BotoCoreError, ClientError) as error:
            raise explain(error, f"look at {entry.object.uri}") from error

    looked = ahead(look, entries, LOOKS_AHEAD)
    found = [Change(entry, now) for entry, now in looked if not (now and _same(entry.object, now))]
    if anew_from is not None:
        numbers = count(anew_from)
        found = [replace(change, anew=_anew(change, numbers)) for change in found]
    return Changes(found)


def _anew(change: Change, numbers: Iterator[int]) -> Entry | None:
    return Entry(next(numbers), change.entry.source, change.now) if change.now else None


def _same(then: LakeObject, now: LakeObject) -> bool:
    return (then.etag, then.size) == (now.etag, now.size)


class Rest(Agenda):
    """What an earlier session left of a run: objects not done, and those it had not come to."""

    def __init__(
        self, ledger: Ledger, run: Run, request: Request, s3: "S3Client | None", changed: Changes = Changes()
    ) -> None:
        self._run, self._known = run, ledger.known(run)
        self._lake = lake_of(request, s3, ledger)
        self._changed = changed
        picks = isinstance(request, ReplayRequest) and request.latest_per_key
        self._choices = ledger.choices(run) if picks else None

    def _failed_lines(self, entry: Entry) -> Set[Line]:
        """Where the records lie that have a fate without being delivered."""
        if not (entry.failed or entry.unknown):
            return frozenset()
        kept = self._known.failures_of(entry.number)
        return {(each.line, each.part) for each in kept if each.fate in ("failed", "unknown")}

    def items(self, _stop: threading.Event, before_threads: Callable[[], None] = nothing) -> Iterator[Item]:
        """First the objects in the ledger, in the order of the run; then what is new to it."""
        restarted = self._changed.restarted
        not_read = [*(change.entry for change in self._changed.found), *restarted, *self._changed.returned]
        left_out = {entry.number for entry in not_read}
        for entry in self._known.entries(unfinished=True):
            if entry.number not in left_out:
                yield self._item(entry)
        # Numbered after all that was known: places rise in the order in which they are read.
        yield from (Item(entry.source, entry.object, entry) for entry in restarted)
        if not self._run.listed:
            yield from self._unknown(before_threads)

    def _item(self, entry: Entry) -> Item:
        picked = self._choices.picked(entry.number) if self._choices else None
        return Item(entry.source, entry.object, entry, picked=picked, settled=self._failed_lines(entry))

    def _unknown(self, before_threads: Callable[[], None]) -> Iterator[Item]:
        """Objects of the lake that are not in the ledger: both come in listing order."""
        keys = self._known.keys()
        next_known = next(keys, None)
        for item in self._lake.objects(before_threads):
            here = (item.source, os.fsencode(item.object.key))
            while next_known is not None and next_known < here:
                next_known = next(keys, None)
            if next_known != here:
                yield item


class FailedRecords(Agenda):
    """The records of a run that have one of the fates given, by object, to be read again.

    What failed of a queue's message is not read again: the queue gives it out to a run of its own. Nor is what came
    right otherwise: that is counted, and kept.
    """

    def __init__(
        self,
        ledger: Ledger,
        run: Run,
        fates: Set[str],
        queues: Set[int] = frozenset(),
        changed: Changes = Changes(),
        reported: Reported | None = None,
    ) -> None:
        """`reported` knows of events which of them were delivered from a report; a fault's reader knows by itself."""
        self._known, self._fates, self._queues, self._reported = ledger.known(run), fates, queues, reported
        self._left_out = {change.entry.number for change in changed.found}
        self._keeper: Keeper = NoKeeper()
        self._counts = Events()

    def serve(self, keeper: RunKeeper) -> Keeper:
        """The keeper itself, which is also told what came right otherwise."""
        self._keeper = keeper
        return keeper

    def count_in(self, counts: Events) -> None:
        """Where the events are counted that were delivered from a report."""
        self._counts = counts

    def items(self, _stop: threading.Event, _before_threads: Callable[[], None] = nothing) -> Iterator[Item]:
        """The objects that hold such records, in the order of the run. Raises CannotRun if what is sent is not kept."""
        for number, lines, resubmitted in self._lines():
            if resubmitted:
                self._counts.resubmitted += len(resubmitted)
                self._keeper.mend([(number, *line) for line in resubmitted])
            known = self._known.entry(number)
            if lines and number not in self._left_out and known.source not in self._queues:
                left = Entry(number, known.source, known.object)
                yield Item(known.source, known.object, left, lines)

    def entries(self) -> Iterator[Entry]:
        """What is known of these objects."""
        entries = (self._known.entry(number) for number, lines, _ in self._lines() if lines)
        return (entry for entry in entries if entry.source not in self._queues)

    def _lines(self) -> Iterator[tuple[int, Set[Line], Set[Line]]]:
        """Of each object the lines to be read, and those whose events were delivered from a report."""
        failures = (kept for kept in self._known.failures(unmended=True) if kept.failure.fate in self._fates)
        for number, kept_ones in groupby(failures, key=lambda kept: kept.object_number):
            failed = list(kept_ones)
            resubmitted = self._reported.resubmitted(failed) if self._reported else frozenset()
            lines = frozenset((each.failure.line, each.failure.part) for each in failed)
            yield number, lines - resubmitted, resubmitted
