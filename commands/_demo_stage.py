"""Where the demo is played: what is typed, what is said, and what really happens when it is."""

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.text import Text

from cncbops.errors import CannotRun
from cncbops.sandbox.clients import Clients
from cncbops.sandbox.functions import deploy, function_source
from cncbops.sandbox.inspection import expected_view, view
from cncbops.sandbox.pipeline import run_through
from cncbops.sandbox.seed import LISTENER, STREAM, TABLE, SandboxContents
from cncbops.sandbox.server import UNSET, Server, environment
from cncbops.sandbox.traffic import Event

from ._flow import say


@dataclass
class Stage:
    """The sandbox that is played in; `published` are the events of its stream so far, oldest first."""

    console: Console
    server: Server
    state_dir: Path
    clients: Clients
    contents: SandboxContents
    published: list[Event] = field(default_factory=list)

    def publish(self, events: Sequence[Event]) -> None:
        """Send events through the pipeline, and return when they are everywhere they should be."""
        self.type(f"aws kinesis put-records --stream-name {STREAM} --records …  # {len(events)} events")
        run_through(self.clients, events)
        self.published += events

    def deploy(self, version: str) -> None:
        """Deploy one of the listener's versions."""
        self.type(f"aws lambda update-function-code --function-name {LISTENER} --zip-file fileb://{version}.zip")
        deploy(self.clients, LISTENER, function_source(version))

    def stale(self) -> int:
        """How many things of the view are not as the published events make them."""
        held, expected = view(self.clients), expected_view(self.published)
        return sum(held.get(name) != thing for name, thing in expected.items())

    def check_view(self) -> None:
        """Show that the view is right again. Raises CannotRun if it is not."""
        self.step("The view is right again")
        self.type(f"aws dynamodb scan --table-name {TABLE}")
        stale = self.stale()
        self.say(f"{stale} things are stale")
        if stale:
            raise CannotRun(f"{stale} things were left stale", "Please report this, it must not happen")

    def run(self, arguments: Sequence[str], *, expected: int = 0) -> None:
        """Run the real command, as shown. Raises CannotRun if it does not end with the code that is expected."""
        self.type(shlex.join(["cncbops", *arguments]))
        sys.stdout.flush()
        command = [sys.executable, "-P", "-m", "cncbops", *arguments]
        code = subprocess.run(command, env=self._environment(), stderr=subprocess.STDOUT, check=False).returncode
        if code != expected:
            raise CannotRun(f"the command ended with {code}", "Please report this, it must not happen")

    def _environment(self) -> dict[str, str]:
        """The user's, without what would make the command, or what it advises, another one than the one shown."""
        mine = {name: value for name, value in os.environ.items() if name not in UNSET}
        mine = {name: value for name, value in mine.items() if not name.startswith("CNCBOPS_")}
        return {**mine, **environment(self.server), "CNCBOPS_STATE_DIR": str(self.state_dir)}

    def step(self, title: str) -> None:
        """Begin a scene."""
        self.console.print(Text(f"\n{title}", style="bold"))

    def type(self, command: str) -> None:
        """Show a command as one would type it."""
        say(self.console, typed(command))

    def say(self, text: str) -> None:
        """Say what has become of it."""
        say(self.console, f"  {text}")


def typed(command: str) -> Text:
    """A command after a prompt."""
    return Text("$ ", style="dim").append(command, style="not dim cyan")
