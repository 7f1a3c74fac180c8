"""What `python -m benchmarks COMMAND --help` tells of options."""

import re

import pytest

from benchmarks.__main__ import _COMMANDS, main

WITHOUT = {"--gzip", "--markdown", "--quick", "--soak", "--dir", "--workers", "--fault-objects"}
"""Switches, and what is nothing unless it is typed. --distinct is so in some commands."""


def help_of(command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What is told of each option, as one line."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("sys.argv", ["benchmarks", command, "--help"])
    with pytest.raises(SystemExit, match="0"):
        main()
    _, *options = re.split(r"\n  (?=--)", capsys.readouterr().out)
    return [" ".join(option.split()) for option in options]


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_option_is_told_with_its_default_if_it_has_one(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = help_of(command, monkeypatch, capsys)
    assert options
    for option in options:
        flag = option.partition(" ")[0]
        assert flag == "--distinct" or ("(default: " in option) is (flag not in WITHOUT), option
        assert "None" not in option


def test_a_default_of_several_values_is_told_as_one_would_type_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = "\n".join(help_of("cluster", monkeypatch, capsys))
    assert "workers of each cluster (default: 1 2 4)" in told
    assert "repeat them as links (default: 400)" in told
