"""What `cncbops sandbox` does: run the embedded AWS, and say how to reach it."""

import os
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cncbops.ledger.place import at_ledger
from cncbops.sandbox.server import UNSET, Server, environment
from cncbops.sandbox.server import start as start_server
from cncbops.sandbox.server import status as server_status
from cncbops.sandbox.server import stop as stop_server

from ._ending import NOT_HEALTHY, guarded
from ._flow import say
from ._options import Local
from ._screen import Screen, screen_for
from ._state import state_folder
from ._words import visible

if TYPE_CHECKING:
    from cncbops.sandbox.clients import Clients

EVENTS, BEFORE_THE_FAULTS = 300, 240
DOCUMENT = {"command": "sandbox"}


def carry_out_start(options: Local, port: int | None) -> int:
    """Start a sandbox, fill its lake and its bucket of faults; the exit code."""
    screen = screen_for(options, DOCUMENT)
    return guarded(screen, lambda: _start(_folder(options), port, screen))


def carry_out_stop(options: Local) -> int:
    """Stop the sandbox, if there is one; the exit code."""
    screen = screen_for(options, DOCUMENT)
    return guarded(screen, lambda: _stop(_folder(options), screen))


def carry_out_status(options: Local) -> int:
    """Tell whether the sandbox runs; the exit code."""
    screen = screen_for(options, DOCUMENT)
    return guarded(screen, lambda: _status(_folder(options), screen))


def _start(folder: Path, port: int | None, screen: Screen) -> int:
    server = start_server(folder, port=port, search_path=os.environ.get("PATH", os.defpath))
    try:
        _fill(server)
    except BaseException:
        stop_server(folder)
        raise
    _tell(server, folder, screen)
    return 0


def _fill(server: Server) -> None:
    """Build all there is, the regions and the CDN while the lake fills, for each waits on the server."""
    from cncbops.sandbox.cdn import seed_cdn
    from cncbops.sandbox.clients import connect
    from cncbops.sandbox.regions import seed_regions
    from cncbops.sandbox.seed import seed

    clients = connect(server.endpoint_url)
    with ThreadPoolExecutor() as beside:
        built = [beside.submit(build, clients) for build in (seed_regions, seed_cdn)]
        seed(clients)
        _fill_lake(clients)
        for part in built:
            part.result()


def _fill_lake(clients: "Clients") -> None:
    """Let the pipeline make the lake, and the listener its view of it; of the last events some fault."""
    from cncbops.sandbox.pipeline import run_through, run_through_an_incident
    from cncbops.sandbox.traffic import sample_events

    events = sample_events(EVENTS, until_ms=int(time.time() * 1000))
    run_through(clients, events[:BEFORE_THE_FAULTS])
    run_through_an_incident(clients, events[BEFORE_THE_FAULTS:])


def _stop(folder: Path, screen: Screen) -> int:
    stopped = stop_server(folder)
    if screen.json:
        screen.show_json({**DOCUMENT, "status": "stopped", "was_running": stopped})
    elif screen.shows_text:
        say(screen.err, "The sandbox has ended." if stopped else f"{_none(folder)}.")
    return 0


def _status(folder: Path, screen: Screen) -> int:
    server = server_status(folder)
    if server:
        _tell(server, folder, screen)
        return 0
    if screen.json:
        screen.show_json({**DOCUMENT, "status": "stopped"})
    elif screen.shows_text:
        say(screen.err, f"{_none(folder)}. Start one: {_command('start', folder)}")
    return NOT_HEALTHY


def _none(folder: Path) -> str:
    return f"There is no sandbox under way that was started with --state-dir {visible(str(folder.parent))}"


def _tell(server: Server, folder: Path, screen: Screen) -> None:
    """Print the lines for a shell on standard output, and what there is on standard error."""
    contents = _contents()
    if screen.json:
        screen.show_json(_document(server) | contents | {"distribution": _distribution(server)})
        return
    sys.stdout.write(f"unset {' '.join(UNSET)}\n")
    sys.stdout.writelines(f"export {name}={value}\n" for name, value in environment(server).items())
    if screen.shows_text:
        screen.err.print(f"\nThe sandbox runs at {server.endpoint_url}, process {server.pid}.")
        again = f'eval "$({_command("status", folder)})"'
        say(screen.err, f"In a shell: eval the lines above, or {again}. Then try:")
        for line in _lines_to_try(contents):
            screen.err.print(f"  {line}")
        say(screen.err, f"and end it with: {_command('stop', folder)}")


def _command(verb: str, folder: Path) -> str:
    """What to type for the sandbox of this folder."""
    return f"cncbops sandbox {verb}{at_ledger(folder.parent)}"


def _contents() -> dict[str, Any]:
    from cncbops.sandbox.regions import REGIONS
    from cncbops.sandbox.seed import BUCKET, FAULT_BUCKET, LISTENER, PREFIX
    from cncbops.sandbox.stacks import STAGE

    return {
        "lake": f"s3://{BUCKET}/{PREFIX}",
        "faults": f"s3://{FAULT_BUCKET}/",
        "function": LISTENER,
        "stage": STAGE,
        "regions": list(REGIONS),
    }


def _distribution(server: Server) -> str | None:
    """Ask the sandbox: CloudFront chose the id."""
    from cncbops.sandbox.cdn import find_distribution
    from cncbops.sandbox.clients import connect

    return find_distribution(connect(server.endpoint_url))


def _lines_to_try(contents: Mapping[str, Any]) -> list[str]:
    regions, stage = " ".join(contents["regions"]), f"--stage {contents['stage']}"
    return [
        f"cncbops lake stats {stage}",
        f"cncbops replay {stage}",
        f"cncbops faults stats {stage}",
        f"cncbops resubmit {stage}",
        f"cncbops health {regions} {stage}",
        f"cncbops failover status {regions} {stage}",
        f"cncbops invalidate {stage} '/things/*'",
    ]


def _document(server: Server) -> dict[str, Any]:
    return {
        **DOCUMENT,
        "status": "running",
        "pid": server.pid,
        "port": server.port,
        "started_at": server.started_at.isoformat(),
        "environment": environment(server),
        "unset": list(UNSET),
    }


def _folder(options: Local) -> Path:
    return state_folder(options.state_dir) / "sandbox"
