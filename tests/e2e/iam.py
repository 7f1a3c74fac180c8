"""What a policy allows, decided as IAM does, as far as the policies of this project go.

There is no Deny and no NotAction in them, and of conditions StringLike alone: anything else is an error of the test.
Source: IAM User Guide, "Policy evaluation logic", "IAM JSON policy elements: Resource", "... Variables and tags".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_ELEMENTS = {"Sid", "Effect", "Action", "Resource", "Condition"}


@dataclass(frozen=True)
class Request:
    """What somebody wants to do, on what, and the condition keys that the request has."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


def allowed_by(document: Mapping[str, Any], request: Request) -> list[tuple[str, str]]:
    """Each statement, by its Sid, that allows a request, with the action by which it does."""
    assert document.keys() == {"Version", "Statement"}
    assert document["Version"] == "2012-10-17"
    return [
        (statement["Sid"], action)
        for statement in document["Statement"]
        if _fits(statement, request)
        for action in listed(statement["Action"])
        if matches(action.lower(), request.action.lower())
    ]


def without(document: Mapping[str, Any], action: str) -> dict[str, Any]:
    """The policy without an action, in whichever statement it is."""
    left = [
        {**each, "Action": [one for one in listed(each["Action"]) if one != action]} for each in document["Statement"]
    ]
    return {**document, "Statement": [each for each in left if each["Action"]]}


def listed(values: str | list[str]) -> list[str]:
    """What an element of a statement holds: one value may stand for itself."""
    return [values] if isinstance(values, str) else values


def matches(pattern: str, text: str) -> bool:
    """Whether a text is as a pattern wants it: `*` and `?` are wildcards unless they are written as variables."""
    parts = re.split(r"(\$\{[*?$]\}|[*?])", pattern)
    wild = {"*": ".*", "?": "."}
    return bool(re.fullmatch("".join(wild.get(part) or re.escape(_plain(part)) for part in parts), text, re.DOTALL))


def _plain(part: str) -> str:
    escaped = re.fullmatch(r"\$\{(.)\}", part)
    assert escaped or "${" not in part, part
    return escaped[1] if escaped else part


def _fits(statement: Mapping[str, Any], request: Request) -> bool:
    assert statement["Effect"] == "Allow"
    assert statement.keys() <= _ELEMENTS
    is_on = any(matches(pattern, request.resource) for pattern in listed(statement["Resource"]))
    return is_on and _meets(statement.get("Condition", {}), request.context)


def _meets(condition: Mapping[str, Mapping[str, str | list[str]]], context: Mapping[str, str]) -> bool:
    """Every key must be there, and fit one of its patterns."""
    assert condition.keys() <= {"StringLike"}
    return all(
        key in context and any(matches(pattern, context[key]) for pattern in listed(patterns))
        for key, patterns in condition.get("StringLike", {}).items()
    )
