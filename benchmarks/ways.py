"""The ways to replay that are measured, each as a command with what it prints."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from msgspec import structs

from benchmarks.book import PROGRAM, node_path, node_program
from benchmarks.errors import CannotMeasure
from benchmarks.far_side import FarSide
from benchmarks.installed import COMMAND
from benchmarks.measuring import Usage, measure
from benchmarks.shape import FUNCTION
from benchmarks.signing import KEY_ID, REGION, SECRET
from benchmarks.work import Done, Work

# Without bytecode kept, as a machine may ask for, a start would be measured that compiles what an installation has.
_OF_OTHERS = ("AWS_", "CNCBOPS_", "PYTHONDONTWRITEBYTECODE")
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith(_OF_OTHERS)},
    "AWS_ACCESS_KEY_ID": KEY_ID,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE": "1",
}


@dataclass(frozen=True, slots=True)
class Way:
    """One way to replay a bucket: its name in tables, its batch size, and the other words of its command."""

    name: str
    bucket: str
    batch: int
    run: "Callable[[Way, FarSide], Taken]"
    options: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """One run of a way."""

    done: Done
    usage: Usage
    far_cpu_s: float = field(default=0.0)

    @property
    def rate(self) -> float:
        """Events a second by its own clock."""
        return self.done.events / self.done.duration_s

    @property
    def wall_rate(self) -> float:
        """Events a second of the whole command, its start and end included."""
        return self.done.events / self.usage.wall_s

    @property
    def cpu_us(self) -> float:
        """Microseconds of its CPU an event."""
        return self.usage.cpu_s * 1e6 / self.done.events

    @property
    def far_cpu_us(self) -> float:
        """Microseconds of nginx's CPU an event."""
        return self.far_cpu_s * 1e6 / self.done.events


def _measure(far: FarSide, command: Sequence[str], environment: Mapping[str, str] = ENVIRONMENT) -> tuple[Usage, float]:
    before = far.cpu_s()
    usage = measure(command, environment)
    return usage, far.cpu_s() - before


def cncbops(way: Way, far: FarSide) -> Taken:
    """`options` begin with the subcommand; each run has a ledger of its own."""
    with tempfile.TemporaryDirectory(prefix="cncbops-state-") as state:
        settings = ["--execute", "-o", "json", "--endpoint-url", far.endpoint, "--state-dir", state]
        source = [f"s3://{way.bucket}/", "--batch-size", str(way.batch)] if way.batch else [f"s3://{way.bucket}/"]
        began = time.time()
        usage, far_cpu_s = _measure(far, [COMMAND, *way.options, *source, *settings])
        done = _done(usage.stdout)
        return Taken(structs.replace(done, duration_s=_ended(state) - far.first_listed(began)), usage, far_cpu_s)


def _ended(state: str) -> float:
    """When the only run of a ledger ended, in seconds since 1970."""
    command = [COMMAND, "runs", "ls", "-o", "json", "--state-dir", state]
    told: Any = msgspec.json.decode(subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True).stdout)
    (run,) = told["runs"]
    return datetime.fromisoformat(run["ended"]).timestamp()


def _done(stdout: bytes) -> Done:
    """What a summary tells, its start-up included in the time. Raises CannotMeasure if all did not go well."""
    found: Any = msgspec.json.decode(stdout)
    if found["status"] != "succeeded":
        raise CannotMeasure(f"cncbops ended with status {found['status']}")
    events, invocations = found["events"], found["invocations"]["total"]
    return Done(events["delivered"], invocations, found["duration_s"], events["possible_duplicates"])


def script(way: Way, far: FarSide) -> Taken:
    """`options` begin with the module of a yardstick."""
    module, *switches = way.options
    work = Work(far.endpoint, way.bucket, FUNCTION, way.batch).arguments()
    usage, far_cpu_s = _measure(far, [sys.executable, "-m", module, *work, *switches])
    return Taken(msgspec.json.decode(usage.stdout, type=Done), usage, far_cpu_s)


def book(way: Way, far: FarSide) -> Taken:
    """The book's way; it tells what it did on the last line of its standard error."""
    environment = {**ENVIRONMENT, "NODE_PATH": str(node_path())}
    usage, far_cpu_s = _measure(far, [node_program(), str(PROGRAM), far.endpoint, way.bucket, FUNCTION], environment)
    return Taken(msgspec.json.decode(usage.stderr.splitlines()[-1], type=Done), usage, far_cpu_s)
