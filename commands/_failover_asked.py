"""One command line of `cncbops failover out` or `back`, as typed: what it asks for, and what to type to go on."""

import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from cncbops.failover.change import PUT_BACK, TAKE_OUT
from cncbops.failover.scene import Scene
from cncbops.ledger.rows import new_run_id

from ._options import General
from ._screen import Screen
from ._state import state_folder
from ._watched import FLAGS

_OF_THE_SWITCH = {"check_functions", "checks", "alarms", "health_checks"}
"""What names a region's switch and what hangs on it; all else is for judging other regions."""


@dataclass(frozen=True)
class Switching:
    """One command line of `failover out` or `back`, as typed; `texts` are options by the fields of `Watched`."""

    command: str
    region: str
    others: Sequence[str]
    config: Path | None
    stage: str | None
    texts: Mapping[str, Sequence[str]]
    why: str | None
    force: bool
    timeout: str

    @property
    def out(self) -> bool:
        """Whether the region is to be taken out."""
        return self.command == TAKE_OUT

    def options(self, command: str) -> Iterator[tuple[str, Any]]:
        """What was typed of the options that `command` takes, too."""
        yield from {"--stage": self.stage, "--config": self.config}.items()
        for name in self.texts if command == TAKE_OUT else _OF_THE_SWITCH & self.texts.keys():
            yield from ((FLAGS[name], value) for value in self.texts[name])
        if command == TAKE_OUT:
            yield from (("--other", other) for other in self.others)


@dataclass
class Asked:
    """A command line with all that it needs: where it is looked, and where it is told."""

    typed: Switching
    general: General
    screen: Screen
    run_id: str = field(default_factory=new_run_id)
    started: float = field(default_factory=time.monotonic)

    @property
    def folder(self) -> Path:
        return state_folder(self.general.state_dir)

    @property
    def to_go_on(self) -> dict[str, str]:
        """What to type to go on with it, and to undo it, as the ledger keeps it."""
        undo = {"go_back": self.to_type(PUT_BACK)} if self.typed.out else {}
        return {"go_on": self.to_type(self.typed.command), **undo}

    def why(self, scene: Scene) -> str | None:
        """The reason that was given, now or when it was first ordered."""
        return self.typed.why or (scene.earlier.arguments["why"] if scene.earlier else None)

    def to_type(self, command: str) -> str:
        """What to type for `command` on the same region, as this was typed: the same account."""
        reached = {
            "--profile": self.general.profile,
            "--role-arn": self.general.role_arn,
            "--endpoint-url": self.general.endpoint_url,
        }
        options = chain(self.typed.options(command), reached.items())
        typed = [part for flag, value in options if value for part in (flag, str(value))]
        force = ["--force"] if self.typed.force and command == TAKE_OUT else []
        return shlex.join(["cncbops", *command.split(), self.typed.region, *typed, *force, "--execute"])

    def document(self, scene: Scene, status: str, reason: str | None, **more: Any) -> dict[str, Any]:
        """What is told of it, in JSON or on the screen."""
        return {
            "command": self.typed.command,
            "run_id": self.run_id,
            "dry_run": not self.general.execute,
            "status": status,
            "reason": reason,
            **scene.facts(force=self.typed.force),
            "why": self.why(scene),
            "ledger": None,
            **more,
            "duration_s": round(time.monotonic() - self.started, 3),
        }
