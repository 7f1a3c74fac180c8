"""What was typed for a replay, as the request that the engine takes."""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from msgspec import Struct, structs

from cncbops.delivery.sender import OnUnknown
from cncbops.errors import BadInput
from cncbops.formats.families import BY_NAME, Family
from cncbops.function_name import FunctionName, parse_function
from cncbops.inventory.listed import listed_by_calls, listed_from
from cncbops.lake.layout import TimeWindow
from cncbops.lake.sources import LocalSource, Source, parse_source, without_overlaps
from cncbops.queues.source import SCHEME as QUEUES
from cncbops.queues.source import QueueSource, parse_queue
from cncbops.request import ReplayRequest
from cncbops.safety.limits import FailureLimit, Safety, parse_duration
from cncbops.selection.pattern import FilterCriteria
from cncbops.selection.selection import Selection
from cncbops.selection.times import parse_window

from ._options import Format
from ._screen import Screen
from ._staged import Staged, lake_of

if TYPE_CHECKING:
    from cncbops.stage import Names

Texts = Sequence[str] | None


class Choice(Struct, frozen=True):
    """Which events, as typed."""

    types: tuple[str, ...]
    partition_keys: tuple[str, ...]
    shards: tuple[str, ...]
    from_time: str | None
    to_time: str | None
    filters: tuple[str, ...]
    limit: int | None
    line_format: str | None

    @classmethod
    def typed(
        cls,
        types: Texts,
        partition_keys: Texts,
        shards: Texts,
        from_time: str | None,
        to_time: str | None,
        filters: Texts,
        limit: int | None,
        line_format: Format | None,
    ) -> Self:
        """The choice, from the values of its options."""
        return cls(
            types=tuple(types or ()),
            partition_keys=tuple(partition_keys or ()),
            shards=tuple(shards or ()),
            from_time=from_time,
            to_time=to_time,
            filters=tuple(filters or ()),
            limit=limit,
            line_format=line_format.value if line_format else None,
        )

    def selection(self) -> Selection:
        """As the engine takes it. Raises BadInput if something in it cannot be meant."""
        return Selection(
            types=self.types,
            partition_keys=frozenset(self.partition_keys),
            shards=frozenset(map(_shard_id, self.shards)),
            window=TimeWindow(*parse_window(self.from_time, self.to_time, datetime.now(UTC))),
            filters=FilterCriteria.parse(self.filters),
        )

    @property
    def family(self) -> Family | None:
        """The format that every line is said to have."""
        return BY_NAME[self.line_format] if self.line_format else None


class Beyond(Struct, frozen=True):
    """What else decides whether an event is sent than what is in it, as typed."""

    dedupe: bool = False
    latest_per_key: bool = False
    since_run: str | None = None


class Delivery(Struct, frozen=True):
    """How they are sent, as typed: fields of the same names in `ReplayRequest`."""

    batch_size: int | None
    concurrency: int | None
    rate: float | None
    asynchronous: bool
    ordered: bool
    max_attempts: int | None
    bisect: bool
    on_unknown: OnUnknown


class SafetyStops(Struct, frozen=True):
    """What is to stop a run, as typed; what was not typed stays as it is in the run that is taken up."""

    max_failures: str | None = None
    max_duration: str | None = None
    alarms: tuple[str, ...] = ()
    canary: int | None = None

    def on(self, before: Safety) -> Safety:
        """The safety stops with what was typed in place. Raises BadInput."""
        return Safety(
            max_failures=FailureLimit.parse(self.max_failures) if self.max_failures else before.max_failures,
            max_duration_s=parse_duration(self.max_duration) if self.max_duration else before.max_duration_s,
            alarms=self.alarms or before.alarms,
            canary=self.canary or before.canary,
        )


class Asked(Struct, frozen=True):
    """What one command line of `replay` asks for."""

    sources: tuple[str, ...]
    function: str | None
    bucket: str | None
    prefix: str
    choice: Choice
    beyond: Beyond
    delivery: Delivery
    safety: SafetyStops
    stream_arn: str | None
    stage: Staged | None = None
    inventory: str | None = None

    def named(self, names: "Names") -> Self:
        """The same with what was not typed as the stage has it. Raises CncbopsError."""
        sources, prefix = lake_of(names, self.sources, self.bucket, self.prefix)
        return structs.replace(self, sources=sources, prefix=prefix, function=names.function(self.function))

    @property
    def says_what(self) -> bool:
        """Whether anything was typed that says what to send, whereto, or how."""
        nothing = Choice((), (), (), None, None, (), None, None)
        as_usual = Delivery(None, None, None, False, True, None, True, "retry")
        source = self.sources or self.bucket or self.prefix or self.inventory
        how = (self.choice, self.beyond, self.delivery)
        return bool(source or self.function or self.stream_arn) or how != (nothing, Beyond(), as_usual)


class Followed(Struct, frozen=True):
    """What is asked of a run's successor: what is not typed is as there. And how AWS was reached."""

    request: ReplayRequest
    access: Mapping[str, Any]


