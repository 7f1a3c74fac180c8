"""What the benchmarks say of what arrived: loss, repeats and disorder are seen, and nothing else."""

import json
from pathlib import Path

import pytest

from benchmarks.arrivals import Verdict, arrivals, judge, rate_between

Call = tuple[float, float, str]
"""When it ended, how long it took, and its records: a letter for the key, a digit for the place."""

IN_ORDER: list[Call] = [(1.0, 0.5, "a1 b2"), (1.6, 0.5, "a3 c4"), (1.7, 0.2, "b5")]


def log(folder: Path, calls: list[Call]) -> Path:
    path = folder / "log"
    with path.open("w") as out:
        for ended, took, records in calls:
            kinesis = [{"kinesis": {"partitionKey": key, "sequenceNumber": at}} for key, at in records.split()]
            out.write(f"{ended:.3f} {took:.3f} {json.dumps({'Records': kinesis})}\n")
    return path


@pytest.mark.parametrize(
    ("calls", "verdict"),
    [
        (IN_ORDER, Verdict(lost=0, repeated=0, disordered=0)),
        (IN_ORDER[::-1], Verdict(lost=0, repeated=0, disordered=0)),  # it is written down as invocations end
        (IN_ORDER[:2], Verdict(lost=1, repeated=0, disordered=0)),
        ([*IN_ORDER, (2.6, 0.5, "a3 c4")], Verdict(lost=0, repeated=2, disordered=0)),
        ([(0.4, 0.1, "a3 c4"), *IN_ORDER], Verdict(lost=0, repeated=2, disordered=1)),
        ([(0.9, 0.2, "a3 c4"), IN_ORDER[0], IN_ORDER[2]], Verdict(lost=0, repeated=0, disordered=1)),
    ],
)
def test_what_arrived_is_judged(calls: list[Call], verdict: Verdict, tmp_path: Path) -> None:
    assert judge(arrivals(log(tmp_path, calls)), 5) == verdict


def test_a_rate_is_that_of_what_began_within_a_time(tmp_path: Path) -> None:
    found = arrivals(log(tmp_path, IN_ORDER))
    assert [each.started for each in found] == pytest.approx([0.5, 1.1, 1.5])
    assert rate_between(found, 1.0, 3.0) == pytest.approx(1.5)
