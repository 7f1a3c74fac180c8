"""What one command line of `runs resume` or `runs redrive` asks for, and the run that it takes up."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cncbops.aws import Aws
from cncbops.request import Request
from cncbops.session.agenda import Agenda
from cncbops.session.progress import Progress
from cncbops.session.reported import Reported
from cncbops.session.resuming import OnChanged
from cncbops.undertaking import Undertaking

from ._working import Work
from ._workplace import Workplace

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class TakeUp:
    """One command line of `runs resume` or `runs redrive`, as typed."""

    run: str
    on_changed: OnChanged
    max_failures: str | None
    max_duration: str | None
    alarms: tuple[str, ...]
    canary: int | None
    unknown: bool
    report: Path | None
    show_payload: bool
    at: Workplace

    @property
    def fates(self) -> list[str]:
        """What the records have that a redrive takes."""
        return ["failed", "unknown"] if self.unknown else ["failed"]

    @property
    def of_events(self) -> list[str]:
        """The options given that only a run of events can heed."""
        given = {
            "--on-changed": self.on_changed != "fail",
            "--max-failures": self.max_failures,
            "--max-duration": self.max_duration,
            "--stop-on-alarm": self.alarms,
            "--canary": self.canary,
            "--unknown": self.unknown,
            "--report": self.report,
            "--show-payload": self.show_payload,
            "--workers": self.at.workers,
            "--cluster": self.at.cluster,
        }
        return [name for name, value in given.items() if value]


@dataclass(frozen=True)
class Prepared:
    """A run under its frozen arguments: `undertake` makes work of what is to be done of it.

    It `executes` or only plans. `lanes` are those of its earlier sessions; `moved` is what a plan says of what changed
    since; `with_queues` puts the messages of its queues behind its objects. `reported` knows which of a replay's events
    were delivered from its report; of a resubmit there is none.
    """

    work: Callable[[Undertaking], Work]
    undertake: Callable[[Agenda, Progress, Iterable[bytes]], Undertaking]
    request: Request
    aws: Aws
    s3: "S3Client | None"
    lanes: int
    executes: bool
    moved: Sequence[str] = ()
    with_queues: Callable[[Agenda], Agenda] = lambda objects: objects
    reported: Reported | None = None
