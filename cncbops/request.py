"""What the operator asked a replay, or a resubmit, to do."""

from dataclasses import dataclass

from cncbops.delivery.sender import OnUnknown
from cncbops.faults.selection import FaultSelection
from cncbops.formats.families import Family
from cncbops.function_name import FunctionName
from cncbops.lake.layout import TimeWindow
from cncbops.lake.sources import Source
from cncbops.queues.source import QueueSource
from cncbops.safety.limits import Safety
from cncbops.selection.selection import Selection


@dataclass(frozen=True, kw_only=True)
class Request:
    """What both are asked alike; None leaves the choice to the function's mapping, or a default.

    `rate` is events per second. `stream_arn` is what records name as their stream.
    """

    sources: tuple[Source | QueueSource, ...]
    limit: int | None = None
    batch_size: int | None = None
    concurrency: int | None = None
    rate: float | None = None
    asynchronous: bool = False
    ordered: bool = True
    max_attempts: int | None = None
    bisect: bool = True
    on_unknown: OnUnknown = "retry"
    stream_arn: str | None = None
    safety: Safety = Safety()

    @property
    def window(self) -> TimeWindow:
        """The times of the events that are meant."""
        raise NotImplementedError

    @property
    def region(self) -> str | None:
        """The region that the function's own name gives, if it does."""
        raise NotImplementedError

    @property
    def reading_limit(self) -> int | None:
        """How many events are chosen at most as objects are read one after another."""
        return self.limit

    @property
    def keeps_order(self) -> bool:
        """Whether the records of one partition key are delivered one after another."""
        return self.ordered and not self.asynchronous


@dataclass(frozen=True, kw_only=True)
class ReplayRequest(Request):
    """A replay as typed.

    `dedupe`: of the events with one id only the first in the lake is sent. `latest_per_key`: only the newest event
    of each partition key is. `since_run` is the id of the run whose objects, and those of the runs that it followed
    itself, are passed over.
    """

    function: FunctionName
    selection: Selection = Selection()
    family: Family | None = None
    dedupe: bool = False
    latest_per_key: bool = False
    since_run: str | None = None

    @property
    def window(self) -> TimeWindow:
        return self.selection.window

    @property
    def reading_limit(self) -> int | None:
        return None if self.latest_per_key else self.limit  # all has to be read to know which are the newest

    @property
    def region(self) -> str | None:
        return self.function.region


@dataclass(frozen=True, kw_only=True)
class ResubmitRequest(Request):
    """A resubmit as typed.

    Faults go to the functions that they name, unless `function` is given, or `renames` (by name) says another;
    `qualifier` is for all of them. Faults raised at `until_ms` or later are left out: they may be what the run
    itself brought about. `again`: send also what was sent before.
    """

    choice: FaultSelection = FaultSelection()
    function: FunctionName | None = None
    renames: tuple[tuple[str, FunctionName], ...] = ()
    qualifier: str | None = None
    one_by_one: bool = False
    again: bool = False
    until_ms: int = 0

    @property
    def window(self) -> TimeWindow:
        return self.choice.window

    @property
    def region(self) -> str | None:
        return self.function.region if self.function else None
