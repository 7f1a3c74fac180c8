"""A stage's names: what its stacks tell of a stage, wherever it was not typed."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.aws import Aws
from cncbops.aws_errors import denies, explain
from cncbops.book import BOOK, Name, stacks_in
from cncbops.completion.haste import gathered
from cncbops.completion.names import stages
from cncbops.config.checks import closest
from cncbops.errors import BadInput, CannotRun
from cncbops.stacks import Stacks
from cncbops.watched import NAMES, Watched

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

Table = Mapping[str, Sequence[Name]]
Look = Callable[[Stacks], Watched]

_STAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)
OF_SWITCH = ("checks", "alarms", "health_checks", "check_functions")
"""What names the switch of a region, and what hangs on it: the first of the checks is the switched one."""

_WANTED = {
    "lake": ("data lake", "Give SOURCE, or --bucket"),
    "prefix": ("folder of the lake", "Give SOURCE, or --prefix"),
    "function": ("function", "Name it with --function"),
    "faults": ("place of faults", "Give SOURCE, or --bucket"),
    "distribution": ("distribution", "Name the distribution first"),
}
"""What a command wants one of, and what to type instead."""

_NEAREST_WITHIN_S = 1.5
"""How long whoever mistyped a stage is let wait for the one that may have been meant."""


class NotTold(CannotRun):
    """No stack tells what a thing of a stage is called."""


@dataclass(frozen=True)
class Stage:
    """A stage by its name, and the table of the names of its things. Raises BadInput for what can be no stage."""

    name: str
    table: Table = field(default_factory=lambda: BOOK)

    def __post_init__(self) -> None:
        if not _STAGE.fullmatch(self.name):
            raise BadInput(f"{self.name!r} is no stage", "Give its name, such as john")

    def looks(self) -> list[Look]:
        """What asks the stacks for what to watch, a stack each: in an incident each may take a second.

        A look finds nothing where there is no such stack, and raises CncbopsError where CloudFormation does not tell.
        """
        return _looks(self, [(what, name) for what in NAMES for name in self.table[what]])

    def looks_for_failover(self) -> list[Look]:
        """The same for the switch of a region, and for what hangs on it."""
        return _looks(self, [(what, name) for what in OF_SWITCH for name in self.table[what][:1]])

    def find(self, what: str, stacks: Stacks) -> str:
        """The first name that there is of a thing. Raises NotTold, saying where it was looked for, or CannotRun."""
        names = [name.at(self.name, stacks.region) for name in self.table[what]]
        for name in names:
            found = _found(what, name, stacks)
            if found is not None:
                return found
        noun, instead = _WANTED[what]
        missing = _missing(names, stacks) or "[stage] of cncbops.toml names none"
        raise NotTold(
            f"stage {self.name} has no {noun} in {stacks.region}: {missing}", f"{instead}, or another --region"
        )


def _looks(stage: Stage, names: Iterable[tuple[str, Name]]) -> list[Look]:
    """A look for each stack whose outputs are asked for, and for each resource."""
    together: dict[tuple[str | None, str | None], list[tuple[str, Name]]] = {}
    for what, name in names:
        together.setdefault((name.stack, name.resource), []).append((what, name))
    return [partial(_look, stage, asked) for asked in together.values()]


def _look(stage: Stage, asked: Sequence[tuple[str, Name]], stacks: Stacks) -> Watched:
    told = Watched()
    for what, name in asked:
        found = _found(what, name.at(stage.name, stacks.region), stacks)
        if found:
            told |= Watched.of({what: [found]})
    return told


def _found(what: str, name: Name, stacks: Stacks) -> str | None:
    """A name, in the form in which its thing is named; None if there is none."""
    if name.stack and name.resource:
        return stacks.resource(name.stack, name.resource)
    outputs = stacks.outputs(name.stack) if name.stack else {}
    if name.output:
        return _form(what, (outputs or {}).get(name.output))
    text = name.text if outputs is not None else None
    return _form(what, text) if what == "faults" else text


def _form(what: str, output: str | None) -> str | None:
    """What an output tells, as the thing is named: an endpoint has its check, a bucket of faults is a place."""
    if not output:
        return None
    match what:
        case "checks":
            return f"{output.removesuffix('/check').rstrip('/')}/check"
        case "faults":
            return f"s3://{output.removeprefix('s3://').rstrip('/')}/"
        case "prefix":
            return f"{output.rstrip('/')}/"
        case _:
            return output


def _missing(names: Sequence[Name], stacks: Stacks) -> str:
    """Where names were looked for in vain."""
    looked: dict[tuple[bool, str], list[str]] = {}
    for name in names:
        what = f"output {name.output}" if name.output else f"resource {name.resource}" if name.resource else name.text
        looked.setdefault((stacks.outputs(str(name.stack)) is None, str(what)), []).append(str(name.stack))
    return ", ".join(
        f"there is no stack {' or '.join(where)} ({what})"
        if is_absent
        else f"stack {' and '.join(where)} has no {what}"
        for (is_absent, what), where in looked.items()
    )


@dataclass
class Names:
    """The names of a stage that one command asks for, each kept in `found`, by what it names, to be told."""

    stage: Stage
    aws: Aws
    found: dict[str, str] = field(default_factory=dict)

    def lake(self, prefix: str) -> str:
        """The lake of the stage as a source: the stream's folder, or what `prefix` says. Raises CncbopsError."""
        return f"s3://{self._find('lake')}/{prefix or self._find('prefix')}"

    def faults(self, prefix: str) -> str:
        """The place of the stage's faults as a source. Raises CncbopsError."""
        return f"{self._find('faults').rstrip('/')}/{prefix}"

    def distribution(self) -> str:
        """The stage's distribution. Raises CncbopsError."""
        return self._find("distribution")

    def function(self, typed: str | None) -> str:
        """The function that is meant: the stage's own for events, or one by a part of its name. Raises CncbopsError."""
        if typed is None:
            return self._find("function")
        self.found["function"] = named_function(typed, self.stage.name, self.aws)
        return self.found["function"]

    def facts(self) -> dict[str, Any]:
        """What was found, as data."""
        return {"name": self.stage.name, "region": self.aws.region, "names": self.found}

    def _find(self, what: str) -> str:
        try:
            self.found[what] = self.stage.find(what, self._stacks)
        except NotTold as error:
            if meant := self._nearest_stage():
                error.next_step = f"Did you mean {meant}? {error.next_step}"
            raise
        return self.found[what]

    def _nearest_stage(self) -> str | None:
        """The stage that may have been meant, None if there is none like it, or AWS does not tell it, or not soon."""
        told, _ = gathered(lambda: stages(self.aws, *stacks_in(self.stage.table)), _NEAREST_WITHIN_S)
        names = sorted({name for name, _ in told})
        return None if self.stage.name in names else closest(self.stage.name, names)

    @cached_property
    def _stacks(self) -> Stacks:
        return Stacks(self.aws.cloudformation())


