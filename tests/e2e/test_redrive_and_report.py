"""A redrive, and a resubmit of the run's report: what is told where the other is under way, or was killed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import FarSide
from tests.e2e.held import Held
from tests.e2e.resubmits import Resubmits
from tests.e2e.runs import ids_of, raising_on
from tests.e2e.servers import Cncbops, Process

EVENTS = lakes.make_events(40, 6)
POISON = EVENTS[3::10]


@pytest.fixture
def resubmits(cncbops: Cncbops, far_side: FarSide) -> Resubmits:
    return Resubmits(cncbops, far_side)


@pytest.fixture
def report(far_side: FarSide, resubmits: Resubmits, tmp_path: Path) -> Path:
    """That of a replay of which four events failed."""
    report = tmp_path / "report.jsonl"
    far_side.add_bucket("lake", lakes.lake_of(EVENTS, 20))
    far_side.add_function("fn", raising_on(ids_of(POISON)))
    replay = ("replay", "s3://lake/", "-f", "fn", "--execute", "--report", report, "--max-failures", "100%")
    assert resubmits.command(*replay, "--max-attempts", "1", endpoint=far_side.url).code == 3
    return report


@pytest.fixture
def held(far_side: FarSide, report: Path) -> Iterator[Held]:
    """The function, which now takes its time."""
    held = Held()
    far_side.add_function("fn", held)
    yield held
    held.go.set()


def killed(resubmits: Resubmits, process: Process, held: Held) -> None:
    """What is under way arrives all the same."""
    process.kill()
    process.communicate()
    held.go.set()
    resubmits.await_silence()


def said(resubmits: Resubmits, *command: str | Path) -> tuple[int, str]:
    result = resubmits.command(*command, endpoint=resubmits.far_side.url)
    return result.code, " ".join(f"{result.out} {result.err}".split())


def test_a_redrive_is_told_to_whoever_resubmits_the_report(
    far_side: FarSide, resubmits: Resubmits, report: Path, held: Held
) -> None:
    replayed = str(resubmits.all[-1].run_id)
    process = resubmits.command.start("runs", "redrive", replayed, "--execute", endpoint=far_side.url)
    far_side.wait_until(lambda: far_side.in_flight > 0)
    code, told = said(resubmits, "resubmit", report, "--execute")
    assert code == 1
    assert f"run {replayed}, whose report is read, is being redriven" in told
    killed(resubmits, process, held)
    code, told = said(resubmits, "resubmit", report)
    assert code == 0
    assert f"A redrive of run {replayed}, whose report is read, was killed" in told
    assert f"`cncbops runs redrive {replayed}" in told
    run = resubmits.execute(sources=[report])
    assert (run.events["delivered"], run.events["possible_duplicates"] > 0) == (4, True)


def test_a_resubmit_of_the_report_is_told_to_whoever_redrives_the_run(
    far_side: FarSide, resubmits: Resubmits, report: Path, held: Held
) -> None:
    replayed = str(resubmits.all[-1].run_id)
    process = resubmits.start(sources=[report])
    far_side.wait_until(lambda: far_side.in_flight > 0)
    resubmit = str(resubmits.all[0].run_id)
    code, told = said(resubmits, "runs", "redrive", replayed, "--execute")
    assert code == 1
    assert f"run {resubmit} is sending what failed, from the run's report" in told
    killed(resubmits, process, held)
    code, told = said(resubmits, "runs", "redrive", replayed)
    assert code == 0
    assert f"Run {resubmit}, a resubmit of this run's report, was killed" in told
    assert f"`cncbops runs resume {resubmit}" in told
    result = resubmits.command("runs", "redrive", replayed, "--execute", "-o", "json", endpoint=far_side.url)
    assert (result.json["events"]["delivered"], result.json["events"]["possible_duplicates"] > 0) == (4, True)
