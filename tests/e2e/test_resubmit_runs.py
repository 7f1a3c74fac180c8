"""A resubmit that failed in part, was killed or interrupted: nothing is lost, and little is sent twice."""

import os
import random
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from cncbops.reports.summary import iso
from tests.e2e import lakes
from tests.e2e.far_side import FarSide, Reply, function_error, ok
from tests.e2e.replays import Run
from tests.e2e.resubmits import Resubmits, cookbook, faults, library, lines, one_each, record, records_in
from tests.e2e.runs import (
    Runs,
    assert_once_each,
    data_of,
    ids_of,
    interrupt_once_sent,
    kill_once_sent,
    raising_on,
)
from tests.e2e.servers import Cncbops

BATCH, IN_FLIGHT = 10, 4
MOST_REPEATS = BATCH * IN_FLIGHT
FAST = ("--batch-size", str(BATCH), "--concurrency", str(IN_FLIGHT))
TWO = ("fn-a", "fn-b")


@pytest.fixture
def resubmits(cncbops: Cncbops, far_side: FarSide) -> Resubmits:
    return Resubmits(cncbops, far_side)


def slowly(_payload: Any, _context: Any) -> Reply:
    return ok().after(0.01)


def test_what_failed_is_kept_and_mended_by_a_redrive(far_side: FarSide, resubmits: Resubmits) -> None:
    unit = library(50, record(50, "thing-1"), record(51, "thing-2"))
    far_side.add_bucket("faults", one_each([*faults(20, keys=5, functions=TWO), unit.replace(b"listener", b"fn-b")]))
    far_side.add_function("fn-a")
    far_side.add_function("fn-b", raising_on(["e-0003", "e-0050"]))
    run = resubmits.execute("--max-attempts", "1", "--max-failures", "100%")
    assert (run.code, run.status, run.events["delivered"], run.events["failed"]) == (3, "partial", 19, 2)
    assert {name: share["failed"] for name, share in run.summary["functions"].items()} == {"fn-a": 0, "fn-b": 2}
    assert [kept.failure.event_id for kept in resubmits.failures] == ["f-0003", "f-0050"]

    far_side.add_function("fn-b")
    sent = len(resubmits.sent)
    planned = resubmits.plan_redrive()
    assert (planned.status, planned.events["matched"], len(resubmits.sent)) == ("planned", 2, sent)
    mended = resubmits.redrive()
    assert (mended.code, mended.status, mended.events["delivered"]) == (0, "succeeded", 2)
    assert mended.summary["run"].items() >= {"matched": 21, "delivered": 21, "failed": 0}.items()
    arrived = [each for call in resubmits.sent[sent:] for each in records_in(call.payload)]
    assert sorted(arrived) == sorted([record(3, "thing-3"), record(50, "thing-1"), record(51, "thing-2")])
    assert (resubmits.redrive().status, resubmits.execute().status) == ("nothing", "nothing")
    assert len(far_side.delivered()) == 22


def test_what_failed_can_also_be_sent_by_another_resubmit_and_then_not_by_a_redrive(
    far_side: FarSide, resubmits: Resubmits
) -> None:
    far_side.add_bucket("faults", lines(*faults(5)))
    far_side.add_function("listener", lambda *_: function_error("TypeError", "no"))
    first = resubmits.execute("--max-attempts", "1", "--max-failures", "100%")
    assert (first.code, first.events["failed"]) == (3, 5)
    far_side.add_function("listener")
    assert resubmits.execute().events["delivered"] == 5
    redrive = ("runs", "redrive", str(first.summary["run_id"]), "--execute", "-o", "json")
    run = resubmits.finish(resubmits.command.start(*redrive, endpoint=far_side.url))
    assert (run.events["delivered"], run.summary["faults"]["sent_before"], len(far_side.delivered())) == (0, 5, 5)
    assert run.summary["run"].items() >= {"matched": 5, "delivered": 5, "failed": 0}.items()
    shown = resubmits.command("runs", "show", first.summary["run_id"], "-o", "json", endpoint=far_side.url).json
    assert (shown["status"], shown["next_step"]) == ("succeeded", None)
    assert [each["mended_in"] for each in shown["failures"]] == [2] * 5


Store = Callable[[Sequence[bytes]], dict[str, bytes]]


