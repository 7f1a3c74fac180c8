"""What the operator asked a replay to do."""

from dataclasses import dataclass

from cncbops.delivery.sender import OnUnknown
from cncbops.formats.families import Family
from cncbops.function_name import FunctionName
from cncbops.lake.sources import Source
from cncbops.safety.limits import Safety
from cncbops.selection.selection import Selection


@dataclass(frozen=True)
class ReplayRequest:
    """A replay as typed; None leaves the choice to the function's mapping, or a default.

    `rate` is events per second. `stream_arn` is what records name as their stream.
    """

    sources: tuple[Source, ...]
    function: FunctionName
    selection: Selection = Selection()
    family: Family | None = None
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
