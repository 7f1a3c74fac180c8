"""`docs/`: each runbook from start to end, as it is written, in a sandbox where it has just happened."""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from cncbops.cli import COMMANDS
from cncbops.sandbox.cdn import put_view
from cncbops.sandbox.clients import Clients, connect
from cncbops.sandbox.functions import deploy, function_source
from cncbops.sandbox.inspection import Thing, expected_view, fault_keys, lake_keys, view
from cncbops.sandbox.pipeline import run_through
from cncbops.sandbox.regions import OTHER_REGION, ask_check
from cncbops.sandbox.seed import LISTENER, TABLE
from cncbops.sandbox.traffic import Event, sample_events
from tests.e2e.runbooks import DOCS, Block, blocks_of
from tests.e2e.servers import Cncbops
from tests.e2e.warm import Warm

SANDBOX_EVENTS = 300
ELSEWHERE = "cncb-elsewhere"
PAGES = ["cluster.md", "faults-wait.md", "region-ill.md", "stale-edge.md", "view-behind.md"]


@dataclass(frozen=True)
class Place:
    """The sandbox, and a shell that knows it."""

    clients: Clients
    environment: dict[str, str]
    folder: Path

    def type(self, block: Block) -> str:
        """Type a block into a shell; what it prints. It must end as its page says."""
        done = subprocess.run(
            ["bash", "-e", "-c", block.script],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode in block.codes, f"{block.script}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def type_all(self, blocks: Sequence[Block]) -> list[str]:
        return [self.type(block) for block in blocks]

    def replay_elsewhere(self) -> None:
        """Let somebody replay something to another function."""
        deploy(self.clients, ELSEWHERE, function_source("listener"))
        self.type(
            Block("", f"cncbops replay --stage john -f {ELSEWHERE} --type none-like-it --execute", frozenset({0}))
        )

    def view_of_lake(self) -> dict[str, Thing]:
        """The view as the events of the lake make it: that of the table may be behind."""
        printed = self.type(Block("", "cncbops lake cat --stage john --type 'thing-*' --quiet", frozenset({0})))
        return expected_view(map(json.loads, printed.splitlines()))

    def stale(self, events: Sequence[Event]) -> int:
        """How many things of the view are not as these events make them."""
        held = view(self.clients)
        return sum(held.get(name) != thing for name, thing in expected_view(events).items())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, warm: Warm) -> Iterator[Place]:
    """A sandbox for the whole module, started as the runbooks say."""
    command = Cncbops(tmp_path_factory.mktemp("home"), warm=warm)
    try:
        started = command("sandbox", "start")
        assert started.code == 0, started.err
        exported = dict(re.findall(r"^export (\w+)=(.*)$", started.out, re.M))
        environment = {
            "PATH": f"{warm.program(tmp_path_factory.mktemp('bin'))}:{os.defpath}",
            "HOME": str(command.home),
            "CNCBOPS_STATE_DIR": str(command.state_dir),
            "CNCBOPS_WATCH_FOR": "1s",  # for new faults, of which the listener raises none
            **exported,
        }
        yield Place(connect(exported["AWS_ENDPOINT_URL"]), environment, command.home)
    finally:
        command("sandbox", "stop")
        command.close()


def later_events() -> list[Event]:
    """What is published once the sandbox stands: newer than all that it has, and other events."""
    now_ms = int(time.time() * 1000)
    events = sample_events(SANDBOX_EVENTS + 80, until_ms=now_ms)[SANDBOX_EVENTS:]
    return [{**event, "timestamp": now_ms + number} for number, event in enumerate(events)]


def happen(place: Place, version: str) -> list[Event]:
    """Let events of now meet a version of the listener as it should not have been deployed, and mend it."""
    events = later_events()
    deploy(place.clients, LISTENER, function_source(version))
    run_through(place.clients, events)
    deploy(place.clients, LISTENER, function_source("listener"))
    return events


