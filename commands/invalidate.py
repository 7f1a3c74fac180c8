"""`cncbops invalidate`: paths of a CloudFront distribution, which its edges then fetch anew.

This file declares the options and no more, so that help and completion load no AWS library;
`_invalidating` and `_invalidations` do the rest.
"""

from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from . import _options as shared
from ._examples import examples
from ._forms import duration, moment
from ._groups import Group
from ._options import option

_DEFAULT = "do"


class _Context(typer.Context):
    """The context of what the group's own name does."""

    @property
    def command_path(self) -> str:
        """As it is typed: without a name of its own."""
        return self.parent.command_path if self.parent else ""


class _Default(TyperCommand):
    context_class = _Context

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ARG002  the base class's signature
        """As people say it: what may be left out is told with the options."""
        return ["[OPTIONS]", "DISTRIBUTION PATH..."]


class _Group(Group):
    """A group whose arguments are its default command's, unless the first names another."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = args[:1] and args[0] in self.commands and args[0] != _DEFAULT
        return super().parse_args(ctx, args if named else [_DEFAULT, *args])


app = typer.Typer(add_completion=False, cls=_Group, help="Let the edges of a CloudFront distribution fetch paths anew.")

PATHS = "Which paths"
Timeout = Annotated[
    str, option("--timeout", help="Give up waiting, for room or for the end, after so long.", callback=duration)
]


@app.command(
    name=_DEFAULT,
    hidden=True,
    cls=_Default,
    epilog=examples(
        ("What it would send", "cncbops invalidate E1ABCDEFGHIJKL /things/42 '/views/*'"),
        (
            "What was written since an hour ago, to the end",
            "cncbops invalidate E1ABCDEFGHIJKL --from-s3 s3://my-views/ --since -1h --collapse 50 --wait --execute",
        ),
        ("The invalidations of a distribution, whoever asked", "cncbops invalidate ls E1ABCDEFGHIJKL"),
        ("How far one of them is", "cncbops invalidate status E1ABCDEFGHIJKL I2J0I21PCUYOIK"),
    ),
)
def invalidate(
    typed: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DISTRIBUTION PATH...",
            help="An id, domain name or alias; then paths such as /things/42 or '/things/*', and cache tags as '#tag'.",
            show_default=False,
        ),
    ] = None,
    stage: shared.Stage = None,
    from_file: Annotated[
        list[str] | None,
        option("--from-file", help="Paths from a file, one a line; - is standard input; repeatable.", panel=PATHS),
    ] = None,
    from_s3: Annotated[
        list[str] | None,
        option(
            "--from-s3",
            help="The objects under s3://bucket/prefix that were written --since; repeatable.",
            panel=PATHS,
        ),
    ] = None,
    since: Annotated[
        str | None,
        option("--since", help="Of --from-s3: 2023-11-22T09:00Z, 2023-11-22, -1h.", panel=PATHS, callback=moment),
    ] = None,
    from_notification: Annotated[
        list[str] | None,
        option(
            "--from-notification",
            help="The objects that S3 event notifications in a file name, plain or wrapped by SNS; repeatable.",
            panel=PATHS,
        ),
    ] = None,
    tag: Annotated[
        list[str] | None, option("--tag", help="What the origin gave this cache tag; repeatable.", panel=PATHS)
    ] = None,
    collapse: Annotated[
        int | None,
        option(
            "--collapse",
            help="More than N paths under one folder become one wildcard for it; never the root.",
            panel=PATHS,
            metavar="N",
            min=1,
        ),
    ] = None,
    wait: Annotated[bool, option("--wait", help="Wait until every edge has done it.")] = False,
    timeout: Timeout = "30m",
    execute: shared.Execute = False,
    output: shared.OutputOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
    state_dir: shared.StateDir = None,
    region: shared.Region = None,
    profile: shared.Profile = None,
    role_arn: shared.RoleArn = None,
    endpoint_url: shared.EndpointUrl = None,
    config: shared.Config = None,
) -> int:
    """Let the edges of a CloudFront distribution fetch paths anew.

    A dry-run unless --execute is given: it reads and checks all that the run would, and shows the plan.
    """
    from ._invalidating import carry_out
    from ._paths_asked import Asked
    from ._staged import staged

    general = shared.General(
        output is shared.Output.json, quiet, verbose, state_dir, execute, region, profile, role_arn, endpoint_url
    )
    asked = Asked(
        typed=tuple(typed or ()),
        stage=staged(stage, config),
        files=tuple(from_file or ()),
        buckets=tuple(from_s3 or ()),
        since=since,
        notifications=tuple(from_notification or ()),
        tags=tuple(tag or ()),
        collapse=collapse,
        wait=wait,
        timeout=timeout,
    )
    return carry_out(asked, general)


Looked = Annotated[
    str | None, typer.Argument(metavar="DISTRIBUTION", help="An id, domain name or alias.", show_default=False)
]


@app.command(
    epilog=examples(
        ("The newest, by the distribution's domain name", "cncbops invalidate ls d111111abcdef8.cloudfront.net"),
        ("A hundred of a stage's distribution, for a script", "cncbops invalidate ls --stage john --limit 100 -o json"),
    )
)
def ls(
    distribution: Looked = None,
    stage: shared.Stage = None,
    limit: Annotated[int, option("--limit", help="At most so many.", min=1)] = 20,
    output: shared.OutputOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
    state_dir: shared.StateDir = None,
    region: shared.Region = None,
    profile: shared.Profile = None,
    role_arn: shared.RoleArn = None,
    endpoint_url: shared.EndpointUrl = None,
    config: shared.Config = None,
) -> int:
    """List the invalidations of a distribution, whoever asked for them, the newest first."""
    from ._invalidations import carry_out_ls
    from ._staged import staged

    general = shared.General(
        output is shared.Output.json, quiet, verbose, state_dir, False, region, profile, role_arn, endpoint_url
    )
    return carry_out_ls(tuple(filter(None, [distribution])), staged(stage, config), limit, general)


@app.command(
    epilog=examples(
        ("How far one is", "cncbops invalidate status E1ABCDEFGHIJKL I2J0I21PCUYOIK"),
        ("Wait until it is completed", "cncbops invalidate status E1ABCDEFGHIJKL I2J0I21PCUYOIK --wait --timeout 10m"),
    )
)
def status(
    typed: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DISTRIBUTION] ID...", help="The distribution, and ids of invalidations.", show_default=False
        ),
    ] = None,
    stage: shared.Stage = None,
    wait: Annotated[bool, option("--wait", help="Wait until all of them are completed.")] = False,
    timeout: Timeout = "30m",
    output: shared.OutputOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
    state_dir: shared.StateDir = None,
    region: shared.Region = None,
    profile: shared.Profile = None,
    role_arn: shared.RoleArn = None,
    endpoint_url: shared.EndpointUrl = None,
    config: shared.Config = None,
) -> int:
    """Show invalidations: how far they are, and their first paths. Exit code 0, completed or not."""
    from ._invalidations import carry_out_status
    from ._staged import staged

    general = shared.General(
        output is shared.Output.json, quiet, verbose, state_dir, False, region, profile, role_arn, endpoint_url
    )
    return carry_out_status(tuple(typed or ()), staged(stage, config), timeout if wait else None, general)
