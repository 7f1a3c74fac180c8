"""Options as files name them, and which of them files may say."""

from collections.abc import Mapping
from typing import Any

TYPED_ONLY = frozenset(
    {
        *("execute", "force", "again", "unknown", "show-payload"),
        *("plan", "save-plan", "resume", "report", "reason"),
        *("use", "config", "help"),
    }
)
"""What is done once, on somebody's word, or writes or shows what nobody asked for: it is typed, or exported."""

_WHERE_AND_WHO = ("endpoint-url", "role-arn", "profile", "state-dir", "cluster")
"""A ledger, too: what is taken up from one goes where its runs went, as whom they did. So does what a cluster is told:
who answers there runs code of ours, and is told what to send.
"""

OF_A_SESSION = frozenset({"profile", "state-dir", "output", "quiet", "verbose", "workers", "cluster", "on-changed"})
"""What no run keeps: all else of a run that is taken up again is as it was asked then."""

TAKEN_UP = {("runs", "resume"), ("runs", "redrive")}

Command = Any
"""A command or a group of them; typer has no public name for both."""


def key_of(param: Any) -> str:
    """The name of an option in files: its long name as it is typed, without the dashes."""
    flags = [flag for flag in param.opts if flag.startswith("--")]
    return str(flags[0]).removeprefix("--") if flags else ""


def says_where_or_who(key: str) -> bool:
    """Whether an option says where AWS calls go, or as whom, on any side.

    A folder that somebody made must not decide on that by being worked in.
    """
    return key.endswith(_WHERE_AND_WHO)


def options_of(command: Command) -> dict[str, Any]:
    """The options of a command by their names in files; of a group, of all its commands."""
    if members := members_of(command):
        return {key: param for each in members.values() for key, param in options_of(each).items()}
    return {key: param for param in command.params if param.param_type_name == "option" and (key := key_of(param))}


def members_of(command: Command) -> Mapping[str, Command]:
    """The commands of a group by name; a command has none."""
    return getattr(command, "commands", {})
