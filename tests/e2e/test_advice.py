"""What is advised to do next can be pasted: it finds its run, in whatever ledger that is."""

import re
import shlex
import signal
from pathlib import Path

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import FarSide, ok
from tests.e2e.far_side_health import HealthSide
from tests.e2e.far_side_regions import EAST, TwoRegions
from tests.e2e.resubmits import faults, lines
from tests.e2e.runs import ids_of, raising_on
from tests.e2e.servers import Cncbops, Process, Result

EVENTS = lakes.make_events(60, 6)
REPLAY = ("replay", "s3://lake/", "-f", "fn")
UNSAID = {"CNCBOPS_STATE_DIR": None}


class Elsewhere:
    """The command in a shell that says nothing of a ledger: it is told of one whose name a shell would take apart."""

    def __init__(self, command: Cncbops, url: str) -> None:
        self.folder = command.home / "a night's runs"
        self._command, self._url = command, url

    def __call__(self, *typed: str | Path) -> Result:
        return self.paste(*typed, "--state-dir", self.folder)

    def start(self, *typed: str | Path) -> Process:
        arguments = (*typed, "--state-dir", self.folder)
        return self._command.start(*arguments, endpoint=self._url, env=UNSAID)

    def finish(self, process: Process) -> Result:
        return self._command.finish(process)

    def paste(self, *typed: str | Path) -> Result:
        return self._command(*typed, endpoint=self._url, env=UNSAID)

    def follow(self, advice: str) -> Result:
        """Type what is advised, and no more."""
        program, *arguments = shlex.split(advice)
        assert program == "cncbops"
        return self.paste(*arguments)

    @property
    def run_id(self) -> str:
        """The newest run."""
        return str(self("runs", "ls", "-o", "json").json["runs"][0]["run_id"])


@pytest.fixture
def elsewhere(cncbops: Cncbops, far_side: FarSide) -> Elsewhere:
    far_side.add_bucket("lake", lakes.lake_of(EVENTS, 30))
    far_side.add_function("fn", raising_on(ids_of(EVENTS[:3])))
    return Elsewhere(cncbops, far_side.url)


def advised(told: str) -> list[str]:
    """The command lines in what was told, in its order."""
    return re.findall(r"(?:: |`)(cncbops .*?)(?:`|$)", told, re.MULTILINE)


def test_what_a_run_and_its_ledger_advise(elsewhere: Elsewhere, far_side: FarSide) -> None:
    ended = elsewhere(*REPLAY, "--execute", "--max-attempts", "1", "--max-failures", "100%")
    redrive, show = advised(ended.err)
    assert "Not delivered" in elsewhere.follow(show).out
    assert advised(elsewhere.follow(show).out) == [redrive]
    far_side.add_function("fn")
    assert elsewhere.follow(redrive).code == 0
    assert len(far_side.delivered()) == len(EVENTS)
    (see,) = advised(elsewhere(*REPLAY, "--execute").err)
    assert elsewhere.follow(see).code == 0
    (see,) = advised(elsewhere("runs", "stop", elsewhere.run_id).err)
    assert elsewhere.follow(see).code == 0


def test_what_is_advised_of_a_run_that_was_left_at_once(elsewhere: Elsewhere, far_side: FarSide) -> None:
    held = [True]
    far_side.add_function("fn", lambda _payload, _context: ok().after(3 if held else 0))
    process = elsewhere.start(*REPLAY, "--execute")
    far_side.wait_until(lambda: far_side.in_flight > 0)
    assert process.stderr
    process.send_signal(signal.SIGINT)
    while b"stopping: " not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    (resume,) = advised(elsewhere.finish(process).err)
    held.clear()
    assert elsewhere.follow(resume).code == 0
    assert len(set(far_side.delivered_data())) == len(EVENTS)


def test_a_plan_advises_what_its_command_takes(elsewhere: Elsewhere) -> None:
    cap = "if an invocation takes a second; cap it with"
    assert f"{cap} --rate\n" in elsewhere(*REPLAY).out
    elsewhere(*REPLAY, "--execute", "--max-attempts", "1", "--max-failures", "100%")
    for verb in ("redrive", "resume"):
        plan = elsewhere("runs", verb, elsewhere.run_id)
        assert f"{cap} cncbops runs rate, once it is under way\n" in plan.out
        assert "--rate" not in plan.out


def test_what_a_plan_that_is_saved_advises(elsewhere: Elsewhere) -> None:
    (execute,) = advised(elsewhere(*REPLAY, "--save-plan", elsewhere.folder.parent / "tonight").out)
    assert elsewhere.follow(execute).code == 3
    assert elsewhere.run_id


def test_what_faults_advise(elsewhere: Elsewhere, far_side: FarSide) -> None:
    far_side.add_bucket("faults", lines(*faults(3)))
    far_side.add_function("listener")
    _, resubmit = advised(elsewhere("faults", "stats", "s3://faults/").err)
    assert elsewhere.follow(f"{resubmit} --execute").code == 0
    assert elsewhere.run_id


def test_what_a_failover_advises(cncbops: Cncbops, health_side: HealthSide) -> None:
    regions, elsewhere = TwoRegions(health_side), Elsewhere(cncbops, health_side.url)
    regions.write_config(cncbops.home)
    regions.east.deaf = True
    stopped = elsewhere("failover", "out", EAST, "--timeout", "1s", "--execute")
    out, back = advised(stopped.err)
    assert advised(elsewhere("runs", "show", elsewhere.run_id).out) == [out, back]
    assert elsewhere("runs", "ls", "-o", "json").json["runs"][0]["status"] == "stopped"
    regions.east.deaf = False
    assert elsewhere.follow(back).code == 0
    assert len(elsewhere("runs", "ls", "-o", "json").json["runs"]) == 2


def test_what_the_sandbox_advises(elsewhere: Elsewhere) -> None:
    (start,) = advised(elsewhere("sandbox", "status").err)
    assert shlex.split(start) == ["cncbops", "sandbox", "start", "--state-dir", str(elsewhere.folder)]
