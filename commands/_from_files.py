"""What files say in place of options that were not typed: `--use` and `--config`, which every command takes.

typer asks a context for defaults wherever an option was neither typed nor exported; here they are looked up, once the
two options are known, and so not for a `--help`.
"""

import os
from collections.abc import Callable, Iterator
from functools import cache, cached_property, partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import typer

from cncbops.errors import CncbopsError

from . import _options as shared
from ._exported import unheeded
from ._sayable import OF_A_SESSION, TAKEN_UP, TYPED_ONLY, Command, key_of, members_of, options_of, says_where_or_who

if TYPE_CHECKING:
    from ._stored import Said

_YIELDS = {
    "bucket": ("sources", "stage"),
    "prefix": ("sources", "stage", "bucket"),
    "function": ("stage",),
    "cluster": ("workers",),
}
"""What a file names gives way where this command line names the same thing otherwise; by parameter."""

AWS_VARIABLES = {
    "region": ("AWS_DEFAULT_REGION",),
    "profile": ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID"),
    "endpoint_url": ("AWS_ENDPOINT_URL",),
}
"""AWS's own variables of the environment, which come before files, too."""


class FromFiles(dict[str, Any]):
    """What files say for one command line, by parameter: the context's defaults, which are looked up one by one."""

    def __init__(self, context: typer.Context, profile: str | None) -> None:
        super().__init__()
        self._context = context
        self.profile = profile

    def get(self, name: str, default: Any = None) -> Any:
        """The value for a parameter, None if files say none. Raises BadInput for files that cannot be meant."""
        said = self.said(name)
        return said.value if said else default

    def said(self, name: str) -> "Said | None":
        """What counts of what files say of a parameter."""
        if name not in self._sayable or self._is_said_elsewhere(name):
            return None
        said = self._all.get(name)
        if said and self._takes_up and key_of(self._sayable[name]) not in OF_A_SESSION:
            return None
        return said

    def tell(self) -> None:
        """Tell what nobody heeds of the environment, and what files say of where and who; unless quiet was typed."""
        from ._screen import Screen

        screen = Screen(json=False, quiet=_is_said(self._context, "quiet"), verbose=False)
        for note in chain(unheeded(self._context), self._where_and_who()):
            screen.note(note)

    def _where_and_who(self) -> Iterator[str]:
        """Where AWS is reached, and as whom, as far as a file says it."""
        for name, param in self._sayable.items():
            source = self._context.get_parameter_source(name)
            if says_where_or_who(key_of(param)) and source and source.name == "DEFAULT_MAP":
                said = self._all[name]
                yield f"--{key_of(param)} {said.value} as {said.place} says"

    def check(self) -> None:
        """Raise BadInput for files that cannot be meant."""
        self._read()

    @cached_property
    def _sayable(self) -> dict[str, Any]:
        options = options_of(self._context.command)
        return {param.name: param for key, param in options.items() if key not in TYPED_ONLY}

    @cached_property
    def _all(self) -> dict[str, "Said"]:
        """All that files say for the command. While a line is completed, files that cannot be meant say nothing."""
        try:
            return self._read()
        except CncbopsError:
            if self._context.resilient_parsing:
                return {}
            raise

    def _read(self) -> dict[str, "Said"]:
        from ._stored import read  # here: help needs none of it

        return read(self._context, self.profile, *_path_of(self._context))

    @property
    def _takes_up(self) -> bool:
        """Whether what was asked before is taken up again."""
        context = self._context
        return any(context.params.get(name) for name in ("plan", "resume")) or _path_of(context)[0] in TAKEN_UP

    def _is_said_elsewhere(self, name: str) -> bool:
        if any(map(os.environ.get, AWS_VARIABLES.get(name, ()))):
            return True
        if name == "function" and self._context.info_name != "replay":
            return False
        if name == "workers":  # a cluster has its own, whoever names it
            return bool(self._context.params.get("cluster"))
        return any(_is_said(self._context, other) for other in _YIELDS.get(name, ()))


def _is_said(context: typer.Context, name: str) -> bool:
    """Whether a parameter was typed, or exported."""
    source = context.get_parameter_source(name)
    return bool(context.params.get(name)) and source is not None and source.name in ("COMMANDLINE", "ENVIRONMENT")


def _path_of(context: typer.Context) -> tuple[tuple[str, ...], list[Command]]:
    """A command's name as it is typed, and what each part of it names, behind the group of all commands.

    What a group does by its own name is a member of it that nobody names.
    """
    names, commands = list[str](), list[Command]()
    each: Any = context
    while each.parent is not None:
        if not each.command.hidden:
            names.insert(0, each.info_name)
            commands.insert(0, each.command)
        each = each.parent
    return tuple(names), [each.command, *commands]


def with_profiles(command: Command) -> Command:
    """A command, or a group with all its members, that also takes `--use` and `--config`."""
    for each in members_of(command).values():
        with_profiles(each)
    if not members_of(command):
        names = {param.name for param in command.params}
        command.params += [param for param in _declared() if param.name not in names]
        takes_config = "config" in names
        command.callback = partial(_told, command.callback, takes_config)
    return command


def _told(callback: Callable[..., int], takes_config: bool, *, use: FromFiles, **params: Any) -> int:
    """Run a command, having told what nobody heeds, and where AWS is reached and as whom if a file says it."""
    if not takes_config:
        params.pop("config")
    use.tell()
    return callback(**params)


@cache
def _declared() -> list[Any]:
    """The two options."""

    def takes(use: shared.Use = None, config: shared.Config = None) -> None:
        raise NotImplementedError

    app = typer.Typer(add_completion=False)
    app.command()(takes)
    use, config = typer.main.get_command(app).params
    use.callback = _begin  # type: ignore[assignment]  # a context, which typer names otherwise inside
    return [use, config]


def _begin(context: typer.Context, _param: Any, profile: str | None) -> FromFiles:
    context.default_map = files = FromFiles(context, profile)
    return files