def named_function(typed: str, stage: str, aws: Aws) -> str:
    """The function of a stage whose name holds what was typed between its dashes, as `replaying-events`, or a key.

    What is an ARN, holds the stage itself, or is the whole name of a function, is that function. Raises BadInput if
    several fit.
    """
    if is_whole(typed, stage):
        return typed
    part, colon, qualifier = typed.partition(":")
    known = _function_names(aws)
    fits = [name for name in known if _holds(name, stage) and _holds(name, part)]
    if part in known or not fits:
        return typed
    if len(fits) > 1:
        shown = ", ".join(fits[:5]) + (", …" if len(fits) > 5 else "")
        raise BadInput(f"{part} fits {len(fits)} functions of stage {stage}: {shown}", "Type more of its name")
    return f"{fits[0]}{colon}{qualifier}"


def is_whole(typed: str, stage: str) -> bool:
    """Whether a function is typed with all of its name: what is an ARN, or holds the stage itself."""
    part, _, qualifier = typed.partition(":")
    return ":" in qualifier or _holds(part, stage)


def _holds(name: str, part: str) -> bool:
    return f"-{part}-" in f"-{name}-"


def _function_names(aws: Aws) -> list[str]:
    """All functions of the region, none where they may not be listed: then what was typed is the whole name."""
    client: LambdaClient = aws.lambda_()
    try:
        pages = client.get_paginator("list_functions").paginate()
        return [found["FunctionName"] for page in pages for found in page["Functions"]]
    except (BotoCoreError, ClientError) as error:
        if denies(error):
            return []
        raise explain(error, f"look up functions in {aws.region}") from error
