"""What a run was asked, as plain data that JSON can hold, and back without loss.

JSON has no text for bytes that are not UTF-8, which a path or an argument on POSIX may hold and Python
keeps as lone surrogates. Such text is frozen as `{"percent_encoded": "lake/%FF"}`, all other as it is.

A field that a later version adds must have a default: what earlier versions froze lacks it. What a later
version froze is refused, since its unknown field may be a promise that this version would break.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import msgspec

from cncbops.delivery.sender import OnUnknown
from cncbops.errors import BadInput, CannotRun
from cncbops.faults.sources import source_text
from cncbops.formats.families import BY_NAME, Family
from cncbops.function_name import FunctionName, parse_function
from cncbops.inventory.listed import inventory_in, listed_from
from cncbops.lake.layout import TimeWindow
from cncbops.lake.sources import parse_source
from cncbops.request import ReplayRequest
from cncbops.safety.limits import FailureLimit, Safety
from cncbops.selection.pattern import FilterCriteria
from cncbops.selection.selection import Selection
from cncbops.target import Target
from cncbops.terms import Terms

_NEXT_STEP = "A newer cncbops wrote it, or it is damaged: use that version, or start a new replay"


@contextmanager
def thawing(what: str) -> Iterator[None]:
    """Raises CannotRun for whatever damaged or unknown data make of reading it."""
    try:
        yield
    except (BadInput, msgspec.ValidationError, ValueError, RecursionError) as error:
        why = error.what if isinstance(error, BadInput) else str(error)
        raise CannotRun(f"{what} cannot be read: {why}", _NEXT_STEP) from error


class _Selection(msgspec.Struct, forbid_unknown_fields=True):
    types: list[str]
    partition_keys: list[str]
    shards: list[str]
    start_ms: int | None
    end_ms: int | None
    filters: list[str]


class FrozenSafety(msgspec.Struct, forbid_unknown_fields=True):
    """Safety stops, frozen."""

    max_failures: str
    max_duration_s: float | None
    alarms: tuple[str, ...]
    canary: int | None


class FrozenRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What replay and resubmit are asked alike, frozen."""

    sources: list[str]
    limit: int | None
    batch_size: int | None
    concurrency: int | None
    rate: float | None
    asynchronous: bool
    ordered: bool
    max_attempts: int | None
    bisect: bool
    on_unknown: OnUnknown
    stream_arn: str | None
    safety: FrozenSafety
    inventory: str | None = None


class _Replay(FrozenRequest, kw_only=True):
    function: str
    selection: _Selection
    family: str | None
    dedupe: bool = False
    latest_per_key: bool = False
    since_run: str | None = None


AS_THEY_ARE = set(FrozenRequest.__struct_fields__) - {"sources", "safety", "inventory"}
_OF_REPLAY_AS_THEY_ARE = AS_THEY_ARE | {"dedupe", "latest_per_key", "since_run"}


def freeze_request(request: ReplayRequest) -> dict[str, Any]:
    """A request as plain data. Relative paths stay relative."""
    frozen = _Replay(
        sources=[source_text(source) for source in request.sources],
        inventory=inventory_in(request.sources),
        function=function_text(request.function),
        selection=_freeze_selection(request.selection),
        family=request.family.name if request.family else None,
        safety=freeze_safety(request.safety),
        **{name: getattr(request, name) for name in _OF_REPLAY_AS_THEY_ARE},
    )
    data: dict[str, Any] = to_plain(frozen)
    return data


@thawing("what the run was asked")
def thaw_request(data: object) -> ReplayRequest:
    """The request that was frozen. Raises CannotRun if the data is damaged or a later version's."""
    frozen = msgspec.convert(from_plain(data), _Replay)
    return ReplayRequest(
        sources=listed_from(map(parse_source, frozen.sources), frozen.inventory),
        function=parse_function(frozen.function),
        selection=_thaw_selection(frozen.selection),
        family=_family(frozen.family),
        safety=thaw_safety(frozen.safety),
        **{name: getattr(frozen, name) for name in _OF_REPLAY_AS_THEY_ARE},
    )


