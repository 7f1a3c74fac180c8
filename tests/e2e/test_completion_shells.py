"""Completion in the shells themselves: what stands in the line when Tab was pressed."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.completions import in_the_end
from tests.e2e.servers import CREDENTIALS, Cncbops
from tests.e2e.terminal import Terminal, completing, run
from tests.e2e.warm import Warm

TAB = "\t"
HOSTILE = ("$(touch pwned)/x", "`touch pwned`/x", ";touch pwned&(){a,b}#?[c]|x>y<z/x", "'\"!!*\\:/x")


def needs(shell: str) -> Any:
    return pytest.param(shell, marks=pytest.mark.skipif(not shutil.which(shell), reason=f"{shell} is not installed"))


def environment(home: Path, endpoint: str, programs: Path) -> dict[str, str]:
    """The environment of a user whose AWS is there."""
    return {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        **CREDENTIALS,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "LC_ALL": "C.UTF-8",
    }


def place(home: Path) -> Path:
    """A folder with what completes to files and folders."""
    folder = home / "here"
    (folder / "night lake").mkdir(parents=True)
    (folder / "faults").mkdir()
    (folder / "night.plan").touch()
    return folder


@pytest.fixture(scope="module")
def programs(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the shells find the command in."""
    return warm.program(tmp_path_factory.mktemp("bin"))


