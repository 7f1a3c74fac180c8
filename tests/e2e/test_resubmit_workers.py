"""Faults are read and sent by several processes: what is sent, and what is counted, depends on the lake alone."""

import json
from typing import Any

import pytest

from tests.e2e.clusters import DaskCluster
from tests.e2e.far_side import FarSide
from tests.e2e.resubmits import RAISED_MS, Resubmits, cookbook, library, record
from tests.e2e.servers import Cncbops

OBJECTS, DISTINCT, KEYS = 700, 500, 7
FUNCTIONS = ("fn-a", "fn-b")
MANY = range(0, 12_000, 20)
COUNTED = ("events", "objects", "faults", "functions", "first_failures", "came_back")


@pytest.fixture
def resubmits(cncbops: Cncbops, far_side: FarSide) -> Resubmits:
    return Resubmits(cncbops, far_side)


def fault(number: int) -> bytes:
    """The last objects hold again what the first held; some hold no fault, or one without a record."""
    number %= DISTINCT
    told: dict[str, Any] = {"function": FUNCTIONS[number % 2], "raised_ms": RAISED_MS + number * 60_000}
    if number % 50 == 3:
        return library(number, **told)
    if number % 50 == 5:
        return b'{"type":"fault","broken'
    if number % 50 == 9:  # as another pipeline raised it for the record of a fault before
        return library(number, record(number - 2, f"thing-{(number - 2) % KEYS}"), pipeline="m2", **told)
    return library(number, record(number, f"thing-{number % KEYS}"), **told)


def put_lake(far_side: FarSide, objects: int = OBJECTS) -> None:
    """As many objects as make several chunks."""
    far_side.add_bucket("faults", {f"2023/11/22/00/{number:04d}": fault(number) for number in range(objects)})
    for name in FUNCTIONS:
        far_side.add_function(name)


def sequences(resubmits: Resubmits) -> dict[str, list[str]]:
    """The sequence numbers that came of each key, in the order in which they came."""
    found: dict[str, list[str]] = {}
    for call in resubmits.sent:
        for each in json.loads(call.payload)["Records"]:
            key = f"{call.function} {each['kinesis']['partitionKey']}"
            found.setdefault(key, []).append(each["kinesis"]["sequenceNumber"])
    return found


def counts(summary: Any) -> dict[str, Any]:
    return {name: summary.get(name) for name in COUNTED}


def test_several_workers_send_and_count_what_one_does(far_side: FarSide, resubmits: Resubmits) -> None:
    put_lake(far_side)
    planned = {workers: resubmits.plan("--workers", workers) for workers in ("1", "3")}
    assert counts(planned["3"].summary) == counts(planned["1"].summary)
    assert planned["3"].summary["plan"] == planned["1"].summary["plan"]
    run = resubmits.execute("--workers", "3")
    assert run.code == 3
    assert run.summary["faults"].items() >= {"repeated": 206, "without_record": 10, "broken": 14}.items()
    assert run.events["matched"] == run.events["delivered"] == planned["1"].events["matched"]
    assert all(came == sorted(came) for came in sequences(resubmits).values())
    assert sum(map(len, sequences(resubmits).values())) == run.events["delivered"]
    again = resubmits.execute("--workers", "3")
    assert (again.events["matched"], len(again.summary["faults"])) == (0, len(run.summary["faults"]))
    assert again.summary["faults"]["sent_before"] > run.events["delivered"]


def test_what_was_sent_is_known_to_all_readers_from_their_first_fault_on(
    far_side: FarSide, resubmits: Resubmits
) -> None:
    """Several read at once as a run begins, each before another has an answer from the ledger."""
    lines = [[cookbook(number, record(number), function="fn-a") for number in range(at, at + 20)] for at in MANY]
    far_side.add_bucket(
        "faults", {f"2023/11/22/00/{at:06d}": b"\n".join(each) for at, each in zip(MANY, lines, strict=True)}
    )
    far_side.add_function("fn-a")
    sent = resubmits.execute("--workers", "2")
    assert sent.events["delivered"] == 20 * len(MANY)
    for workers in ("2", "3"):
        again = resubmits.execute("--workers", workers)
        assert (again.events["matched"], again.summary["faults"]["sent_before"]) == (0, 20 * len(MANY))


def test_a_canary_and_a_function_that_is_gone_are_heeded_by_all_workers(
    far_side: FarSide, resubmits: Resubmits
) -> None:
    put_lake(far_side)
    run = resubmits.execute("--workers", "3", "--map", "fn-b=gone", "--canary", "2")
    assert run.summary["functions"]["gone"]["failed"] == run.summary["functions"]["gone"]["matched"] > 0
    assert run.summary["functions"]["fn-a"]["delivered"] == run.summary["functions"]["fn-a"]["matched"] > 0
    assert {call.function for call in resubmits.sent} == {"fn-a"}
    assert len(json.loads(resubmits.sent[0].payload)["Records"]) <= 2


def test_each_function_is_asked_about_once_for_all_workers(far_side: FarSide, resubmits: Resubmits) -> None:
    """Lambda answers fifteen questions a second, of which a deployment that mends it all needs some as well."""
    put_lake(far_side)
    resubmits.execute("--workers", "3")
    asked = [call.function for call in far_side.invocations if call.invocation_type == "DryRun"]
    assert sorted(asked) == sorted(FUNCTIONS)
    assert sum("/configuration" in request for request in far_side.requests) == len(FUNCTIONS)


@pytest.mark.cluster
def test_a_cluster_sends_and_counts_what_one_process_does_and_knows_what_was_sent(
    cluster: DaskCluster, far_side: FarSide, resubmits: Resubmits
) -> None:
    """The ledger is here alone, and the workers ask for what it remembers."""
    put_lake(far_side, 200)
    there = cluster.at(far_side.url)
    alone, planned = (resubmits.plan(*at, "--concurrency", "16") for at in (("--workers", "1"), there))
    assert counts(planned.summary) == counts(alone.summary)
    assert planned.summary["plan"] == alone.summary["plan"]
    run = resubmits.execute(*there, "--limit", "50")
    assert run.events["delivered"] == 50
    rest = resubmits.execute(*there)
    assert rest.summary["workers"]["cluster"] == cluster.address
    assert rest.summary["faults"]["sent_before"] >= 50  # also what another pipeline raised for the same
    assert 50 + rest.events["delivered"] == planned.events["matched"]
    assert all(came == sorted(came) for came in sequences(resubmits).values())
    assert sum(map(len, sequences(resubmits).values())) == planned.events["matched"]
