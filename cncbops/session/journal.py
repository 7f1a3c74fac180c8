"""Where a run's counts, objects and failures go as they happen: the tally, and what is written down.

Only the thread that pulls records and receives outcomes uses it. What it holds is bounded: objects
that are not done (those whose records are pulled and not settled), and what is not yet kept.
"""

from collections.abc import Callable, Sequence

from cncbops.delivery.outcome import Outcome, Settled, by_object
from cncbops.errors import CncbopsError
from cncbops.session.agenda import Item
from cncbops.session.entry import LEFT_OUT, RESTARTED, Entry
from cncbops.session.findings import Findings
from cncbops.session.keeper import Keeper, NoKeeper
from cncbops.tally import Failure, Tally, failures_of

FAILURES_SHOWN = 20
MOST_UNKEPT = 1_000
"""Objects, or failures, that may wait for the next outcome before they are written down."""


class Journal:
    """One session's tally, its first few failures, and the objects it works on."""

    def __init__(self, keeper: Keeper, next_number: int = 0, over: Callable[[Entry], None] = lambda _: None) -> None:
        """`over` is told of each object of which nothing is left to do, once that is written down."""
        self.tally = Tally()
        self._over = over
        self.first_failures: list[Failure] = []
        self.is_torn = False  # true where not all that came of it is written down
        self.settles = True  # false for a plan, of whose records none is
        self._keeper = keeper
        self._next_number = next_number
        self._entries: dict[int, Entry] = {}
        self._changed: dict[int, Entry] = {}
        self._delivered: dict[int, Entry] = {}  # of which more was delivered
        self._failures: list[tuple[int, Failure]] = []
        self._claimed: list[bytes] = []
        self._mended: list[tuple[int, int, int]] = []
        self._in_doubt = 0

    def doubt(self, records: int) -> None:
        """Count so many records that earlier sessions may have sent as possible duplicates, once something is sent."""
        self._in_doubt += records

    def entry_of(self, item: Item) -> Entry:
        """The entry of an object that is to be read: as an earlier session left it, or new, with the next number."""
        if item.left is not None:
            item.left.pulled, item.left.ended, item.left.error = 0, False, None
            return item.left
        entry = Entry(self._next_number, item.source, item.object)
        self._next_number += 1
        return entry

    def entry(self, number: int) -> Entry:
        """The entry of an object that is worked on."""
        return self._entries[number]

    def open(self, entry: Entry) -> None:
        """Work on an object from now on."""
        self._entries[entry.number] = entry
        self.touch(entry)

    def take_in(self, findings: Findings) -> None:
        """Take down what reading came to, of objects that are open."""
        self.tally.add(findings.tally)
        for number, read in findings.entries.items():
            entry = self._entries[number]
            entry.absorb(read)
            entry.failed += findings.failed.get(number, 0)
            self._changed[number] = entry
        for number, failure in findings.failures:
            self._note(number, failure)
        self._claimed += findings.claimed
        self._mended += findings.mended
        if max(map(len, (self._failures, self._changed, self._claimed, self._mended))) >= MOST_UNKEPT:
            self.keep()

    def touch(self, entry: Entry) -> None:
        """Have what is known of an object written down with what comes next."""
        self._changed[entry.number] = entry
        if len(self._changed) >= MOST_UNKEPT:
            self.keep()

    def leave_out(self, entry: Entry, failure: Failure) -> None:
        """Leave an object of an earlier session as it is, and say why."""
        entry.error = LEFT_OUT
        self.tally.objects.listed += 1
        self.tally.objects.failed += 1
        self.tally.objects.left_out += 1
        self._note(entry.number, failure)
        self.touch(entry)

    def restart(self, entry: Entry, anew: Entry) -> None:
        """Put an object that changed in the place of what it was: both are written down together."""
        entry.error = RESTARTED
        self.doubt(entry.delivered + entry.unknown)
        self.touch(entry)
        self.touch(anew)

    def give_back(self, entry: Entry) -> None:
        """Let go of a queue's message that an earlier session had in hand: the queue gives it out anew."""
        entry.error = RESTARTED
        self.touch(entry)

    def take(self, settled: Sequence[Settled]) -> None:
        """Take down what became of batches. Raises CannotRun if it cannot be kept."""
        for each in settled:
            self._count(each)
        self.keep(settled)

    def keep(self, settled: Sequence[Settled] = ()) -> None:
        """Write down what is not yet written, and let go of objects of which nothing is under way.

        Raises CannotRun if it cannot be kept; nothing is written after that.
        """
        changed, delivered, failures, claimed = self._changed, self._delivered, self._failures, self._claimed
        mended, self._mended = self._mended, []
        self._changed, self._delivered, self._failures, self._claimed = {}, {}, [], []
        try:
            if mended:
                self._keeper.mend(mended)
            self._keeper.write(changed.values(), failures, settled, claimed)
        except CncbopsError:
            # What comes after would tell of counts whose records it does not tell.
            self._keeper, self._over = NoKeeper(), lambda _: None
            self.is_torn = True
            raise
        for entry in [entry for entry in {**changed, **delivered}.values() if self._is_over(entry)]:
            if self._entries.pop(entry.number, None):
                self._over(entry)

    def _is_over(self, entry: Entry) -> bool:
        return entry.at_rest if self.settles else entry.ended or entry.error is not None

    def _count(self, settled: Settled) -> None:
        outcome = settled.outcome
        self.tally.count_settled(settled)
        if self._in_doubt and outcome.calls.total:
            self.tally.events.possible_duplicates += self._in_doubt
            self._in_doubt = 0
        for number, count in settled.delivered.items():
            entry = self._entries[number]
            entry.delivered += count
            self._delivered[number] = entry
        if not outcome.is_whole:
            self._count_failures(outcome)

    def _count_failures(self, outcome: Outcome) -> None:
        for fate, failures in (("failed", outcome.failed), ("unknown", outcome.unknown)):
            for number, count in by_object(each.record for each in failures).items():
                entry = self._entries[number]
                setattr(entry, fate, getattr(entry, fate) + count)
                self._changed[number] = entry
        for number, failure in failures_of(outcome):
            self._note(number, failure)

    def _note(self, number: int, failure: Failure) -> None:
        if len(self.first_failures) < FAILURES_SHOWN:
            self.first_failures.append(failure)
        self._failures.append((number, failure))
