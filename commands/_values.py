"""What options and arguments come to, of what was typed, exported, or said by a file.

typer asks pydantic, which takes a tenth of a second of each command's start, and 8 MB for as long as it runs. So
typer is given this in its place, for the few kinds of values that commands declare.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from math import isfinite
from pathlib import Path
from typing import Any, get_args

import typer
from typer._coercion import RuntimeParam
from typer.core import _TyperParameter
from typer.models import ParameterInfo

_FLAGS = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0", ""), False),
}


class _Value(RuntimeParam):
    """A value of one of the kinds below, or a list of such."""

    def _coerce_value(self, value: Any, param: _TyperParameter, ctx: Any) -> Any:
        kinds = get_args(self.annotation)
        try:
            return [self._one(kinds[0], each) for each in value] if kinds else self._one(self.annotation, value)
        except ValueError as error:
            raise typer.BadParameter(str(error), ctx=ctx, param=param) from error

    def _one(self, kind: Any, value: Any) -> Any:
        if issubclass(kind, Enum):
            return _choice(kind, value)
        return _within(self.parameter_info, _KINDS[kind](value))


def _flag(value: Any) -> bool:
    said = str(value).strip().lower()
    if said not in _FLAGS:
        raise ValueError(f"{value!r} is neither true nor false")
    return _FLAGS[said]


def _integer(value: Any) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise ValueError(f"{value!r} is no integer") from None


def _number(value: Any) -> float:
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise ValueError(f"{value!r} is no number")
    return number


def _path(value: Any) -> Path:
    if value == "":
        raise ValueError("a path is not empty")
    return Path(value)


def _choice(kind: type[Enum], value: Any) -> Enum:
    try:
        return kind(value)
    except ValueError:
        choices = ", ".join(repr(each.value) for each in kind)
        raise ValueError(f"{value!r} is not one of {choices}") from None


def _within(limits: ParameterInfo, value: Any) -> Any:
    if limits.min is not None and value < limits.min:
        raise ValueError(f"{value} is less than {limits.min}")
    if limits.max is not None and value > limits.max:
        raise ValueError(f"{value} is more than {limits.max}")
    return value


_KINDS: Mapping[Any, Callable[[Any], Any]] = {str: str, bool: _flag, int: _integer, float: _number, Path: _path}


def read_by_kind() -> None:
    """Have all values of this process read here."""
    _TyperParameter.get_runtime_param = lambda self: _Value(  # type: ignore[method-assign]
        self.type_descriptor.parameter_info, self.type_descriptor.annotation
    )
