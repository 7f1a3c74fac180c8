"""The operators of a filter pattern's leaf, such as `{"prefix":"thing-"}`, compiled to tests of a value.

A value is what JSON holds, except that a number is the bytes of its text. Also how a pattern that Lambda
would not take is refused. Sources: as for `selection.pattern`.
"""

import json
import operator
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from cncbops.errors import BadInput

Path = tuple[str, ...]
Test = Callable[[object], bool]

LIKE_THIS = 'Write it like {"partitionKey":["thing-42"],"data":{"type":[{"prefix":"thing-"}]}}'


def refusal(path: Path, problem: str, next_step: str) -> BadInput:
    """The error for the part of a pattern at `path`."""
    place = ", at " + ".".join(json.dumps(name)[1:-1] for name in path) if path else ""
    return BadInput(f"Filter pattern{place}: {problem}", next_step)


def nth(path: Path, index: int) -> Path:
    """The path of a list's member, whose list has the path given."""
    return (*path[:-1], f"{path[-1]}[{index}]")


class _Operator(NamedTuple):
    compile: Callable[[object], Test | None]  # None for an operand that is not what it `takes`
    takes: str
    example: str


def compile_operator(path: Path, expression: dict[str, Any]) -> Test:
    """Compile an operator to a test of a value that is present."""
    known = f"Use one of {', '.join(OPERATORS)}, such as [{OPERATORS['prefix'].example}]"
    if len(expression) != 1:
        raise refusal(path, "not an object of one operator", known)
    ((name, operand),) = expression.items()
    if name not in OPERATORS:
        raise refusal(path, f"Lambda does not know the operator {json.dumps(name)}", known)
    test = OPERATORS[name].compile(operand)
    if test is None:
        problem = f"{name} takes {OPERATORS[name].takes}"
        raise refusal(path, problem, f"Write it like [{OPERATORS[name].example}]")
    return test


def _on_text(holds: Callable[[str, str], bool]) -> Callable[[object], Test | None]:
    def compile_text(operand: object) -> Test | None:
        if not isinstance(operand, str):
            return None
        return lambda value: isinstance(value, str) and holds(value, operand)

    return compile_text


def _equals_ignore_case(value: str, operand: str) -> bool:
    return value.casefold() == operand.casefold()


def _anything_but(operand: object) -> Test | None:
    listed = operand if isinstance(operand, list) else [operand]
    if set(map(type, listed)) not in ({str}, {bytes}):  # Lambda takes no other kinds, and no mixture
        return None
    unwanted = frozenset(listed)
    return lambda value: value not in unwanted


def _exists(operand: object) -> Test | None:
    return (lambda _: operand) if isinstance(operand, bool) else None


def _numeric(operand: object) -> Test | None:
    bounds = _bounds(operand)
    if not bounds:
        return None

    def test(value: object) -> bool:
        if not isinstance(value, bytes):
            return False
        number = _number(value)
        return all(holds(number, bound) for holds, bound in bounds)

    return test


def _bounds(operand: object) -> list[tuple[Callable[[Decimal, Decimal], bool], Decimal]]:
    """Read what stands after `numeric`; empty if it is nothing Lambda knows."""
    match operand:
        case [str(sign), bytes(bound)] if sign in _COMPARISONS:
            return [(_COMPARISONS[sign], _number(bound))]
        case [">" | ">=" as above, bytes(low), "<" | "<=" as below, bytes(high)]:
            lowest, highest = _number(low), _number(high)
            return [(_COMPARISONS[above], lowest), (_COMPARISONS[below], highest)] if lowest < highest else []
        case _:
            return []


def _number(text: bytes) -> Decimal:
    """Give the exact value of a number's text, or infinity or zero if its exponent is beyond Decimal."""
    try:
        return Decimal(text.decode())
    except InvalidOperation:
        return Decimal(float(text))


_COMPARISONS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
OPERATORS = {
    "prefix": _Operator(_on_text(str.startswith), "a string", '{"prefix":"thing-"}'),
    "suffix": _Operator(_on_text(str.endswith), "a string", '{"suffix":"-created"}'),
    "equals-ignore-case": _Operator(
        _on_text(_equals_ignore_case), "a string", '{"equals-ignore-case":"thing-created"}'
    ),
    "anything-but": _Operator(
        _anything_but, "strings or numbers, one of them or a list of one kind", '{"anything-but":["fault"]}'
    ),
    "numeric": _Operator(
        _numeric, "one comparison, or a lower and then a higher bound", '{"numeric":[">",10,"<=",20]}'
    ),
    "exists": _Operator(_exists, "true or false", '{"exists":true}'),
}
