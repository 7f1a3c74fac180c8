"""What reading came to, on its way from where objects are read to the journal."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from cncbops.session.entry import Entry
from cncbops.tally import Failure, Tally

if TYPE_CHECKING:
    from cncbops.faults.grouping import Groups


class Findings(Struct):
    """Counts, failures and objects since they were last taken. Whoever reads one chunk after another has one.

    `failures` are by their object's number. `entries` are those of the objects that were touched, as reading leaves
    them; `failed` counts their records that cannot be sent. `claimed` are the ids of events that were chosen, to be
    known again (see `cncbops.session.id_claims`). `groups` are those of
    faults that are sent, `came_back` of those that are not sent once more. `mended` are failures of earlier sessions
    that came right otherwise, by object, line and part.
    """

    tally: Tally = field(default_factory=Tally)
    failures: list[tuple[int, Failure]] = field(default_factory=list)
    entries: dict[int, Entry] = field(default_factory=dict)
    failed: dict[int, int] = field(default_factory=dict)
    claimed: list[bytes] = field(default_factory=list)
    groups: "Groups | None" = None
    came_back: "Groups | None" = None
    mended: list[tuple[int, int, int]] = field(default_factory=list)

    def touch(self, entry: Entry) -> None:
        """Tell of an object as it is when the findings are taken."""
        self.entries[entry.number] = entry

    def note(self, entry: Entry, failures: Iterable[Failure]) -> None:
        """Take down failures of an object; their counts are the caller's."""
        self.failures += ((entry.number, failure) for failure in failures)

    def fail(self, entry: Entry, count: int) -> None:
        """Count records of an object that cannot be sent, and so have their fate; the tally is the caller's."""
        self.failed[entry.number] = self.failed.get(entry.number, 0) + count
        self.touch(entry)

    def take(self) -> "Findings":
        """All of it; what follows is found anew. Objects that go on are copied."""
        entries = {number: entry.copy() for number, entry in self.entries.items()}
        taken = replace(self, entries=entries)
        self.tally, self.failures, self.entries, self.failed, self.claimed = Tally(), [], {}, {}, []
        self.groups, self.came_back, self.mended = None, None, []
        return taken