@pytest.fixture
def env(tmp_path: Path, ministack: str, programs: Path) -> dict[str, str]:
    return environment(tmp_path, ministack, programs)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the user stands."""
    return place(tmp_path)


@pytest.fixture(scope="module", params=[needs("bash"), needs("zsh")])
def terminal(
    request: pytest.FixtureRequest, ministack: str, programs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Terminal]:
    """A shell that completes, one for all tests of a module: each leaves an empty line."""
    home = tmp_path_factory.mktemp("home")
    with completing(request.param, environment(home, ministack, programs), place(home)) as terminal:
        yield terminal


@pytest.fixture
def bucket(s3: Any, unique: str) -> str:
    s3.create_bucket(Bucket=unique)
    for key in ("2023/11/22/x", "2024/a:b/x", "2024/c d/x"):
        s3.put_object(Bucket=unique, Key=key, Body=b"")
    return unique


def test_a_line_is_completed(terminal: Terminal, bucket: str) -> None:
    for keys, line in {
        "true && cncbops fau": "true && cncbops faults ",  # though a folder of that name is there
        "cncbops replay --output=j": "cncbops replay --output=json ",
        "cncbops replay fau": "cncbops replay faults/",
        "cncbops runs ls --state-dir ni": "cncbops runs ls --state-dir night\\ lake/",
        "cncbops replay s3:": "cncbops replay s3://",
        f"cncbops replay s3://{bucket[:-2]}": f"cncbops replay s3://{bucket}/",
        f"cncbops replay -b {bucket} -p 2024/a:": f"cncbops replay -b {bucket} -p 2024/a:b/",
        f"cncbops replay s3://{bucket}/2024/a:b/": f"cncbops replay s3://{bucket}/2024/a:b/x ",
        f"cncbops replay s3://{bucket}/2024/c": f"cncbops replay s3://{bucket}/2024/c\\ d/",
    }.items():
        told = in_the_end(partial(terminal.typed, keys + TAB), lambda told, keys=keys: told != keys)
        assert (shlex.split(told), told[-1]) == (shlex.split(line), line[-1])


def test_choices_are_shown(terminal: Terminal, bucket: str) -> None:
    ask = partial(terminal.typed, f"cncbops replay s3://{bucket}/{TAB * 3}")
    line = in_the_end(ask, lambda _: "2024/" in terminal.shown)
    assert line.startswith(f"cncbops replay s3://{bucket}/202")
    assert ("2023/" in terminal.shown, "2024/" in terminal.shown) == (True, True)


def test_the_name_of_an_object_runs_nothing(terminal: Terminal, s3: Any, unique: str) -> None:
    s3.create_bucket(Bucket=unique)
    for number, key in enumerate(HOSTILE):
        s3.put_object(Bucket=unique, Key=f"{number}/{key}", Body=b"")
    for quote, number in [*(("", number) for number in range(len(HOSTILE))), ('"', 0), ('"', 1)]:
        typed = f"cncbops replay {quote}s3://{unique}/{number}/"
        may_be_left = bool(set(HOSTILE[number]) & set("`$!"))
        line = in_the_end(
            partial(terminal.typed, typed + TAB),
            lambda line, typed=typed, may_be_left=may_be_left: may_be_left or line != typed,
        )
        if line == typed:
            assert may_be_left, "else it is suggested, quoted"
        else:
            word = line.removeprefix("cncbops replay ")
            terminal.run(f"printf %s {word if word.endswith(quote) else word + quote} > told")
            assert (terminal.cwd / "told").read_text() == f"s3://{unique}/{number}/{HOSTILE[number].removesuffix('x')}"
    assert not list(terminal.cwd.glob("*pwned*"))


@pytest.mark.parametrize("shell", [needs("bash"), needs("zsh")])
def test_nobody_is_asked_for_a_second_factor(shell: str, env: dict[str, str], folder: Path) -> None:
    (folder / "config").write_text(
        "[profile night]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = day\nmfa_serial = arn:aws:iam::1:mfa/x\n"
        "[profile day]\naws_access_key_id = AKIAX\naws_secret_access_key = x\n"
    )
    keyless = {name: value for name, value in env.items() if name not in CREDENTIALS}
    with completing(shell, {**keyless, "AWS_CONFIG_FILE": "config"}, folder) as terminal:
        line = terminal.typed(f"cncbops replay --profile night -b x{TAB}")
    assert line == "cncbops replay --profile night -b x"
    assert "MFA" not in terminal.shown


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_is_told_words_with_what_they_are(env: dict[str, str], folder: Path, bucket: str) -> None:
    lines = {
        "cncbops repl": ["replay\tSend chosen events of a data lake to one function, as Kinesis records."],
        "true; cncbops replay -o ": ["text", "json"],
        "cncbops replay --output=j": ["--output=json"],
        "cncbops replay --plan night.": ["night.plan"],
        f"cncbops replay s3://{bucket}/2024/": [f"s3://{bucket}/2024/a:b/", f"s3://{bucket}/2024/c d/"],
        f"cncbops replay s3://{bucket}/2024/c\\ d/": [f"s3://{bucket}/2024/c d/x"],
    }
    asked = "\n".join(f"complete --do-complete {shlex.quote(line)}; echo ==" for line in lines)
    shell = ["fish", "--no-config", "-c", f"cncbops completion fish | source\n{asked}"]

    def answers() -> list[list[str]]:
        return [answer.split("\n")[:-1] for answer in run(shell, env, folder).split("==\n")[:-1]]

    assert in_the_end(answers, all) == list(lines.values())


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh_takes_the_script_from_a_folder_of_functions(env: dict[str, str], folder: Path, cncbops: Cncbops) -> None:
    (folder / "_cncbops").write_text(cncbops("completion", "zsh").out)
    with Terminal("zsh", {**env, "FPATH": f"{folder}:{zsh_functions()}"}, folder) as terminal:
        for _ in ("loaded", "called again"):
            assert terminal.typed(f"cncbops repl{TAB}") == "cncbops replay "


def zsh_functions() -> str:
    return subprocess.run(
        ["zsh", "-f", "-c", "print -r -- $FPATH"], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_a_script_is_told_for_these_shells_only(cncbops: Cncbops) -> None:
    for shell in ("bash", "zsh", "fish"):
        result = cncbops("completion", shell)
        assert (result.code, result.err, "_CNCBOPS_COMPLETE" in result.out) == (0, "", True)
    wrong = cncbops("completion", "tcsh")
    assert (wrong.code, wrong.out) == (2, "")
