"""Units of work of all kinds for tests of cutting: of two functions, of several records and keys, some sent alone."""

from collections.abc import Sequence

from hypothesis import strategies as st

from cncbops.faults.fault import Payload, Records
from cncbops.faults.unit import Unit
from cncbops.kinesis.batching import Batch, BatchLimits
from tests.faults import units
from tests.faults.units import unit

Spec = tuple[str, str, tuple[int, ...]]
"""A unit's function, its source, and the numbers of its keys."""

SHARDS = 2
specs = st.tuples(
    st.sampled_from(["f", "g"]),
    st.sampled_from(["kinesis", "kinesis", "kinesis", "moved", "table", "queue", "bucket", "bus", "whole"]),
    st.lists(st.integers(0, 5), min_size=1, max_size=4).map(tuple),
)
limit = st.builds(BatchLimits, st.integers(1, 7), st.integers(300, 2_000) | st.just(100_000), st.just(1_000_000))
limits = st.fixed_dictionaries({"f": limit, "g": limit})


def made(drawn: Sequence[Spec]) -> list[Unit]:
    return [_unit(number, *spec) for number, spec in enumerate(drawn)]


def _unit(number: int, function: str, source: str, keys: tuple[int, ...]) -> Unit:
    """A key is always of the same shard, but for units that were `moved`: they have one key of another."""
    numbers = [(number * 10 + at, key) for at, key in enumerate(keys)]
    of_stream = [units.kinesis(each, f"k{key}", f"shard-{keys[0] % SHARDS}") for each, key in numbers]
    of = units.fault(id=f"f-{number}")
    work: Records | Payload
    match source:
        case "table":
            work = Records(tuple(units.table(each, f"k{key}") for each, key in numbers))
        case "queue":
            work = Records(tuple(units.queue(each, f"q{key}") for each, key in numbers))
        case "bucket":
            work = Records((units.bucket(number),))
        case "bus":
            work = units.bus(number)
        case "whole":
            work = units.whole(*of_stream)
        case "moved":
            work = Records((units.kinesis(number * 10, f"k{keys[0]}", f"shard-{keys[-1] % (SHARDS + 1)}"),))
        case _:
            shard = keys[0] % SHARDS
            work = Records(tuple(each for each, key in zip(of_stream, keys, strict=True) if key % SHARDS == shard))
    return unit(work, number, function, of)


inputs = st.lists(specs, max_size=30).map(made)


def units_of(batch: Batch) -> list[Unit]:
    return [each for each in batch.records if isinstance(each, Unit)]
