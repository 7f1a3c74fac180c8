"""What an option or argument may be completed to: each function here is one's `autocompletion`.

typer calls them while somebody types, and takes of what they give what begins like the word. They load what they need
themselves: `_suggesting` where names are to be looked up. Whatever goes wrong there, nothing is suggested.
"""

from collections.abc import Sequence

import typer

FILES, FOLDERS = "\0files", "\0folders"
"""In place of words on a suggestion: the shell shall suggest its own files."""

Suggestions = Sequence[tuple[str, str]]

S3, SQS = "s3://", "sqs://"


def files(incomplete: str) -> Suggestions:
    """Files of this machine."""
    return [(incomplete, FILES)]


def folders(incomplete: str) -> Suggestions:
    """Folders of this machine."""
    return [(incomplete, FOLDERS)]


def buckets(ctx: typer.Context) -> Suggestions:
    """The account's buckets."""
    return _looked_up(ctx, "buckets")


def prefixes(ctx: typer.Context, incomplete: str) -> Suggestions:
    """What is in the bucket that `--bucket` names."""
    bucket = ctx.params.get("bucket")
    return _looked_up(ctx, "keys", bucket, incomplete) if bucket else []


def s3_places(ctx: typer.Context, incomplete: str) -> Suggestions:
    """Buckets and what is in them, as `s3://bucket/prefix`."""
    bucket, slash, prefix = incomplete.removeprefix(S3).partition("/")
    if not incomplete.startswith(S3):
        return [(S3, "")]
    if not slash:
        return [(f"{S3}{name}/", "") for name, _ in buckets(ctx)]
    return [(f"{S3}{bucket}/{key}", "") for key, _ in _looked_up(ctx, "keys", bucket, prefix)]


def sources(ctx: typer.Context, incomplete: str) -> Suggestions:
    """Where events are: in S3, or in files of this machine. AWS is asked only where S3 is meant."""
    if incomplete.startswith(S3):
        return s3_places(ctx, incomplete)
    return [(S3, ""), *files(incomplete)]


def fault_sources(ctx: typer.Context, incomplete: str) -> Suggestions:
    """Where faults are: in S3, in a queue, or in files of this machine."""
    return [*sources(ctx, incomplete), (SQS, "")]


def functions(ctx: typer.Context) -> Suggestions:
    """The region's functions."""
    return _looked_up(ctx, "functions")


def stages(ctx: typer.Context) -> Suggestions:
    """The stages of the book's stacks in the region."""
    return _looked_up(ctx, "stages")


def distributions(ctx: typer.Context) -> Suggestions:
    """The account's distributions, unless something tells already which is meant."""
    told = ctx.params.get("stage") or ctx.params.get("typed")
    return [] if told else _looked_up(ctx, "distributions")


def distributions_or_commands(ctx: typer.Context) -> Suggestions:
    """The same where the name of a command may stand in their place."""
    group = ctx.parent.command if ctx.parent else None
    members = {} if ctx.params.get("typed") else getattr(group, "commands", {})
    named = [(name, member.get_short_help_str()) for name, member in members.items() if not member.hidden]
    return [*named, *distributions(ctx)]


def runs(ctx: typer.Context) -> Suggestions:
    """The newest runs in the ledger."""
    return _looked_up(ctx, "runs")


def profiles(ctx: typer.Context) -> Suggestions:
    """The profiles of AWS's config files."""
    return _looked_up(ctx, "profiles")


def regions(ctx: typer.Context) -> Suggestions:
    """AWS's regions."""
    return _looked_up(ctx, "regions")


def watched_regions(ctx: typer.Context) -> Suggestions:
    """The regions that `cncbops.toml` names, else all."""
    return _looked_up(ctx, "watched_regions") or regions(ctx)


def _looked_up(ctx: typer.Context, what: str, *subject: str) -> Suggestions:
    from ._suggesting import suggestions

    return suggestions(ctx.params, what, subject)