@pytest.mark.parametrize(
    ("store", "count", "kills"),
    [(lambda documents: lines(*documents), 2400, 2), (one_each, 500, 1)],
    ids=["JSON lines", "a document an object"],
)
def test_a_resubmit_killed_again_and_again_delivers_every_fault(
    store: Store, count: int, kills: int, far_side: FarSide, resubmits: Resubmits
) -> None:
    chance = random.Random(count)
    documents = faults(count, keys=101, functions=TWO)
    far_side.add_bucket("faults", store(documents))
    for function in TWO:
        far_side.add_function(function, slowly)
    process = resubmits.start(*FAST)
    for _ in range(kills):
        kill_once_sent(resubmits, process, chance.randint(3, 20))
        process = resubmits.start_resume()
    run = resubmits.finish(process)
    assert (run.code, run.status) == (0, "succeeded")
    assert run.summary["run"].items() >= {"matched": count, "delivered": count, "failed": 0, "not_sent": 0}.items()
    ids = resubmits.delivered_ids
    assert len(set(ids)) == count
    assert run.events["possible_duplicates"] > 0
    assert len(ids) - count <= kills * MOST_REPEATS
    assert far_side.overlaps_within_key() == []
    further = resubmits.execute()
    assert (further.status, further.summary["faults"]["sent_before"]) == ("nothing", count)
    assert len(far_side.delivered()) == len(ids)


def test_a_killed_resubmit_need_not_be_resumed(far_side: FarSide, resubmits: Resubmits) -> None:
    """Another resubmit sends what was not delivered."""
    far_side.add_bucket("faults", lines(*faults(1000, keys=50)))
    far_side.add_function("listener", slowly)
    process = resubmits.start(*FAST)
    kill_once_sent(resubmits, process, 20)
    before = len(far_side.delivered())
    killed = resubmits.newest.run_id
    assert killed in resubmits.plan().summary["plan"]["warnings"][0]
    run = resubmits.execute()
    assert (run.status, run.events["possible_duplicates"]) == ("succeeded", MOST_REPEATS)
    assert 0 <= before - run.summary["faults"]["sent_before"] <= MOST_REPEATS
    assert len(set(resubmits.delivered_ids)) == 1000
    assert len(far_side.delivered()) - 1000 <= MOST_REPEATS
    assert resubmits.plan().summary["plan"]["warnings"] == [], "what was in doubt was sent: none of it comes again"
    assert killed not in resubmits.text("--execute").err


@pytest.mark.parametrize(
    ("store", "count"),
    [(lambda documents: lines(*documents), 1200), (one_each, 250)],
    ids=["JSON lines", "a document an object"],
)
def test_an_interrupted_resubmit_goes_on_and_sends_nothing_twice(
    store: Store, count: int, far_side: FarSide, resubmits: Resubmits
) -> None:
    far_side.add_bucket("faults", store(faults(count, keys=40, functions=TWO)))
    for function in TWO:
        far_side.add_function(function, slowly)
    process = resubmits.start(*FAST)
    first = interrupt_once_sent(resubmits, process, 10, signal.SIGINT)
    assert 0 < first.events["delivered"] < count
    assert resubmits.plan_resume().events["matched"] == count - first.events["delivered"]
    run = resubmits.resume()
    assert (run.code, run.status, run.events["possible_duplicates"]) == (0, "succeeded", 0)
    assert run.summary["run"].items() >= {"matched": count, "delivered": count, "not_sent": 0}.items()
    assert (len(far_side.delivered()), len(set(resubmits.delivered_ids))) == (count, count)


def test_a_killed_resubmit_names_each_fault_that_failed_once(far_side: FarSide, resubmits: Resubmits) -> None:
    poison = [f"e-{number:04d}" for number in range(7, 300, 30)]
    documents = faults(300, keys=30)
    documents[100] = b'{"type":"fault",'
    far_side.add_bucket("faults", one_each(documents))
    far_side.add_function("listener", raising_on(poison))
    process = resubmits.start(*FAST, "--max-attempts", "1", "--max-failures", "100%")
    for _ in range(2):
        kill_once_sent(resubmits, process, 8)
        process = resubmits.start_resume()
    run = resubmits.finish(process)
    assert (run.code, run.status) == (3, "partial")
    assert run.summary["run"].items() >= {"delivered": 299 - len(poison), "failed": len(poison), "malformed": 1}.items()
    failed = [kept.failure.event_id for kept in resubmits.failures if kept.failure.fate == "failed"]
    assert failed == [f"f-{id_.removeprefix('e-')}" for id_ in poison]
    assert set(resubmits.delivered_ids).isdisjoint(poison)


# From a report


EVENTS = lakes.make_events(40, 6)
POISON = EVENTS[3::10]


def replay_in_vain(far_side: FarSide, resubmits: Resubmits, report: Path) -> None:
    """A replay, reported, of which four events failed, to a function that is mended after it."""
    far_side.add_bucket("lake", lakes.lake_of(EVENTS, 20))
    far_side.add_function("fn", raising_on(ids_of(POISON)))
    replay = ("replay", "s3://lake/", "-f", "fn", "--execute", "--report", report, "--max-failures", "100%")
    assert resubmits.command(*replay, "--max-attempts", "1", endpoint=far_side.url).code == 3
    far_side.add_function("fn")
    os.utime(report, (0, 0))


