"""What a parameter's value is, where that can be seen at once.

typer converts values with pydantic, whose import takes as long as that of all else that a command line needs. What
is not plain here is left to it, and so is every refusal: the words are typer's.
"""

import re
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

import typer
from typer._coercion import RuntimeParam, build_runtime_param
from typer._param_types import coerce_cli_choice, coerce_cli_path
from typer.core import _TyperParameter

_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15})?", re.ASCII)
_FLAG = {"1": True, "true": True, "0": False, "false": False}


class _NotPlain(Exception):
    pass


class Plain(RuntimeParam):
    """Converts the values of one parameter."""

    def _coerce_value(self, value: Any, param: Any, ctx: Any) -> Any:
        try:
            return _plain(self.annotation, value, self.parameter_info)
        except (_NotPlain, ValueError, typer.BadParameter):
            return build_runtime_param(param.type_descriptor)._coerce_value(value, param=param, ctx=ctx)


def convert_plainly() -> None:
    """Have typer convert, in this process, what is plain without pydantic."""
    _TyperParameter.get_runtime_param = lambda self: Plain(  # type: ignore[method-assign]
        self.type_descriptor.parameter_info, self.type_descriptor.annotation
    )


def _plain(wanted: Any, value: Any, info: Any) -> Any:
    """The value as what is wanted. Raises _NotPlain, ValueError and BadParameter."""
    if get_origin(wanted) is list and isinstance(value, list | tuple):
        return [_plain(get_args(wanted)[0], each, info) for each in value]
    if info.parser is not None or not isinstance(wanted, type):
        raise _NotPlain
    for kind, converted in _KINDS:
        if issubclass(wanted, kind):
            return converted(wanted, value, info)
    raise _NotPlain


def _choice(wanted: Any, value: Any, info: Any) -> Any:
    return coerce_cli_choice(value, choices=list(wanted), case_sensitive=info.case_sensitive)


def _path(wanted: Any, value: Any, info: Any) -> Any:
    if not isinstance(value, str | Path):
        raise _NotPlain
    return coerce_cli_path(wanted(value), info, path_type=wanted)


def _flag(_wanted: Any, value: Any, _info: Any) -> bool:
    if not isinstance(value, str) or value not in _FLAG:
        raise _NotPlain
    return _FLAG[value]


def _number(wanted: Any, value: Any, info: Any) -> Any:
    """A number of its kind, or written with digits alone, that is no less and no more than it may be."""
    if not (type(value) is wanted or (isinstance(value, str) and _NUMBER.fullmatch(value))) or info.clamp:
        raise _NotPlain
    number = wanted(value)
    if (info.min is not None and number < info.min) or (info.max is not None and number > info.max):
        raise _NotPlain
    return number


def _text(_wanted: Any, value: Any, _info: Any) -> str:
    if type(value) is not str:
        raise _NotPlain
    return value


_KINDS: tuple[tuple[type, Callable[[Any, Any, Any], Any]], ...] = (
    (Enum, _choice),  # before text, which ours are as well
    (Path, _path),
    (bool, _flag),
    (int, _number),
    (float, _number),
    (str, _text),
)