def freeze_terms(terms: Terms) -> dict[str, Any]:
    """Terms as plain data, but for `read_timeout_s`, which is taken from the function of the day."""
    data: dict[str, Any] = to_plain(terms)
    del data["read_timeout_s"]
    return data


@thawing("the terms of the run")
def thaw_terms(data: object, read_timeout_s: float) -> Terms:
    """The terms that were frozen. Raises CannotRun if the data is damaged or a later version's."""
    facts = msgspec.convert(from_plain(data), dict[str, Any])
    terms = msgspec.convert({**facts, "read_timeout_s": read_timeout_s}, Terms)
    if not _holds(freeze_terms(terms), data):  # what is converted to dataclasses may have fields they lack
        raise ValueError("it has a field that this version does not know")
    return terms


def freeze_target(target: Target) -> dict[str, Any]:
    """The facts that change when somebody deploys or rewires the function; None where unknown."""
    return {
        "arn": target.arn,
        "version": target.version,
        "code_sha256": target.code_sha256,
        "last_modified": target.last_modified,
        "mapping_uuid": target.mapping.uuid if target.mapping else None,
    }


def to_plain(value: object) -> Any:
    """Dataclasses, structs and collections of them as what JSON can hold."""
    return _plain(msgspec.to_builtins(value))


def from_plain(data: object) -> Any:
    """Undo what `to_plain` did to text. Raises ValueError for what is not percent-encoded text."""
    match data:
        case {"percent_encoded": str(text), **others} if not others:
            return unquote_to_bytes(text).decode(errors="surrogatepass")
        case dict():
            return {key: from_plain(value) for key, value in data.items()}
        case list():
            return [from_plain(value) for value in data]
    return data


def _plain(data: object) -> object:
    match data:
        case str():
            return _plain_text(data)
        case dict():
            return {key: _plain(value) for key, value in data.items()}
        case list() | tuple():
            return [_plain(value) for value in data]
    return data


def _plain_text(text: str) -> object:
    try:
        text.encode()
    except UnicodeEncodeError:
        return {"percent_encoded": quote(text.encode(errors="surrogatepass"))}
    return text


def _holds(whole: object, part: object) -> bool:
    """Whether nothing of `part` is missing in `whole`."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(key in whole and _holds(whole[key], value) for key, value in part.items())
    return whole == part


def freeze_safety(safety: Safety) -> FrozenSafety:
    """Safety stops as plain data."""
    return FrozenSafety(**{**vars(safety), "max_failures": str(safety.max_failures)})


def thaw_safety(frozen: FrozenSafety) -> Safety:
    """The safety stops that were frozen. Raises BadInput for a limit that is none."""
    limit = FailureLimit.parse(frozen.max_failures)
    return Safety(**{**msgspec.structs.asdict(frozen), "max_failures": limit})


def function_text(function: FunctionName) -> str:
    """What `parse_function` takes for this function."""
    return f"{function.address}:{function.qualifier}" if function.qualifier else function.address


def _freeze_selection(selection: Selection) -> _Selection:
    return _Selection(
        types=list(selection.types),
        partition_keys=sorted(selection.partition_keys),
        shards=sorted(selection.shards),
        start_ms=selection.window.start_ms,
        end_ms=selection.window.end_ms,
        filters=[pattern.text for pattern in selection.filters.patterns],
    )


def _thaw_selection(frozen: _Selection) -> Selection:
    return Selection(
        types=tuple(frozen.types),
        partition_keys=frozenset(frozen.partition_keys),
        shards=frozenset(frozen.shards),
        window=TimeWindow(frozen.start_ms, frozen.end_ms),
        filters=FilterCriteria.parse(frozen.filters),
    )


def _family(name: str | None) -> Family | None:
    if name is not None and name not in BY_NAME:
        raise ValueError(f"{name!r} is no format that this version knows")
    return None if name is None else BY_NAME[name]