def redrive(resubmits: Resubmits, run_id: str, *arguments: str) -> Run:
    """A redrive of a replay."""
    command = ("runs", "redrive", run_id, "-o", "json", *arguments)
    return Runs(resubmits.command, resubmits.far_side).finish(
        resubmits.command.start(*command, endpoint=resubmits.far_side.url)
    )


def test_what_a_replay_could_not_deliver_is_sent_again_from_its_report(
    far_side: FarSide, resubmits: Resubmits, tmp_path: Path
) -> None:
    report = tmp_path / "report.jsonl"
    replay_in_vain(far_side, resubmits, report)
    delivered = len(far_side.delivered())
    run = resubmits.execute(sources=[report])
    assert (run.code, run.status, run.events["delivered"]) == (0, "succeeded", 4)
    assert run.summary["faults"]["others"] == 0, "the report's lines of the run and its objects are no events"
    replayed = resubmits.all[-1]
    assert iso(replayed.started_ms) <= run.summary["first_event"] <= run.summary["last_event"] <= iso(replayed.ended_ms)
    assert sorted(far_side.delivered_data()[delivered:]) == sorted(data_of(POISON))
    assert resubmits.execute(sources=[report]).summary["faults"]["sent_before"] == 4


@pytest.mark.parametrize("whole_folder", [False, True])
def test_a_report_is_not_written_over_the_one_that_is_read(
    far_side: FarSide, resubmits: Resubmits, tmp_path: Path, whole_folder: bool
) -> None:
    (folder := tmp_path / "reports").mkdir()
    report = folder / "report.jsonl"
    replay_in_vain(far_side, resubmits, report)
    before = report.read_bytes()
    run = resubmits.execute("--report", report, sources=[folder if whole_folder else report])
    assert (run.code, report.read_bytes()) == (2, before)
    assert "from which events are read. Name another file with --report" in " ".join(run.err.split())
    assert resubmits.execute("--report", folder / "other.jsonl", sources=[report]).code == 0


def test_what_a_redrive_delivered_of_a_replay_is_not_sent_again_from_its_report(
    far_side: FarSide, resubmits: Resubmits, tmp_path: Path
) -> None:
    report = tmp_path / "report.jsonl"
    replay_in_vain(far_side, resubmits, report)
    far_side.add_function("fn", raising_on(ids_of(POISON[:1])))
    assert redrive(resubmits, resubmits.newest.run_id, "--execute").events["delivered"] == 3
    far_side.add_function("fn")
    assert resubmits.plan(sources=[report]).summary["faults"]["sent_before"] == 3
    run = resubmits.execute(sources=[report])
    assert (run.code, run.events["delivered"], run.summary["faults"]["sent_before"]) == (0, 1, 3)
    assert_once_each(far_side.delivered_data(), data_of(EVENTS))
    assert resubmits.execute("--again", sources=[report]).summary["faults"]["sent_again"] == 4


def test_what_was_delivered_from_a_replays_report_is_not_redriven(
    far_side: FarSide, resubmits: Resubmits, tmp_path: Path
) -> None:
    report = tmp_path / "report.jsonl"
    replay_in_vain(far_side, resubmits, report)
    far_side.add_function("fn", raising_on(ids_of(POISON[:1])))
    more = ("--max-attempts", "1", "--max-failures", "100%")
    assert resubmits.execute(*more, sources=[report]).events["delivered"] == 3
    far_side.add_function("fn")
    replayed = str(resubmits.all[-1].run_id)
    planned = redrive(resubmits, replayed)
    assert (planned.events["matched"], planned.events["resubmitted"]) == (1, 3)
    told = resubmits.command("runs", "redrive", replayed, endpoint=far_side.url).out
    assert "left out: 3 sent before, from the run's report" in " ".join(told.split())
    run = redrive(resubmits, replayed, "--execute")
    assert (run.code, run.events["delivered"], run.events["resubmitted"]) == (0, 1, 3)
    assert run.summary["run"].items() >= {"matched": 40, "delivered": 40, "failed": 0}.items()
    assert_once_each(far_side.delivered_data(), data_of(EVENTS))
    shown = resubmits.command("runs", "show", replayed, "-o", "json", endpoint=far_side.url).json
    assert (shown["status"], shown["next_step"]) == ("succeeded", None)


