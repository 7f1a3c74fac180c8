"""The counts of a run, and how its failures are told."""

from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops import tally
from cncbops.delivery.answers import Kind
from cncbops.delivery.outcome import Calls, Outcome, Settled, Undelivered, waybill_of
from cncbops.formats.event import LakeEvent, Malformed
from cncbops.tally import (
    HOUR_MS,
    NO_TYPE,
    OTHER_TYPES,
    Failure,
    Share,
    Tally,
    failures_of,
    of_line,
    of_object,
    of_record,
)
from tests.delivery.batches import OBJECT, batch


def event(event_type: str | None, timestamp: object, arrival_ms: int = 0, *, synthesized: bool = False) -> LakeEvent:
    return LakeEvent(b"{}", 1, 0, None, event_type, timestamp, arrival_ms=arrival_ms, synthesized=synthesized)


def test_a_new_tally_is_empty_and_without_flaw() -> None:
    assert (Tally().first_ms, Tally().last_ms, Tally().flawed) == (None, None, False)


def test_matched_events_are_counted_by_type_and_hour_of_their_own_time() -> None:
    found = Tally()
    found.count_matched([event("b", HOUR_MS - 1, synthesized=True), event(None, HOUR_MS)])
    found.count_matched([])
    found.count_matched([event("b", "soon", 5 * HOUR_MS), event("a", 3 * HOUR_MS)])
    assert (found.events.matched, found.events.synthesized) == (4, 1)
    assert found.by_type == {"a": 1, "b": 2, NO_TYPE: 1}
    assert found.by_hour == {0: 1, 1: 1, 3: 1, 5: 1}
    assert (found.first_ms, found.last_ms) == (HOUR_MS - 1, 5 * HOUR_MS)


@given(st.lists(st.lists(st.integers(0, 2**40) | st.integers(0, 3).map(HOUR_MS.__mul__), min_size=1), min_size=1))
def test_first_and_last_are_those_of_all_events(times: list[list[int]]) -> None:
    found = Tally()
    for chunk in times:
        found.count_matched([event("t", moment) for moment in chunk])
    assert (found.first_ms, found.last_ms) == (min(map(min, times)), max(map(max, times)))
    assert found.by_hour == Counter(moment // HOUR_MS for chunk in times for moment in chunk)
    assert found.by_hour.total() == found.events.matched


def test_a_lake_of_ever_new_types_does_not_fill_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "MOST_TYPES", 3)
    found = Tally()
    for number in range(10):
        found.count_matched([event(f"type-{number}", 0), event("type-0", 0)])
    assert found.by_type == {"type-0": 11, "type-1": 1, "type-2": 1, OTHER_TYPES: 7}


def test_outcomes_add_up() -> None:
    found, records = Tally(), batch(6).records
    outcome = Outcome(
        records[:1],
        [Undelivered(records[1], "E", "m"), Undelivered(records[2], "E", "m")],
        [Undelivered(records[3], "U", "m")],
        records[4:],
        Calls(),
        possible_duplicates=5,
    )
    outcome.calls.count(Kind.TAKEN, 10, repeats=False)
    settled = Settled(waybill_of(batch(6)), outcome)
    found.count_settled(settled)
    found.count_settled(settled)
    events = found.events
    assert (events.delivered, events.failed, events.unknown) == (2, 4, 2)
    assert (events.possible_duplicates, found.calls) == (10, Calls(total=2, succeeded=2, bytes=20))


def test_a_batch_that_was_delivered_whole_counts_all_its_records_to_its_function() -> None:
    found, sent = Tally(), batch(6)
    sent.function = "fn"
    found.count_settled(Settled(waybill_of(sent), Outcome(is_whole=True)))
    assert (found.events.delivered, found.functions) == (6, {"fn": Share(delivered=6)})


@pytest.mark.parametrize(
    ("where", "field", "flawed"),
    [
        ("events", "failed", True),
        ("events", "unknown", True),
        ("events", "malformed", True),
        ("objects", "failed", True),
        ("events", "not_sent", False),
        ("events", "faults", False),
        ("objects", "skipped", False),
    ],
)
def test_what_went_wrong_is_a_flaw_and_what_was_left_out_is_none(where: str, field: str, flawed: bool) -> None:
    found = Tally()
    setattr(getattr(found, where), field, 1)
    assert found.flawed is flawed


def test_failures_name_object_line_and_event() -> None:
    record = msgspec.structs.replace(batch(2).records[1], place=(7 << 32) + 1)
    outcome = Outcome(failed=[Undelivered(record, "ValueError", "bad")], unknown=[Undelivered(record, "Lost", "gone")])
    assert list(failures_of(outcome)) == [
        (7, Failure("s3://lake/object", 2, 0, "e-1", "1", "failed", "ValueError", "bad")),
        (7, Failure("s3://lake/object", 2, 0, "e-1", "1", "unknown", "Lost", "gone")),
    ]
    too_large = of_record(Undelivered(record, "RecordTooLarge", "by far"), "failed")
    assert too_large == Failure("s3://lake/object", 2, 0, "e-1", "1", "failed", "RecordTooLarge", "by far")
    malformed = of_line(OBJECT, Malformed(7, 3, "NotJson", "why"))
    assert malformed == Failure("s3://lake/object", 7, 3, None, None, "malformed", "NotJson", "why")
    unreadable = of_object(OBJECT, "NoSuchKey", "it is gone")
    assert unreadable == Failure("s3://lake/object", 0, 0, None, None, "unreadable", "NoSuchKey", "it is gone")