def request_of(asked: Asked, screen: Screen, followed: Followed | None = None) -> ReplayRequest:
    """The request that was typed; raises BadInput if something in it cannot be meant."""
    choice, beyond, before = asked.choice, asked.beyond, followed.request if followed else None
    if beyond.dedupe and beyond.latest_per_key:
        raise BadInput("--dedupe with --latest-per-key", "Leave --dedupe out: one event of each key is sent anyway")
    return ReplayRequest(
        sources=listed_from(_replay_sources_of(asked, before, screen), asked.inventory),
        function=_function_of(asked, before),
        selection=before.selection if before else choice.selection(),
        family=before.family if before else choice.family,
        limit=choice.limit,
        dedupe=beyond.dedupe,
        latest_per_key=beyond.latest_per_key,
        since_run=before.since_run if before else None,
        stream_arn=_stream_arn(asked.stream_arn),
        safety=asked.safety.on(Safety()),
        **structs.asdict(asked.delivery),
    )


def _function_of(asked: Asked, before: ReplayRequest | None) -> FunctionName:
    if asked.function is not None:
        return parse_function(asked.function)
    if before is None:
        raise BadInput("no function is given", "Name it with --function")
    return before.function


def _replay_sources_of(asked: Asked, before: ReplayRequest | None, screen: Screen) -> tuple[Source | QueueSource, ...]:
    if before and not (asked.sources or asked.bucket or asked.prefix):
        return listed_by_calls(before.sources)  # an inventory of then does not name what has come since
    return sources_of(asked.sources, asked.bucket, asked.prefix, screen)


def sources_of(texts: tuple[str, ...], bucket: str | None, prefix: str, screen: Screen) -> tuple[Source, ...]:
    """The sources as typed: SOURCEs, `-` for a list of them on standard input, and --bucket with --prefix.

    People are told of one inside another, which is left out. Raises BadInput if there is none, or a prefix
    without its bucket.
    """
    if prefix and not bucket:
        raise BadInput("--prefix without --bucket", "Give both, or s3://bucket/prefix")
    sources = [parse_from_anywhere(line) for line in listed(texts)]
    if bucket:
        sources.append(parse_source(f"s3://{bucket}/{prefix}"))
    if not sources:
        raise BadInput("no source is given", "Give s3://bucket/prefix, a file or a folder, or -b and -p")
    kept, inside = without_overlaps(sources)
    for source in inside:
        screen.note(f"{source.uri} lies inside another source, and is read once")
    return tuple(kept)


def listed(texts: Iterable[str]) -> list[str]:
    """The sources as typed, those listed on standard input in the place of `-`."""
    return [line for text in texts for line in (_on_standard_input() if text == "-" else [text])]


def fault_sources_of(
    texts: Sequence[str], bucket: str | None, prefix: str, screen: Screen
) -> tuple[Source | QueueSource, ...]:
    """The same with queues among the SOURCEs, and none that is a table."""
    lines = listed(texts)
    queues = dict.fromkeys(parse_queue(line) for line in lines if line.startswith(QUEUES))
    others = [line for line in lines if not line.startswith(QUEUES)]
    if queues and not (others or bucket or prefix):
        return tuple(queues)
    sources = sources_of(tuple(others), bucket, prefix, screen)
    for source in sources:
        _require_no_table(source)
    return (*sources, *queues)


def _require_no_table(source: Source) -> None:
    """Raise BadInput for a run's report in the form in which it names no fault."""
    is_folder = isinstance(source, LocalSource) and source.path.is_dir()
    if source.uri.lower().endswith(".csv") and not is_folder:
        what = f"{source.uri} is a table, and faults are JSON"
        raise BadInput(what, "Of a run, make JSON lines: `cncbops runs show RUN --report FILE.jsonl`")


def parse_from_anywhere(text: str) -> Source:
    """A source that means the same in another folder, where the run may be resumed. Raises BadInput."""
    source = parse_source(text)
    if not isinstance(source, LocalSource):
        return source
    try:
        return LocalSource(source.path.absolute())
    except (FileNotFoundError, PermissionError) as error:
        raise BadInput(f"{source.uri} is nowhere: the working folder is gone", "Name it from the root") from error


def _on_standard_input() -> list[str]:
    """The lines of standard input; raises BadInput if they are no text."""
    try:
        lines = sys.stdin.buffer.read().decode().split("\n")
    except UnicodeDecodeError as error:
        raise BadInput("the list on standard input is not UTF-8", "Write one source a line, in UTF-8") from error
    return [line.lstrip().removesuffix("\r") for line in lines if line.strip()]


def _stream_arn(text: str | None) -> str | None:
    """The ARN of a Kinesis stream; raises BadInput for anything else."""
    if text is None or re.fullmatch(r"arn:[a-z-]+:kinesis:[a-z0-9-]+:[0-9]{12}:stream/[\w.-]+", text, re.ASCII):
        return text
    raise BadInput(f"{text!r} is no ARN of a Kinesis stream", "Write arn:aws:kinesis:REGION:ACCOUNT:stream/NAME")


def _shard_id(text: str) -> str:
    return f"shardId-{int(text):012d}" if text.isascii() and text.isdigit() else text
