"""What a resubmit was asked, as plain data that JSON can hold, and back without loss (see `cncbops.frozen`)."""

from typing import Any

import msgspec

from cncbops.faults.selection import FaultSelection
from cncbops.faults.sources import parse_fault_source, source_text
from cncbops.frozen import (
    AS_THEY_ARE,
    FrozenRequest,
    freeze_safety,
    from_plain,
    function_text,
    thaw_safety,
    thawing,
    to_plain,
)
from cncbops.function_name import parse_function
from cncbops.inventory.listed import inventory_in, listed_from
from cncbops.lake.layout import TimeWindow
from cncbops.request import ResubmitRequest


class _Choice(msgspec.Struct, forbid_unknown_fields=True):
    functions: tuple[str, ...]
    errors: tuple[str, ...]
    types: tuple[str, ...]
    pipelines: tuple[str, ...]
    groups: tuple[str, ...]
    start_ms: int | None
    end_ms: int | None


class _Resubmit(FrozenRequest, kw_only=True):
    choice: _Choice
    function: str | None
    renames: list[tuple[str, str]]
    qualifier: str | None
    one_by_one: bool
    again: bool
    until_ms: int


_AS_THEY_ARE = AS_THEY_ARE | {"qualifier", "one_by_one", "again", "until_ms"}
_GLOBS = ("functions", "errors", "types", "pipelines", "groups")


def freeze_resubmit(request: ResubmitRequest) -> dict[str, Any]:
    """A request as plain data. Relative paths stay relative."""
    choice = request.choice
    globs = {name: getattr(choice, name) for name in _GLOBS}
    frozen = _Resubmit(
        sources=list(map(source_text, request.sources)),
        inventory=inventory_in(request.sources),
        choice=_Choice(**globs, start_ms=choice.window.start_ms, end_ms=choice.window.end_ms),
        function=function_text(request.function) if request.function else None,
        renames=[(old, function_text(new)) for old, new in request.renames],
        safety=freeze_safety(request.safety),
        **{name: getattr(request, name) for name in _AS_THEY_ARE},
    )
    data: dict[str, Any] = to_plain(frozen)
    return data


@thawing("what the run was asked")
def thaw_resubmit(data: object) -> ResubmitRequest:
    """The request that was frozen. Raises CannotRun if the data is damaged or a later version's."""
    frozen = msgspec.convert(from_plain(data), _Resubmit)
    window = TimeWindow(frozen.choice.start_ms, frozen.choice.end_ms)
    return ResubmitRequest(
        sources=listed_from(map(parse_fault_source, frozen.sources), frozen.inventory),
        choice=FaultSelection(**{name: getattr(frozen.choice, name) for name in _GLOBS}, window=window),
        function=parse_function(frozen.function) if frozen.function else None,
        renames=tuple((old, parse_function(new)) for old, new in frozen.renames),
        safety=thaw_safety(frozen.safety),
        **{name: getattr(frozen, name) for name in _AS_THEY_ARE},
    )
