"""The demo's story: hurried deploys make a view stale, and the events it needs are sent again; a region is lost.

Everything in it is real: the events went through the sandbox's stream, Firehose and transform
function into the lake, the faults through the stream and the fault monitor into their bucket,
and what repairs the view is the installed command, run as it is shown.
"""

import os
import tempfile
import time
from pathlib import Path

from rich.console import Console

from cncbops.early_signals import INTERRUPTED
from cncbops.sandbox.cdn import ALIAS, seed_cdn
from cncbops.sandbox.clients import connect
from cncbops.sandbox.inspection import lake_keys
from cncbops.sandbox.regions import REGIONS, seed_regions
from cncbops.sandbox.seed import FAULT_MONITOR, LISTENER, STREAM, seed
from cncbops.sandbox.server import Server, running
from cncbops.sandbox.traffic import sample_events

from . import _demo_faults, _demo_lost_events, _demo_regions
from ._demo_stage import Stage, typed
from ._ending import streamed
from ._flow import say
from ._options import Local
from ._screen import screen_for

EVENTS, BEFORE_THE_LOSS, BEFORE_THE_FAULTS = 300, 180, 240


def carry_out(options: Local) -> int:
    """Play the story; the exit code."""
    screen = screen_for(options, {"command": "demo"})
    return streamed(screen, lambda: _play(screen.out))


def _play(console: Console) -> int:
    started = time.monotonic()
    search_path = os.environ.get("PATH", os.defpath)
    try:
        with tempfile.TemporaryDirectory(prefix="cncbops-demo-") as folder:
            with running(Path(folder) / "sandbox", search_path=search_path) as server:
                _tell(console, server, Path(folder) / "state")
            console.print()
            console.print(typed("cncbops sandbox stop"))
    except KeyboardInterrupt:
        return INTERRUPTED
    console.print(f"\nThat took {time.monotonic() - started:.0f} s, and nothing is left running.")
    say(console, "What was advised above was for this sandbox. One of your own, with the same names:")
    console.print('  eval "$(cncbops sandbox start)"')
    return 0


def _tell(console: Console, server: Server, state_dir: Path) -> None:
    """Play all incidents from start to end. Raises CannotRun if something is not repaired."""
    events = sample_events(EVENTS, until_ms=int(time.time() * 1000))
    stage = _built(console, server, state_dir)
    stage.step("Events flow, and the view is right")
    stage.publish(events[:BEFORE_THE_LOSS])
    stage.say(f"the lake holds {len(lake_keys(stage.clients))} events; {stage.stale()} things of the view are stale")
    _demo_lost_events.play(stage, events[BEFORE_THE_LOSS:BEFORE_THE_FAULTS])
    _demo_faults.play(stage, events[BEFORE_THE_FAULTS:])
    _demo_regions.play(stage)


def _built(console: Console, server: Server, state_dir: Path) -> Stage:
    clients = connect(server.endpoint_url)
    stage = Stage(console, server, state_dir, clients, seed(clients))
    seed_regions(clients)
    seed_cdn(clients)
    stage.step("A data lake, a stream processor and a fault monitor, as in the book")
    stage.type("cncbops sandbox start")
    stage.say(f"{STREAM} feeds {LISTENER}, which keeps a view of things,")
    stage.say(f"and Firehose, which keeps every event in {stage.contents.lake_uri},")
    stage.say(f"and {FAULT_MONITOR}, which keeps faults in {stage.contents.faults_uri};")
    stage.say(f"a check in each of {' and '.join(REGIONS)}, and a CDN at {ALIAS}")
    return stage