def test_what_was_delivered_from_a_report_to_another_function_is_redriven_all_the_same(
    far_side: FarSide, resubmits: Resubmits, tmp_path: Path
) -> None:
    report = tmp_path / "report.jsonl"
    replay_in_vain(far_side, resubmits, report)
    far_side.add_function("other")
    assert resubmits.execute("--function", "other", sources=[report]).events["delivered"] == 4
    run = redrive(resubmits, resubmits.all[-1].run_id, "--execute")
    assert (run.events["delivered"], run.events["resubmitted"]) == (4, 0)


def test_what_a_resubmit_could_not_deliver_is_sent_again_from_its_report(
    far_side: FarSide, resubmits: Resubmits, tmp_path: Path
) -> None:
    report = tmp_path / "report.jsonl"
    far_side.add_bucket("faults", lines(*faults(6), library(10, record(10), record(11))))
    far_side.add_function("listener", raising_on(["e-0002", "e-0011"]))
    run = resubmits.execute("--max-attempts", "1", "--max-failures", "100%", "--report", str(report))
    assert (run.code, run.events["failed"], run.events["delivered"]) == (3, 2, 5)
    far_side.add_function("listener")
    assert resubmits.execute(sources=[report]).events["delivered"] == 2
    assert resubmits.taken_by("listener")[5:] == [record(2, "thing-0"), record(10), record(11)]
    assert resubmits.execute().summary["faults"]["sent_before"] == 7


def test_a_report_that_is_taken_for_what_is_read_is_told_how_it_is(resubmits: Resubmits, tmp_path: Path) -> None:
    report, none = tmp_path / "report 1.jsonl", tmp_path / "none.jsonl"
    report.write_text("{}\n")
    refused = resubmits.text("--report", report, "--execute", sources=[])
    assert refused.code == 2
    assert f"name it as the source: `cncbops resubmit '{report}'`" in refused.err
    assert report.read_text() == "{}\n"
    unnamed = resubmits.text("--report", none, sources=[])
    assert (unnamed.code, str(none) in unnamed.err) == (2, False)


def test_what_failed_when_it_was_sent_again_takes_the_same_word_from_its_report(
    far_side: FarSide, resubmits: Resubmits, tmp_path: Path
) -> None:
    report = tmp_path / "report.jsonl"
    far_side.add_bucket("faults", lines(*faults(6)))
    far_side.add_function("listener")
    assert resubmits.execute().events["delivered"] == 6
    far_side.add_function("listener", raising_on(["e-0002"]))
    run = resubmits.execute("--again", "--max-attempts", "1", "--max-failures", "100%", "--report", str(report))
    assert (run.events["failed"], run.summary["faults"]["sent_again"]) == (1, 6)
    far_side.add_function("listener")
    assert resubmits.execute(sources=[report]).summary["faults"]["sent_before"] == 1
    assert resubmits.execute("--again", sources=[report]).events["delivered"] == 1


def test_where_another_fault_lies_now_a_report_sends_it_not(
    far_side: FarSide, resubmits: Resubmits, tmp_path: Path
) -> None:
    report, ours = tmp_path / "report.jsonl", [cookbook(0, record(0)), library(1, record(1)), *faults(4)[2:]]
    far_side.add_bucket("faults", lines(*ours))
    far_side.add_function("listener", raising_on(["e-0000", "e-0001", "e-0003"]))
    resubmits.execute("--max-attempts", "1", "--max-failures", "100%", "--report", str(report))
    far_side.add_function("listener")
    far_side.add_bucket("faults", lines(cookbook(0, record(20)), library(21, record(21)), *ours[2:]))
    run = resubmits.execute(sources=[report])
    assert (run.code, run.events["delivered"], run.summary["faults"]["without_record"]) == (3, 1, 2)
    assert [each["message"].partition(" of ")[0] for each in run.failures] == ["line 1", "line 2"]
    assert {each["message"].rpartition("/faults ")[2] for each in run.failures} == {"no longer holds what failed"}
    assert resubmits.taken_by("listener")[-1:] == [record(3, "thing-0")]


def test_what_fails_from_report_to_report_is_sent_in_the_end(
    far_side: FarSide, resubmits: Resubmits, tmp_path: Path
) -> None:
    far_side.add_bucket("faults", lines(*faults(3)))
    far_side.add_function("listener", raising_on(["e-0001"]))
    sources: list[str | Path] = ["s3://faults/"]
    for number in range(3):
        report = tmp_path / f"report-{number}.jsonl"
        run = resubmits.execute("--max-attempts", "1", "--max-failures", "100%", "--report", report, sources=sources)
        assert run.events["failed"] == 1
        sources = [report]
    far_side.add_function("listener")
    assert resubmits.execute(sources=sources).events["delivered"] == 1
    assert resubmits.taken_by("listener")[-1:] == [record(1, "thing-0")]
