"""What `cncbops lake verify` does: compare a lake with its copy, and tell."""

import sys
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from cncbops.aws import Aws, AwsAccess
from cncbops.errors import BadInput
from cncbops.inspection.judging import Asked as Wanted
from cncbops.inspection.judging import Kind, Verdict
from cncbops.inspection.sides import LISTERS_A_SIDE, Side, as_folders
from cncbops.inspection.verifying import LOOKS, Counts, Verifier
from cncbops.inventory.listed import listed_from
from cncbops.lake.layout import TimeWindow
from cncbops.lake.sources import LocalSource, Source
from cncbops.reports.summary import EXIT_CODES
from cncbops.reports.verification import difference_facts, verification_facts
from cncbops.safety.limits import parse_duration
from cncbops.selection.times import parse_window

from ._access import access_of
from ._ending import guarded
from ._inventory import read_inventory
from ._lake_verify_view import compared, show_difference, show_examples, show_outcome, show_table
from ._options import General
from ._reading_view import reading_line
from ._requests import parse_from_anywhere
from ._screen import Screen, screen_for
from ._signals import leaving_at_once
from ._staged import Staged, told_names

DIFFERENT = EXIT_CODES["partial"]
_EXITS = {"same": 0, "different": DIFFERENT, "nothing": EXIT_CODES["failed"]}
"""Nothing on either side is no whole copy: a prefix that is mistyped on both would pass every night."""
EXAMPLES = 20
"""Differences of each kind that are told by name without --all."""
DOCUMENT = {"command": "lake verify"}


@dataclass(frozen=True)
class Reached:
    """How the copy is reached, as typed: None is as the lake."""

    region: str | None
    profile: str | None
    role_arn: str | None
    endpoint_url: str | None

    def access(self, lake: AwsAccess) -> AwsAccess:
        """How AWS is reached for the copy; the lake's role is nothing for another profile."""
        return AwsAccess(
            region=self.region or lake.region,
            profile=self.profile or lake.profile,
            role_arn=self.role_arn or (None if self.profile else lake.role_arn),
            endpoint_url=self.endpoint_url or lake.endpoint_url,
        )


@dataclass(frozen=True)
class Asked:
    """What to compare and how, as typed."""

    lake: str
    recovery: str | None
    reached: Reached
    from_time: str | None
    to_time: str | None
    lag: str | None
    deep: bool
    show_all: bool
    stage: Staged | None = None
    inventory: str | None = None

    def wanted(self, now: datetime) -> Wanted:
        """As the engine takes it. Raises BadInput."""
        window = TimeWindow(*parse_window(self.from_time, self.to_time, now))
        lag = timedelta(seconds=parse_duration(self.lag) if self.lag else 0)
        return Wanted(window, lag, self.deep)

    def sides(self, general: General, screen: Screen) -> tuple[Side, Side]:
        """The lake and its copy. Raises CncbopsError."""
        lake, recovery = as_folders(*map(parse_from_anywhere, self._named(general, screen)))
        access = access_of(general, {})
        other = self.reached.access(access)
        if lake == recovery and (isinstance(lake, LocalSource) or access == other):
            raise BadInput(f"LAKE and RECOVERY are both {lake.uri}", "Name the lake first, and then its copy")
        (lake,) = listed_from([lake], self.inventory)
        return _side(lake, access, "--"), _side(recovery, other, "--recovery-")

    def _named(self, general: General, screen: Screen) -> tuple[str, str]:
        """Both as typed; where only one is, it is the copy of the stage's lake. Raises CncbopsError."""
        if self.recovery is not None:
            return self.lake, self.recovery
        if self.stage is None:
            raise BadInput("there is no RECOVERY", "Name the lake first, or its --stage, and then its copy")
        names = self.stage.names(general)
        lake = names.lake("")
        told_names(names, screen)
        return lake, self.lake


def _side(source: Source, access: AwsAccess, options: str) -> Side:
    s3 = None if isinstance(source, LocalSource) else Aws(access).s3(LOOKS + LISTERS_A_SIDE)
    return Side(source, s3, options)


def carry_out(asked: Asked, general: General) -> int:
    """Compare; the exit code. Where standard output has JSON lines, an error is told on standard error alone."""
    screen = screen_for(general, None if asked.show_all else DOCUMENT)
    return guarded(screen, lambda: _verify(asked, general, screen))


def _verify(asked: Asked, general: General, screen: Screen) -> int:
    now, started = datetime.now(UTC), time.monotonic()
    wanted = asked.wanted(now)
    lake, recovery = asked.sides(general, screen)
    told = read_inventory([lake.source], lake.s3, wanted.window, screen)
    verifier = Verifier(lake, recovery, wanted, now)
    shown = _Shown(screen, show_all=asked.show_all)
    leaving = leaving_at_once(DIFFERENT, document=screen.broken_off)
    with shown.progress(verifier.counts), leaving, closing(verifier.differences()) as found:
        shown.take(found)
    sources = {"lake": lake.source.uri, "recovery": recovery.source.uri}
    facts = {**DOCUMENT, **sources, "inventory": told.facts, **verification_facts(verifier.counts, wanted, now)}
    code = _EXITS[facts["status"]]
    with leaving_at_once(code):
        shown.end({**facts, "duration_s": round(time.monotonic() - started, 3)})
    return code


class _Shown:
    """What is told: every difference as it is found, or the first few of each kind at the end."""

    def __init__(self, screen: Screen, *, show_all: bool) -> None:
        self._screen, self._show_all = screen, show_all
        self._examples: dict[Kind, list[Verdict]] = {}

    def progress(self, counts: Counts) -> AbstractContextManager[object]:
        """A line of how far it is, on a terminal where no differences come."""
        if self._show_all and self._screen.out.file.isatty():
            return nullcontext()
        return reading_line(self._screen, lambda: compared(counts))

    def take(self, found: Iterable[Verdict]) -> None:
        """Tell of differences, or keep them."""
        if not self._show_all:
            for verdict in found:
                self._keep(verdict)
            return
        with self._screen.streaming() as out:
            for verdict in found:
                if self._screen.json:
                    sys.stdout.buffer.write(_line(difference_facts(verdict)))
                elif not self._screen.quiet:
                    show_difference(out, difference_facts(verdict))

    def _keep(self, verdict: Verdict) -> None:
        kept = self._examples.setdefault(verdict.kind, [])
        if len(kept) < EXAMPLES:
            kept.append(verdict)

    def end(self, facts: dict[str, Any]) -> None:
        """Tell how it went."""
        examples = [difference_facts(verdict) for kept in self._examples.values() for verdict in kept]
        if self._screen.json:
            self._show_json(facts, examples)
        elif not self._screen.quiet:
            with self._screen.printing() as out:
                show_examples(out, facts, examples)
                show_table(out, facts)
            show_outcome(self._screen.err, facts)

    def _show_json(self, facts: dict[str, Any], examples: list[dict[str, Any]]) -> None:
        if self._show_all:
            with self._screen.streaming():
                sys.stdout.buffer.write(_line(facts))
        else:
            self._screen.show_json({**facts, "differences": examples})


def _line(facts: dict[str, Any]) -> bytes:
    return orjson.dumps(facts, option=orjson.OPT_APPEND_NEWLINE)