def test_every_page_is_tried_here_and_the_overview_names_it() -> None:
    assert sorted(page.name for page in DOCS.glob("*.md")) == sorted(["README.md", *PAGES])
    overview = (DOCS / "README.md").read_text("utf-8")
    assert all(f"]({page})" in overview for page in PAGES)


@pytest.mark.parametrize("page", ["README.md", *PAGES])
def test_every_command_that_a_page_speaks_of_exists(page: str) -> None:
    spoken_of = set(re.findall(r"cncbops ([a-z]+)", (DOCS / page).read_text("utf-8")))
    assert spoken_of <= set(COMMANDS)


@pytest.mark.rehearsal
def test_a_view_that_is_behind_is_repaired_from_the_lake(place: Place) -> None:
    events = happen(place, "listener_broken")
    assert place.stale(events) > 0
    before = len(lake_keys(place.clients))
    told = place.type_all(_of("view-behind.md", "If the view is lost altogether", within=False))
    assert place.stale(events) == 0
    assert any("done: every event was delivered" in text for text in told)
    assert len(lake_keys(place.clients)) == before  # a lake is only read


@pytest.mark.rehearsal
def test_a_view_that_is_lost_is_seeded_and_what_has_come_since_follows(place: Place) -> None:
    whole = place.view_of_lake()
    for name in view(place.clients):
        place.clients.dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": name}})
    plan, seed, since = _of("view-behind.md", "If the view is lost altogether", within=True)
    assert f"{len(whole)} matched" in place.type(plan)
    place.type(seed)
    assert view(place.clients) == whole
    place.replay_elsewhere()
    assert "nothing" in place.type(since).lower()
    events = happen(place, "listener_broken")
    assert place.stale(events) > 0
    place.type(since)
    assert place.stale(events) == 0


def _of(page: str, heading: str, *, within: bool) -> list[Block]:
    """The blocks of a page that stand under a heading, or all others."""
    return [block for block in blocks_of(page) if (block.heading == heading) == within]


@pytest.mark.rehearsal
def test_a_cluster_of_this_machine_delivers_what_it_planned(place: Place) -> None:
    events = happen(place, "listener_broken")
    plan, executed, policy = place.type_all(blocks_of("cluster.md"))
    assert "2 at local:2" in plan
    assert "2 at local:2" in executed
    assert "done: every event was delivered" in executed
    assert place.stale(events) == 0
    assert '"lambda:InvokeFunction"' in policy


@pytest.mark.rehearsal
def test_faults_that_wait_are_resubmitted_once(place: Place) -> None:
    events = happen(place, "listener_faulting")
    stale, faults = place.stale(events), len(fault_keys(place.clients))
    assert stale > 0
    *_, again = place.type_all(blocks_of("faults-wait.md"))
    assert place.stale(events) == 0
    assert "Nothing to do" in again
    assert len(fault_keys(place.clients)) == faults


@pytest.mark.rehearsal
def test_what_is_stale_at_the_edge_is_cleared(place: Place) -> None:
    put_view(place.clients, "things/thing-1", "blue again")
    *_, listed = place.type_all(blocks_of("stale-edge.md"))
    [distribution] = place.clients.cloudfront.list_distributions()["DistributionList"]["Items"]
    made = place.clients.cloudfront.list_invalidations(DistributionId=distribution["Id"])["InvalidationList"]
    assert [each["Status"] for each in made["Items"]] == ["Completed"]
    assert made["Items"][0]["Id"] in listed


@pytest.mark.rehearsal
def test_an_ill_region_is_taken_out_and_put_back(place: Place) -> None:
    other = place.clients.of(OTHER_REGION)
    blocks = blocks_of("region-ill.md")
    until = next(number for number, block in enumerate(blocks) if block.heading.startswith("5."))
    place.type_all(blocks[:until])
    assert ask_check(other)[0] == 503
    place.type_all(blocks[until:])
    assert ask_check(other)[0] == 200
    ledger = place.type(Block("", "cncbops runs ls -o json", frozenset({0})))
    assert {run["command"] for run in json.loads(ledger)["runs"]} >= {"failover out", "failover back"}
