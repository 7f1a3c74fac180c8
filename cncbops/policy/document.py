"""Policy documents, made of needs and names. Source of the form: IAM User Guide, "IAM JSON policy elements"."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cncbops.policy.named import Named
from cncbops.policy.needs import COMMANDS, DECRYPT, Need

VERSION = "2012-10-17"


def needs_of(command: str, named: Named, *, executes: bool) -> list[Need]:
    """The needs that a command has with these names, `executes` with what a dry-run does without."""
    needs = [*COMMANDS[command], *([DECRYPT] if COMMANDS[command] else [])]
    return [need for need in needs if (executes or not need.executes) and need.on(named)]


def policy_document(needs: Sequence[Need], named: Named) -> dict[str, Any]:
    """The identity-based policy that allows what is needed and nothing else; `Sid`s tell what for."""
    return {"Version": VERSION, "Statement": [statement for need in needs for statement in _statements(need, named)]}


def _statements(need: Need, named: Named) -> Iterator[Mapping[str, Any]]:
    """One statement, or one for each condition, whose Sids are numbered: they must differ."""
    for number, grant in enumerate(need.on(named), start=1):
        statement = {
            "Sid": need.sid if number == 1 else f"{need.sid}{number}",
            "Effect": "Allow",
            "Action": _plain(need.actions),
            "Resource": _plain(grant.resources),
        }
        condition = {"Condition": {"StringLike": {"s3:prefix": _plain(grant.prefixes)}}} if grant.prefixes else {}
        yield statement | condition


def _plain(values: Sequence[str]) -> str | list[str]:
    """Values as a statement has them: one alone is no list."""
    return values[0] if len(values) == 1 else list(values)
