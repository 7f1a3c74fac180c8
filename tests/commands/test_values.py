"""Values that are converted without pydantic are what typer, by pydantic, makes of them."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from cncbops.commands._values import Plain
from hypothesis import given
from hypothesis import strategies as st
from typer._coercion import build_runtime_param
from typer.main import get_command


class _Color(StrEnum):
    red = "red"
    dark_blue = "dark-blue"


def _declared(
    text: Annotated[str | None, typer.Option()] = None,
    texts: Annotated[list[str] | None, typer.Option()] = None,
    count: Annotated[int | None, typer.Option(min=1, max=100)] = None,
    any_count: Annotated[int | None, typer.Option()] = None,
    rate: Annotated[float | None, typer.Option(min=0.01)] = None,
    color: Annotated[_Color | None, typer.Option()] = None,
    file: Annotated[Path | None, typer.Option(dir_okay=False)] = None,
    folder: Annotated[Path | None, typer.Option(exists=True, file_okay=False)] = None,
    flag: Annotated[bool, typer.Option()] = False,
) -> None:
    raise NotImplementedError


_app = typer.Typer(add_completion=False)
_app.command()(_declared)
_COMMAND: Any = get_command(_app)
_PARAMS = {param.name: param for param in _COMMAND.params}
_CONTEXT = typer.Context(_COMMAND)

_TYPED = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8),
    st.integers(-200, 10**20).map(str),
    st.floats(allow_nan=False).map(str),
    st.sampled_from(["red", "dark-blue", "dark_blue", "Red", "1", "0", "true", "TRUE", "off", "", " 7", "7 ", "1_0"]),
    st.sampled_from(["007", "1.0", "1e3", "١", "+3", ".", "/", "./.", "/dev/null", "no/such/file", "a//b/"]),
)
_SAID = st.one_of(_TYPED, st.integers(-200, 200), st.floats(-1, 1e6), st.booleans(), st.sampled_from(_Color))
"""In files; or a default."""


def _outcome(runtime: Any, param: Any, value: Any) -> tuple[type, Any]:
    try:
        made = runtime.coerce(value, param=param, ctx=_CONTEXT)
    except typer.BadParameter as error:
        return typer.BadParameter, error.format_message()
    return type(made), made


def _assert_alike(param: Any, value: Any) -> None:
    descriptor = param.type_descriptor
    plain = Plain(descriptor.parameter_info, descriptor.annotation)
    assert _outcome(plain, param, value) == _outcome(build_runtime_param(descriptor), param, value)


@pytest.mark.parametrize("name", [name for name, param in _PARAMS.items() if not param.multiple])
@given(value=st.one_of(st.none(), _SAID))
def test_a_value_is_what_typer_makes_of_it_and_is_refused_in_the_same_words(name: str, value: object) -> None:
    _assert_alike(_PARAMS[name], value)


@given(values=st.lists(_SAID, max_size=3))
def test_so_are_several(values: list[object]) -> None:
    _assert_alike(_PARAMS["texts"], values)
