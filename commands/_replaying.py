"""What `cncbops replay` does with its options: check, plan or execute, tell."""

import re
import sys
import threading
import time
import uuid
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from cncbops.aws import Aws, AwsAccess
from cncbops.delivery.sender import OnUnknown
from cncbops.errors import BadInput, CncbopsError
from cncbops.formats.families import BY_NAME
from cncbops.function_name import parse_function
from cncbops.journal import Journal
from cncbops.lake.layout import TimeWindow
from cncbops.lake.sources import Source, parse_source, without_overlaps
from cncbops.ledger import Ledger, NoLedger, RunLedger
from cncbops.plan import plan
from cncbops.replay import Replay
from cncbops.request import ReplayRequest
from cncbops.selection.pattern import FilterCriteria
from cncbops.selection.selection import Selection
from cncbops.selection.times import parse_window
from cncbops.summary import Report, summary
from cncbops.target import inspect
from cncbops.terms import require_able, settle

from ._options import General
from ._plan_view import show_plan
from ._progress import live_line
from ._screen import Screen, guarded, screen_for, state_folder, stop_on_signal
from ._summary_view import show_summary
from ._words import visible


@dataclass(frozen=True)
class Choice:
    """Which events, as typed."""

    types: tuple[str, ...]
    partition_keys: tuple[str, ...]
    shards: tuple[str, ...]
    from_time: str | None
    to_time: str | None
    filters: tuple[str, ...]
    limit: int | None
    line_format: str | None


@dataclass(frozen=True)
class Delivery:
    """How they are sent, as typed: fields of the same names in `ReplayRequest`."""

    batch_size: int | None
    concurrency: int | None
    rate: float | None
    asynchronous: bool
    ordered: bool
    max_attempts: int | None
    bisect: bool
    on_unknown: OnUnknown


@dataclass(frozen=True)
class Asked:
    """One command line of `replay`."""

    sources: tuple[str, ...]
    function: str
    bucket: str | None
    prefix: str
    choice: Choice
    delivery: Delivery
    stream_arn: str | None
    show_payload: bool


def carry_out(asked: Asked, general: General) -> int:
    """Do what was asked, and show it; the exit code."""
    screen = screen_for(general)
    return guarded(screen, lambda: _run(asked, general, screen), {"command": "replay"})


def _request(asked: Asked, screen: Screen) -> ReplayRequest:
    """The request that was typed; raises BadInput if something in it cannot be meant."""
    choice = asked.choice
    selection = Selection(
        types=choice.types,
        partition_keys=frozenset(choice.partition_keys),
        shards=frozenset(map(_shard_id, choice.shards)),
        window=TimeWindow(*parse_window(choice.from_time, choice.to_time, datetime.now(UTC))),
        filters=FilterCriteria.parse(choice.filters),
    )
    return ReplayRequest(
        sources=_sources(asked.sources, asked.bucket, asked.prefix, screen),
        function=parse_function(asked.function),
        selection=selection,
        family=BY_NAME[choice.line_format] if choice.line_format else None,
        limit=choice.limit,
        stream_arn=_stream_arn(asked.stream_arn),
        **vars(asked.delivery),
    )


def _sources(texts: tuple[str, ...], bucket: str | None, prefix: str, screen: Screen) -> tuple[Source, ...]:
    """The sources as typed; raises BadInput if there is none, or a prefix without its bucket."""
    if prefix and not bucket:
        raise BadInput("--prefix without --bucket", "Give both, or s3://bucket/prefix")
    lines = [line for text in texts for line in (_listed() if text == "-" else [text])]
    sources: list[Source] = [parse_source(line) for line in lines]
    if bucket:
        sources.append(parse_source(f"s3://{bucket}/{prefix}"))
    if not sources:
        raise BadInput("no source is given", "Give s3://bucket/prefix, a file or a folder, or -b and -p")
    kept, inside = without_overlaps(sources)
    for source in inside:
        screen.note(f"{source.uri} lies inside another source, and is read once")
    return tuple(kept)


def _listed() -> list[str]:
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


def _run(asked: Asked, general: General, screen: Screen) -> int:
    """Plan or execute, then tell; the exit code."""
    started = time.monotonic()
    request = _request(asked, screen)
    run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:6]}"
    report = partial(
        Report,
        run_id=run_id,
        dry_run=not general.execute,
        function=str(request.function),
        asynchronous=request.asynchronous,
        sources=[source.uri for source in request.sources],
    )
    try:
        run, ledger = _carried_out(request, general, screen, run_id)
    except CncbopsError as error:
        failed = report(journal=Journal(NoLedger()), duration_s=time.monotonic() - started, error=error)
        return _tell(failed, None, asked, screen)
    done = report(
        journal=run.journal,
        duration_s=time.monotonic() - started,
        error=run.error or (None if general.execute else run.objection),
        stopped=run.stopped,
        failures_file=ledger.kept,
    )
    return _tell(done, run, asked, screen)


def _carried_out(request: ReplayRequest, general: General, screen: Screen, run_id: str) -> tuple[Replay, Ledger]:
    """The run after it was planned or executed. Raises CncbopsError if it could not begin."""
    aws = Aws(AwsAccess(general.region or None, general.profile, general.role_arn, general.endpoint_url))
    target = inspect(aws, request.function)
    terms = settle(request, target, aws.in_region(request.function.region).region)
    if general.execute:
        require_able(target, asynchronous=request.asynchronous)
    stop = threading.Event()
    with _ledger(general, run_id) as ledger:
        run = Replay(request, target, terms, aws, ledger, stop)
        line = live_line(screen.err, run, aws, executes=general.execute) if screen.shows_text else nullcontext()
        with stop_on_signal(stop, screen), line:
            run.execute() if general.execute else run.plan()
    return run, ledger


def _ledger(general: General, run_id: str) -> AbstractContextManager[Ledger]:
    return RunLedger(state_folder(general.state_dir), run_id) if general.execute else nullcontext(NoLedger())


def _tell(report: Report, run: Replay | None, asked: Asked, screen: Screen) -> int:
    """Show how it went, in the voice that was asked for; the exit code."""
    document = summary(report)
    if run and report.dry_run and not run.error:
        document["plan"] = plan(run, show_payload=asked.show_payload)
    if report.error:
        screen.show_error(report.error)
    if screen.json:
        screen.show_json(document)
    elif "plan" in document and not screen.quiet:
        with screen.printing() as out:
            show_plan(out, visible(document))
    elif screen.shows_text and not report.came_to_nothing:
        show_summary(screen.err, visible(document))
    return report.exit_code
