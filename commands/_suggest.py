"""What the value of an option or argument may become, by what its help calls it.

A name means the same in every command, so that no command need say how it is completed. Names are looked up by
`_suggesting`; what is not to be had is not suggested.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from typer._click.shell_completion import CompletionItem

from cncbops.cli import COMMANDS

FILES, FOLDERS = "files", "folders"
"""The types of a suggestion that stands for the shell's own of this machine."""
S3, SQS = "s3://", "sqs://"

Names = Iterable[tuple[str, str]]
Suggest = Callable[[Any, Any, str], Names]
"""Gives values with words on each, for a context, a parameter of its command, and what is typed of the value."""


def suggested(ctx: Any, param: Any, incomplete: str) -> list[CompletionItem]:
    """What a parameter's value may become, of which `incomplete` is typed."""
    name = next((name for name in (*param.opts, param.metavar) if name in BY_NAME), None)
    if name is None:
        return _files(param) or list(param.shell_complete(ctx, incomplete))
    names = [item for item in BY_NAME[name](ctx, param, incomplete) if item[0].startswith(incomplete)]
    found = [CompletionItem(value, help=words) for value, words in names]
    are_files = name in WITH_FILES and not incomplete.startswith((S3, SQS))
    return [*found, CompletionItem("", type=FILES)] if are_files else found


def _files(param: Any) -> list[CompletionItem]:
    """Files or folders, for a parameter that is a path."""
    kind = FILES if param.type_descriptor.parameter_info.file_okay else FOLDERS
    return [CompletionItem("", type=kind)] if param.type_descriptor.is_path else []


def line_within(ctx: Any) -> list[str]:
    """The command line that a command takes as its argument, as far as it is typed."""
    typed = (ctx.params.get(param.name) for param in ctx.command.params if param.metavar in _LINES)
    return list(next(typed, None) or ())


def _prefixes(ctx: Any, _: Any, incomplete: str) -> Names:
    """What is in the bucket that `--bucket` names."""
    bucket = ctx.params.get("bucket")
    return _looked_up(ctx.params, "keys", bucket, incomplete) if bucket else ()


def _places(ctx: Any, param: Any, incomplete: str) -> Names:
    """Buckets and what is in them, as `s3://bucket/prefix`: AWS takes a while, and is asked only once that is begun."""
    if not incomplete.startswith(S3):
        return [(scheme, "") for scheme in (S3, SQS) if scheme == S3 or scheme in (param.help or "")]
    bucket, slash, prefix = incomplete.removeprefix(S3).partition("/")
    typed = _reaching(ctx.params, _OWN_WAY.get(param.metavar))
    if not slash:
        return [(f"{S3}{name}/", "") for name, _ in _looked_up(typed, "buckets")]
    return [(f"{S3}{bucket}/{key}", "") for key, _ in _looked_up(typed, "keys", bucket, prefix)]


_OWN_WAY = {"SOURCE...": "source_", "URI": "source_", "RECOVERY": "recovery_"}
"""How the options begin that say how AWS is reached for an argument, where there are such."""


def _reaching(typed: Mapping[str, Any], begin: str | None) -> Mapping[str, Any]:
    """The options by name, where some stand for others without their begin."""
    own = {name.removeprefix(begin): value for name, value in typed.items() if begin and name.startswith(begin)}
    return {**typed, **{name: value for name, value in own.items() if value}}


def _distributions(ctx: Any, *_: Any) -> Names:
    """None where something tells already which is meant."""
    told = ctx.params.get("stage") or ctx.params.get("typed")
    return () if told else _looked_up(ctx.params, "distributions")


def _distributions_or_commands(ctx: Any, *_: Any) -> Names:
    """Where no command is named, the first word may yet be one."""
    members = {} if ctx.params.get("typed") else ctx.parent.command.commands
    yield from ((name, each.get_short_help_str()) for name, each in members.items() if not each.hidden)
    yield from _distributions(ctx)


def _watched_regions(ctx: Any, *_: Any) -> Names:
    """The regions that `cncbops.toml` names, else all."""
    return _looked_up(ctx.params, "watched_regions") or _looked_up(ctx.params, "regions")


def _commands(*_: Any) -> Names:
    return COMMANDS.items()


def _named(what: str) -> Suggest:
    """All of a kind that there are."""
    return lambda ctx, *_: _looked_up(ctx.params, what)


def _looked_up(typed: Mapping[str, Any], what: str, *subject: str) -> Names:
    from ._suggesting import suggestions

    return suggestions(typed, what, subject)


def _clusters(*_: Any) -> Names:
    """The beginnings of an address."""
    return [("tcp://", ""), ("tls://", ""), ("local:", "")]


def _nothing(*_: Any) -> Names:
    return ()


_LINES = ("[COMMAND [ARGS]...]", "COMMAND [ARGS]...")
"""Arguments that are a command line of their own."""
BY_NAME: Mapping[str, Suggest] = {
    "SOURCE...": _places,
    "LAKE": _places,
    "RECOVERY": _places,
    "--faults": _places,
    "--from-s3": _places,
    "--inventory": _places,
    "--bucket": _named("buckets"),
    "--prefix": _prefixes,
    "--function": _named("functions"),
    "--only-function": _named("functions"),
    "--check-function": _named("functions"),
    "--stage": _named("stages"),
    "DISTRIBUTION": _distributions,
    "[DISTRIBUTION] ID...": _distributions,
    "DISTRIBUTION PATH...": _distributions_or_commands,
    "RUN": _named("runs"),
    "--resume": _named("runs"),
    "--since-run": _named("followed"),
    "--profile": _named("profiles"),
    "--recovery-profile": _named("profiles"),
    "--region": _named("regions"),
    "--recovery-region": _named("regions"),
    "REGION": _watched_regions,
    "REGION...": _watched_regions,
    "--use": _named("own_profiles"),
    "--cluster": _clusters,
    **dict.fromkeys(_LINES, _commands),
    "--from-file": _nothing,
    "--from-notification": _nothing,
}
"""By a flag, else by the metavar."""
WITH_FILES = frozenset({"SOURCE...", "LAKE", "RECOVERY", "--from-file", "--from-notification"})
"""Where a file of this machine may be named, which is no path for typer."""
