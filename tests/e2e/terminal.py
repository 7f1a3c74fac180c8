"""A shell at a terminal, into which a test types."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

SHOW = "\x14"
"""Ctrl-T: `SETUP` has the shell print the line as it stands, and take it away."""
SETUP = {
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        [
            """show() { printf '\\n<%s>\\n' "$READLINE_LINE"; READLINE_LINE='' READLINE_POINT=0; }""",
            """bind -x '"\\C-t": show'""",
        ],
    ),
    "zsh": (
        ["zsh", "-f", "-i"],
        [
            "autoload -Uz compinit && compinit -u -D",
            "show() { zle -I; print -r -- $'\\n'\"<$BUFFER>\"; BUFFER=''; }; zle -N show; bindkey '^T' show",
        ],
    ),
}
_TIMEOUT_S = 30


class Terminal:
    """A shell under way. `typed` gives what stands in the line then, `shown` what was shown meanwhile."""

    def __init__(self, shell: str, env: Mapping[str, str], cwd: Path) -> None:
        command, setup = SETUP[shell]
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 400, 0, 0))
        self._process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**env, "TERM": "dumb", "PS1": "$ "},
            cwd=cwd,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # else it is no terminal of the session
        )
        os.close(slave)
        self.shown, self.cwd = "", cwd
        for line in setup:
            self.run(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._master)

    def run(self, line: str) -> None:
        """Let it run a line to its end."""
        self._send(f"{line}; echo en'd'ed\n")
        self._await("ended\r?\n")

    def typed(self, keys: str) -> str:
        """The line that stands there when these keys were pressed; it is then taken away."""
        self._send(f"{keys}{SHOW}")
        return self._await("\n<([^\n]*)>\r?\n")[1]

    def _send(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def _await(self, pattern: str) -> "re.Match[str]":
        self.shown, deadline = "", time.monotonic() + _TIMEOUT_S
        while not (match := re.search(pattern, self.shown)):
            ready, _, _ = select.select([self._master], [], [], max(0, deadline - time.monotonic()))
            assert ready, self.shown
            self.shown += os.read(self._master, 65536).decode(errors="replace")
        return match


def completing(shell: str, env: Mapping[str, str], cwd: Path) -> Terminal:
    """A shell that has read what `cncbops completion` prints for it."""
    terminal = Terminal(shell, env, cwd)
    terminal.run(f"source <(cncbops completion {shell})")
    return terminal


def run(command: Sequence[str], env: Mapping[str, str], cwd: Path) -> str:
    """What a command prints that ends well."""
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout
