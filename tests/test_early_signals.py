"""What is told of a signal while a command is loaded is what the command, once it is loaded, tells of it."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest
from cncbops.commands._group import root
from cncbops.commands._sayable import Command, members_of

from cncbops.early_signals import INTERRUPTED, document_of, loaded

UNNAMED = "do"
"""The member of `invalidate` that goes without a name."""
FLAGS = {"--all": "--all", "--watch": "--watch=60", "--summary": "--summary"}
"""What may make lines of a document, or the reverse, as it is typed."""


def leaves(command: Command, name: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Command]]:
    """The commands that do something, with their names."""
    members = members_of(command)
    if not members:
        yield tuple(word for word in name if word != UNNAMED), command
    for member in members:
        yield from leaves(members[member], (*name, member))


def options_of(command: Command) -> set[str]:
    return {flag for param in command.params for flag in param.opts}


def command_lines() -> Iterator[tuple[str, ...]]:
    """One of each command that speaks JSON, and one with each of these options that it has."""
    for name, command in leaves(root()):
        required = [param for param in command.params if param.param_type_name == "argument" and param.required]
        line = (*name, *("1" for _ in required))
        if "--output" in options_of(command):
            yield line
            yield from ((*line, FLAGS[flag]) for flag in sorted(FLAGS.keys() & options_of(command)))


@pytest.fixture(autouse=True)
def in_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNCBOPS_OUTPUT", "json")
    monkeypatch.setenv("CNCBOPS_CONFIG", "/dev/null")


@contextmanager
def interrupted_once_loaded() -> Iterator[None]:
    """Have Ctrl-C come as soon as signals are the command's own to handle."""

    def interrupt(frame: FrameType, event: str, _: object) -> None:
        if event == "return" and frame.f_code is loaded.__code__:
            sys.setprofile(None)
            raise KeyboardInterrupt

    sys.setprofile(interrupt)
    try:
        yield
    finally:
        sys.setprofile(None)


@pytest.mark.parametrize("line", list(command_lines()), ids=" ".join)
def test_a_signal_is_told_of_as_by_the_command_that_has_begun(
    line: tuple[str, ...], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    with interrupted_once_loaded():
        code = root().main(list(line), prog_name="cncbops", standalone_mode=False)
    early, told = document_of(line), capfdbinary.readouterr().out
    assert code == INTERRUPTED
    assert bool(early) == bool(told)
    if early:
        assert json.loads(told).items() >= json.loads(early).items()


def test_a_command_that_knows_no_json_has_no_document() -> None:
    names = {name for name, command in leaves(root()) if "--output" not in options_of(command)}
    assert names == {("completion",), ("demo",)}
    assert [document_of(name) for name in sorted(names)] == ["", ""]
