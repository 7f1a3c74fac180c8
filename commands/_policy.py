"""What `cncbops policy` does: take a command line apart as its command would, and print the policy for it."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
import typer

from cncbops.errors import BadInput
from cncbops.policy.document import needs_of, policy_document
from cncbops.policy.named import ANY, Named
from cncbops.policy.needs import COMMANDS, Need

from ._ending import guarded
from ._lines import context_of
from ._options import Local
from ._policy_named import named_by
from ._screen import Screen, screen_for
from ._workplace import is_here

_ACCOUNT = re.compile(r"[0-9]{12}")
_KEY = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+")


@dataclass(frozen=True)
class Line:
    """A command line, taken apart: `command` as it is typed, `params` by the names of its options."""

    command: str
    params: Mapping[str, Any]
    executes: bool


def carry_out(
    context: typer.Context, typed: Sequence[str], account: str | None, keys: tuple[str, ...], general: Local
) -> int:
    """Print the policy of a command line; the exit code."""
    screen = screen_for(general, {"command": "policy"})

    def work() -> int:
        _require_forms(account, keys)
        return _print(_line(context, typed), account, keys, screen)

    return guarded(screen, work)


def _print(line: Line, account: str | None, keys: tuple[str, ...], screen: Screen) -> int:
    named = named_by(line.params, COMMANDS[line.command], account, screen)
    named = replace(named, keys=keys)
    needs = needs_of(line.command, named, executes=line.executes)
    if needs or screen.json:  # IAM takes no policy without a statement
        with screen.printing():
            options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
            sys.stdout.buffer.write(orjson.dumps(policy_document(needs, named), option=options))
    for remark in _remarks(line, named, needs):
        screen.note(remark)
    return 0


def _require_forms(account: str | None, keys: Sequence[str]) -> None:
    """Raises BadInput for what can be no account, or no key: an alias is none to IAM."""
    if account and not _ACCOUNT.fullmatch(account):
        raise BadInput(f"--account {account!r} is no account", "Write its twelve digits")
    for key in keys:
        if not _KEY.fullmatch(key):
            raise BadInput(f"--kms-key {key!r} is no ARN of a key", "Write arn:aws:kms:REGION:ACCOUNT:key/ID")


def _line(around: typer.Context, typed: Sequence[str]) -> Line:
    """A command line as the command itself would take it. Raises BadInput, and what the command's parser raises."""
    context = context_of(around, typed)
    dry_run = context.params.get("execute") is False and _is_said(context)
    return Line(context.command_path.partition(" ")[2], context.params, not dry_run)


def _is_said(context: Any) -> bool:
    """Whether somebody said that it shall be a dry-run, which it is by default."""
    source = context.get_parameter_source("execute")
    return source is not None and source.name != "DEFAULT"


def _remarks(line: Line, named: Named, needs: Sequence[Need]) -> list[str]:
    """What is to be known of the policy, and cannot stand in it."""
    if not needs:
        return [f"`{line.command}` asks nothing of AWS: it needs no policy"]
    executing = [need.sid for need in needs if need.executes]
    return [
        *([f"a dry-run does without {' and '.join(executing)}: --dry-run leaves that out"] if executing else []),
        *_not_said(line, named, needs),
        *dict.fromkeys(need.remark for need in needs if need.remark),
        *_of_workers(line.params.get("cluster")),
        *_of_roles(named.role_arn, named.reader_arn or line.params.get("recovery_role_arn")),
    ]


def _not_said(line: Line, named: Named, needs: Sequence[Need]) -> list[str]:
    """What is any, as it is not said; and what narrows it, where only the stage's stacks can tell."""
    resources = (resource for need in needs for grant in need.on(named) for resource in grant.resources)
    places = [resource.split(":")[3:5] for resource in resources if resource != ANY]
    where = [what for index, what in enumerate(("region", "account")) if any(place[index] == ANY for place in places)]
    unsaid = [*named.unsaid, *where]
    by_stage = "bucket" in unsaid and line.params.get("stage")
    hint = "; the SOURCE that the `stage` row of a plan shows, typed too, narrows the bucket" if by_stage else ""
    return [f"not said, and so any: {', '.join(unsaid)}{hint}"] if unsaid else []


def _of_workers(cluster: str | None) -> Iterator[str]:
    """Who else calls AWS."""
    if cluster and not is_here(cluster):
        yield f"the workers at {cluster} call AWS as themselves, unless --role-arn is given: they need it, too"


def _of_roles(role: str | None, reader: str | None) -> Iterator[str]:
    """Who has to be allowed to work under roles, which no policy of the roles themselves can say."""
    needs = "whoever runs the command needs sts:AssumeRole on it, and its trust policy must let them"
    if role:
        yield f"the policy is for {role}; {needs}"
    if reader:
        yield f"{reader} needs a policy of its own, that of `lake cat` on what it reads; {needs}"
