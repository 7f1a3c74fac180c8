"""What was typed for an invalidation: of which distribution, and which paths."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.aws import Aws
from cncbops.aws_errors import explain
from cncbops.cdn.distribution import Distribution, find_distribution, looks_like_distribution
from cncbops.cdn.gathering import Gathering
from cncbops.cdn.notifications import Notified, read_notifications
from cncbops.cdn.paths import to_item
from cncbops.cdn.written import written_since
from cncbops.errors import BadInput
from cncbops.lake.sources import S3Source, parse_source, printable
from cncbops.safety.limits import parse_duration
from cncbops.selection.times import parse_time
from cncbops.stage import Names

from ._staged import Staged

TYPED, STANDARD_INPUT = "command line", "standard input"


@dataclass(frozen=True)
class Asked:
    """One command line of `invalidate`, as typed."""

    typed: tuple[str, ...]
    stage: Staged | None
    files: tuple[str, ...]
    buckets: tuple[str, ...]
    since: str | None
    notifications: tuple[str, ...]
    tags: tuple[str, ...]
    collapse: int | None
    wait: bool
    timeout: str


@dataclass(frozen=True)
class Checked:
    """The same once it was checked and all files were read.

    `items` are paths and tags, `notified` what notifications tell, each by where it came from; `stored` is in S3.
    """

    named: str | None
    items: Sequence[tuple[str, Sequence[str]]]
    notified: Sequence[tuple[str, Notified]]
    stored: Sequence[S3Source]
    since_ms: int | None
    timeout_s: float


def checked(asked: Asked) -> Checked:
    """Check what was typed as far as this machine can. Raises BadInput."""
    if (asked.files + asked.notifications).count("-") > 1:
        raise BadInput("- was given twice", "Standard input is read once: give the rest as a file")
    if bool(asked.buckets) != bool(asked.since):
        raise BadInput(
            "--from-s3 and --since go together",
            "Say since when: --from-s3 s3://bucket/things/ --since -1h; for all of a folder give '/things/*'",
        )
    named, typed = _apart(asked.typed, asked.stage)
    if not (typed or asked.tags or asked.files or asked.buckets or asked.notifications):
        if named and asked.stage:
            what = f"{named!r} looks like a distribution, and nothing says which of its paths are to be invalidated"
            raise BadInput(what, f"If it is a path, write /{named}")
        what = "it is not said which paths are to be invalidated"
        others = "--tag, --from-file, --from-s3 or --from-notification"
        raise BadInput(what, f"Give paths such as /things/42 or '/things/*', or {others}")
    tags = [("#" + tag.removeprefix("#"), "--tag") for tag in asked.tags]
    lines = [(TYPED, [*((text, "PATH") for text in typed), *tags])]
    lines += [(_name(name), list(_lines(name))) for name in asked.files]
    return Checked(
        named=named,
        items=[(source, [to_item(*line) for line in each]) for source, each in lines if each or source != TYPED],
        notified=[(_name(name), read_notifications(_read(name), _name(name))) for name in asked.notifications],
        stored=list(map(_in_s3, asked.buckets)),
        since_ms=parse_time(asked.since, datetime.now(UTC)) if asked.since else None,
        timeout_s=parse_duration(asked.timeout),
    )


def distribution_named(named: str | None, names: Names | None, aws: Aws) -> Distribution:
    """The distribution by its name, or else its stage. Raises CncbopsError."""
    if named is None:
        assert names is not None
        return find_distribution(aws.cloudfront(), names.distribution())
    try:
        return find_distribution(aws.cloudfront(), named)
    except BadInput as error:
        if names is None:
            raise
        hint = error.next_step if error.next_step.endswith("?") else f"{error.next_step}."
        raise BadInput(error.what, f"{hint} If it is a path, write /{named}") from error


def name_apart(typed: Sequence[str], stage: Staged | None) -> tuple[str | None, Sequence[str]]:
    """The distribution and the rest; None where a stage names it and the first looks like none. Raises BadInput."""
    if stage and not (typed and looks_like_distribution(typed[0])):
        return None, typed
    if not typed:
        raise BadInput("no distribution is given", "Give its id, domain name or alias first, or --stage NAME")
    return typed[0], typed[1:]


def gathered(checked: Checked, distribution: Distribution, aws: Aws) -> Gathering:
    """All that is to be invalidated; what is in S3 is listed now. Raises CncbopsError."""
    gathering = Gathering(distribution.origins)
    for source, items in checked.items:
        gathering.take(source, items)
    for source, notified in checked.notified:
        gathering.take_objects(source, notified.changed)
        gathering.others += notified.others
    for bucket in checked.stored:
        assert checked.since_ms is not None
        try:
            gathering.take_objects(bucket.uri, written_since(bucket, checked.since_ms, aws.s3()))
        except (ClientError, BotoCoreError) as error:
            raise explain(error, f"list {bucket.uri}") from error
    return gathering


def _apart(typed: Sequence[str], stage: Staged | None) -> tuple[str | None, Sequence[str]]:
    """The distribution and the paths. Raises BadInput also where the first of them is surely a path."""
    named, paths = name_apart(typed, stage)
    if named is not None and named.startswith(("/", "#")):
        raise BadInput(f"{named!r} is no distribution", "Give its id, domain name or alias first, or --stage NAME")
    return named, paths


def _name(file: str) -> str:
    return STANDARD_INPUT if file == "-" else printable(file)


def _lines(file: str) -> Iterator[tuple[str, str]]:
    """The lines of a file that are not blank, each with where it stands. Raises BadInput."""
    try:
        text = _read(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{_name(file)} is not UTF-8", "Write one path a line, in UTF-8") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield line.strip(), f"{_name(file)}:{number}"


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise BadInput(
            f"{_name(file)} cannot be read: {error.strerror}", "Give a file, or - for standard input"
        ) from error


def _in_s3(text: str) -> S3Source:
    source = parse_source(text)
    if not isinstance(source, S3Source):
        raise BadInput(f"--from-s3: {text!r} is not in S3", "Write s3://bucket/prefix")
    return source
