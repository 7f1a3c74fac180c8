"""What tasks come to arrives as it left, whatever it is."""

import copyreg

import pytest

from cncbops.delivery.answers import Kind
from cncbops.delivery.outcome import Calls, Outcome, Undelivered
from cncbops.delivery.sender import Step
from cncbops.errors import CannotRun
from cncbops.execution.packing import packed, portable, unpacked
from cncbops.kinesis.record import Trace
from tests.delivery.batches import record
from tests.execution.bench import Odd

CALLS = Calls(3, 1, 0, 1, 1, 2, 500)
WHOLE = Outcome(calls=CALLS, possible_duplicates=7, is_whole=True, traces=[])
REMEMBERED = Outcome(calls=CALLS, is_whole=True, traces=[Trace("mark", None, b"f" * 16, b"r" * 32)])
NAMED = Outcome(delivered=[record(0)], failed=[Undelivered(record(1), "Bad", "bad")], calls=CALLS)


@pytest.mark.parametrize(
    "step",
    [
        Step(Kind.TAKEN, 100, 0, WHOLE),
        Step(Kind.TAKEN, 0, 0, WHOLE),
        Step(Kind.TAKEN, 1, 0, REMEMBERED),
        Step(Kind.TAKEN, 1, 0, Outcome(is_whole=True, traces=[Trace("mark", "\ud800", b"f" * 16, b"r" * 32)])),
        Step(Kind.TAKEN, 1, 2, WHOLE),
        Step(None, 0, 0, WHOLE),
        Step(Kind.TAKEN, 1, 1, NAMED),
        Step(Kind.THROTTLED, 0, 0, None, 100, 1.5),
    ],
)
def test_a_step_arrives_as_it_was(step: Step) -> None:
    assert unpacked(packed([(1, step, None), (2, step, None)])) == [(1, step, None), (2, step, None)]


def test_an_outcome_that_ends_the_run_arrives_with_its_reason() -> None:
    refused = Outcome(refusal=CannotRun("no", "ask"), is_whole=True)
    ((_, arrived, _),) = unpacked(packed([(1, Step(Kind.REFUSED, 0, 0, refused), None)]))
    assert (type(arrived.outcome.refusal), str(arrived.outcome.refusal)) == (CannotRun, str(refused.refusal))


def test_all_that_a_whole_batch_can_come_to_is_packed() -> None:
    """A field that is new here is to be packed, too."""
    assert set(Step.__struct_fields__) == {"kind", "delivered", "failed", "outcome", "weight", "pause_s"}
    named = {"delivered", "failed", "unknown", "not_sent", "refusal"}
    assert set(Outcome.__struct_fields__) == {*named, "calls", "possible_duplicates", "is_whole", "traces"}


def test_an_error_can_be_read_also_where_a_library_copies_it_otherwise_since(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(copyreg.dispatch_table, Odd, lambda _: (Odd, ("one", "other")))  # as one does that Dask loads
    ((_, _, error),) = unpacked(packed([(1, None, portable(Odd("one", "other")))]))
    assert "Odd: one" in str(error)
