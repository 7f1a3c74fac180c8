"""The demo's story: a hurried deploy makes a view stale, and a replay from the lake repairs it.

Everything in it is real: the events went through the sandbox's stream, Firehose and transform
function into the lake, and the two replays are the installed command, run as it is shown.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

from cncbops.errors import CannotRun
from cncbops.sandbox.clients import Clients, connect
from cncbops.sandbox.functions import deploy, function_source
from cncbops.sandbox.inspection import expected_view, lake_keys, view
from cncbops.sandbox.pipeline import run_through
from cncbops.sandbox.seed import LISTENER, STREAM, TABLE, SandboxContents, seed
from cncbops.sandbox.server import UNSET, Server, environment, running
from cncbops.sandbox.traffic import Event, sample_events

from ._options import Local
from ._screen import INTERRUPTED, guarded, screen_for

EVENTS, BEFORE_THE_BUG = 300, 200


def carry_out(options: Local) -> int:
    """Play the story; the exit code."""
    screen = screen_for(options)
    return guarded(screen, lambda: _play(screen.out), {"command": "demo"})


def _play(console: Console) -> int:
    started = time.monotonic()
    search_path = os.environ.get("PATH", os.defpath)
    try:
        with tempfile.TemporaryDirectory(prefix="cncbops-demo-") as folder:
            with running(Path(folder) / "sandbox", search_path=search_path) as server:
                _Story(console, server, Path(folder)).tell()
            console.print(_typed("cncbops sandbox stop"))
    except KeyboardInterrupt:
        return INTERRUPTED
    console.print(f"\nThat took {time.monotonic() - started:.0f} s, and nothing is left running. Yours to try:")
    console.print('  eval "$(cncbops sandbox start)"')
    return 0


@dataclass
class _Story:
    """One telling: the sandbox it plays in, and the events of its stream, oldest first."""

    console: Console
    server: Server
    folder: Path
    clients: Clients = field(init=False)
    events: list[Event] = field(init=False)

    def tell(self) -> None:
        """Play the incident from start to end. Raises CannotRun if the view is not repaired."""
        self.clients = connect(self.server.endpoint_url)
        self.events = sample_events(EVENTS, until_ms=int(time.time() * 1000))
        contents = self._build()
        self._publish_before()
        self._break()
        self._repair_the_code()
        self._replay(contents)
        self._check()

    def _build(self) -> SandboxContents:
        self._step("A data lake and a stream processor, as in the book")
        self._type("cncbops sandbox start")
        contents = seed(self.clients)
        self._say(f"{STREAM} feeds {LISTENER}, which keeps a view of things,")
        self._say(f"and Firehose, which keeps every event in {contents.lake_uri}")
        return contents

    def _publish_before(self) -> None:
        self._step("Events flow, and the view is right")
        self._publish(self.events[:BEFORE_THE_BUG])
        self._say(f"the lake holds {len(lake_keys(self.clients))} events; {self._stale()} things of the view are stale")

    def _break(self) -> None:
        self._step("A hurried deploy: the listener now swallows what it should handle")
        self._deploy("listener_broken")
        self._publish(self.events[BEFORE_THE_BUG:])
        self._say(f"no error anywhere, but {self._stale()} of {len(view(self.clients))} things are stale")

    def _repair_the_code(self) -> None:
        self._step("The bug is fixed, but its events are gone from the stream")
        self._deploy("listener")
        self._say(f"still {self._stale()} things are stale")

    def _replay(self, contents: SandboxContents) -> None:
        since = datetime.fromtimestamp(int(self.events[BEFORE_THE_BUG]["timestamp"]) / 1000, UTC)
        replay = [
            "replay",
            contents.lake_uri,
            "-f",
            LISTENER,
            "--type",
            "thing-*",
            "--from",
            f"{since:%Y-%m-%dT%H:%M:%SZ}",
        ]
        self._step("What would a replay of that time do?")
        self._run(replay)
        self._step("Do it")
        self._run([*replay, "--execute"])

    def _check(self) -> None:
        self._step("The view is right again")
        self._type(f"aws dynamodb scan --table-name {TABLE}")
        stale = self._stale()
        self._say(f"{stale} things are stale")
        if stale:
            raise CannotRun(f"the replay left {stale} things stale", "Please report this, it must not happen")

    def _publish(self, events: Sequence[Event]) -> None:
        self._type(f"aws kinesis put-records --stream-name {STREAM} --records …  # {len(events)} events")
        run_through(self.clients, events)

    def _deploy(self, source: str) -> None:
        self._type(f"aws lambda update-function-code --function-name {LISTENER} --zip-file fileb://{source}.zip")
        deploy(self.clients, LISTENER, function_source(source), environment={"TABLE_NAME": TABLE})

    def _stale(self) -> int:
        """How many things of the view are not as the events in the lake make them."""
        seen = self.events[: len(lake_keys(self.clients))]
        held, expected = view(self.clients), expected_view(seen)
        return sum(held.get(name) != thing for name, thing in expected.items())

    def _run(self, arguments: Sequence[str]) -> None:
        """Run the real command, as shown. Raises CannotRun if it fails."""
        self._type(" ".join(["cncbops", *(_quoted(argument) for argument in arguments)]))
        sys.stdout.flush()
        command = [sys.executable, "-P", "-m", "cncbops", *arguments, "--state-dir", str(self.folder / "state")]
        code = subprocess.run(command, env=self._environment(), stderr=subprocess.STDOUT, check=False).returncode
        if code:
            raise CannotRun(f"the command ended with {code}", "Please report this, it must not happen")

    def _environment(self) -> dict[str, str]:
        """The user's, without what would make the command another one than the one shown."""
        mine = {name: value for name, value in os.environ.items() if name not in UNSET}
        mine = {name: value for name, value in mine.items() if not name.startswith("CNCBOPS_")}
        return {**mine, **environment(self.server)}

    def _step(self, title: str) -> None:
        self.console.print(Text(f"\n{title}", style="bold"))

    def _type(self, command: str) -> None:
        self.console.print(_typed(command), soft_wrap=True)

    def _say(self, text: str) -> None:
        self.console.print(Text(f"  {text}"), soft_wrap=True)


def _typed(command: str) -> Text:
    return Text("$ ", style="dim").append(command, style="not dim cyan")


def _quoted(argument: str) -> str:
    return f"'{argument}'" if "*" in argument else argument
