"""What reading came to adds up to what one count of it all would be, and is taken down once."""

import random
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from cncbops.delivery.answers import Kind
from cncbops.delivery.outcome import Calls
from cncbops.formats.event import LakeEvent
from cncbops.session.agenda import Item
from cncbops.session.entry import Entry
from cncbops.session.findings import Findings
from cncbops.session.journal import MOST_UNKEPT, Journal
from cncbops.session.keeper import NoKeeper
from cncbops.tally import HOUR_MS, MOST_TYPES, OTHER_TYPES, Failure, Tally
from tests.delivery.batches import OBJECT
from tests.ledger.runs import lake_object

EVENTS = ("read", "failed", "malformed", "faults", "filtered", "possible_duplicates")
FAULTS = ("others", "not_chosen", "repeated", "without_record")


def event(chance: random.Random) -> LakeEvent:
    when, kind = chance.randrange(9) * HOUR_MS, chance.choice(["a", "b", None])
    return LakeEvent(b"{}", 1, 0, None, kind, when, arrival_ms=0, synthesized=chance.random() < 0.3)


def count_some(tally: Tally, chance: random.Random) -> None:
    """Count something, as reading and sending do."""
    match chance.randrange(6):
        case 0:
            tally.count_matched([event(chance) for _ in range(chance.randrange(4))])
        case 1:
            name = chance.choice(EVENTS)
            setattr(tally.events, name, getattr(tally.events, name) + chance.randrange(3))
        case 2:
            tally.objects.listed += 1
            tally.objects.skip(chance.choice(["empty", "folder"]))
        case 3:
            name = chance.choice(FAULTS)
            setattr(tally.faults, name, getattr(tally.faults, name) + 1)
        case 4:
            share = tally.share_of(chance.choice(["fn", "gn"]))
            share.matched += 1
            share.newest_ms = max(share.newest_ms or 0, chance.randrange(100))
        case 5:
            tally.calls.count(chance.choice(list(Kind)), chance.randrange(9), repeats=chance.random() < 0.5)
            tally.objects.bytes += chance.randrange(9)


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(0, 2**32))
def test_counts_that_are_added_are_those_of_one_count_of_it_all(parts: Sequence[int], seed: int) -> None:
    one_by_one, at_once, whole = random.Random(seed), random.Random(seed), Tally()
    added = Tally()
    for steps in parts:
        part = Tally()
        for _ in range(steps):
            count_some(part, one_by_one)
            count_some(whole, at_once)
        added.add(part)
    assert added == whole


def test_what_is_added_to_is_changed_alone() -> None:
    part, whole = Tally(), Tally()
    part.objects.skip("empty")
    part.share_of("fn").matched += 1
    part.calls.add(Calls(total=1))
    whole.add(part)
    whole.add(part)
    assert (part.objects.skipped_as, part.functions["fn"].matched, part.calls.total) == ({"empty": 1}, 1, 1)
    assert (whole.objects.skipped_as, whole.functions["fn"].matched, whole.calls.total) == ({"empty": 2}, 2, 2)


def test_ever_new_types_in_many_parts_do_not_fill_memory_and_none_is_lost_count_of() -> None:
    whole = Tally()
    for first in range(0, 2 * MOST_TYPES, MOST_TYPES // 2):
        part = Tally()
        part.count_sent([f"type-{number}" for number in range(first, first + MOST_TYPES)], [])
        whole.add(part)
    assert len(whole.by_type) <= MOST_TYPES + 1
    assert whole.by_type.total() == whole.events.matched == 4 * MOST_TYPES
    assert whole.by_type[OTHER_TYPES] > 0


def failure(line: int) -> Failure:
    return Failure(OBJECT.uri, line, 0, None, None, "failed", "E", "m")


def test_what_is_taken_is_all_since_it_was_last_taken() -> None:
    findings, entry = Findings(), Entry(3, 0, OBJECT)
    findings.tally.events.read += 2
    findings.note(entry, [failure(1)])
    findings.fail(entry, 1)
    findings.fail(entry, 2)
    taken = findings.take()
    assert (taken.tally.events.read, taken.failures, taken.failed) == (2, [(3, failure(1))], {3: 3})
    assert findings.take() == Findings()


def test_an_object_is_told_of_as_it_was_when_it_was_taken() -> None:
    findings, entry = Findings(), Entry(3, 0, OBJECT)
    findings.touch(entry)
    entry.matched = 1
    taken = findings.take()
    entry.matched = 2
    assert taken.entries[3].matched == 1
    assert findings.take().entries == {}


def test_findings_of_an_object_leave_the_fates_of_its_records_alone() -> None:
    journal, findings = Journal(NoKeeper()), Findings()
    entry = journal.entry_of(Item(0, lake_object(0)))
    journal.open(entry)
    read = entry.copy()
    read.read, read.matched, read.pulled, read.malformed, read.remains = 9, 4, 4, 1, True
    entry.delivered, entry.failed = 2, 1  # while it was read on
    findings.fail(read, 1)
    journal.take_in(findings.take())
    assert (entry.read, entry.matched, entry.pulled, entry.malformed, entry.remains) == (9, 4, 4, 1, True)
    assert (entry.delivered, entry.failed, entry.at_rest) == (2, 2, False)
    read.ended = True
    findings.touch(read)
    journal.take_in(findings.take())
    assert (entry.settled, entry.at_rest) == (4, True)


class Kept(NoKeeper):
    """Counts what is written down."""

    def __init__(self) -> None:
        self.failures = 0

    def write(self, _entries: object, failures: Sequence[object], _settled: object, _claimed: object) -> None:
        self.failures += len(failures)


def test_many_failures_are_written_down_at_once_and_the_first_are_told() -> None:
    keeper = Kept()
    journal, findings, entry = Journal(keeper), Findings(), Entry(0, 0, OBJECT)
    journal.open(entry)
    for number in range(MOST_UNKEPT + 1):
        findings.note(entry, [failure(number)])
    journal.take_in(findings.take())
    assert keeper.failures == MOST_UNKEPT + 1
    assert [each.line for each in journal.first_failures] == list(range(20))
