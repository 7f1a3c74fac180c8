"""Values of options are read as typer would have pydantic read them."""

from collections.abc import Iterator
from enum import Enum
from typing import Any, get_args

import pytest
import typer
from cncbops.commands._group import root
from cncbops.commands._sayable import Command, members_of
from cncbops.commands._values import _KINDS
from typer._click.core import Context
from typer._coercion import build_runtime_param

TEXTS = (
    *("", " ", "a", "7", " 7 ", "07", "1_000", "-1", "0", "1", "256", "257", "1.5", "0.01", "0.001"),
    *("1e3", "nan", "true", "TRUE", "t", "yes", "on", "off", "no", "F", "2", "json", "JSON", "text", "./a/b", "é"),
)


def params_of(command: Command) -> Iterator[Any]:
    yield from getattr(command, "params", ())
    for member in members_of(command).values():
        yield from params_of(member)


OF_REPLAY = {param.name: param for param in params_of(root().commands["replay"])}


def test_all_that_commands_declare_is_of_a_kind_that_is_read() -> None:
    for name in root().commands:
        for param in params_of(root().commands[name]):
            annotation = param.type_descriptor.annotation
            (kind,) = get_args(annotation) or (annotation,)
            assert kind in _KINDS or issubclass(kind, Enum), (name, param.name)


def read(value: Any, param: Any, *, by: Any) -> Any:
    try:
        return by.coerce(value, param=param, ctx=Context(root()))
    except typer.BadParameter:
        return "refused"


@pytest.mark.parametrize("name", ["output", "workers", "rate", "limit", "again", "region", "config"])
def test_what_is_typed_or_exported_comes_to_what_typer_makes_of_it(name: str) -> None:
    param = OF_REPLAY[name]
    typers = build_runtime_param(param.type_descriptor)
    for value in (*TEXTS, None, *([param.default] if param.default is not None else [])):
        found = read(value, param, by=param.get_runtime_param())
        assert found == read(value, param, by=typers), value
        assert type(found) is type(read(value, param, by=typers)), value


def test_each_of_several_values_is_read() -> None:
    param = next(param for param in OF_REPLAY.values() if param.multiple)
    typers = build_runtime_param(param.type_descriptor)
    for values in (["a", "", "7"], ("a",), (), None):
        assert read(values, param, by=param.get_runtime_param()) == read(values, param, by=typers)


def test_a_rate_without_end_is_none() -> None:
    assert read("inf", OF_REPLAY["rate"], by=OF_REPLAY["rate"].get_runtime_param()) == "refused"
