"""`cncbops config`: what options say that were not typed, and who says so. Read-only, and asks nobody.

This file declares the options and no more; `_config_show` does the rest.
"""

from typing import Annotated

import typer

from . import _options as shared
from ._examples import examples
from ._groups import Group

app = typer.Typer(
    add_completion=False,
    cls=Group,
    epilog=examples(
        ("All that files say", "cncbops config show"),
        ("What a replay with a profile would be told", "cncbops config show replay --use prod"),
    ),
)


@app.callback()
def config() -> None:
    """Tell what every option of a command is, and where that comes from."""


@app.command(
    context_settings={"allow_interspersed_args": False},
    epilog=examples(
        ("All that files say, checked", "cncbops config show"),
        ("What a replay would be told, and by whom", "cncbops config show replay --use prod"),
        (
            "Of a line that is to be run, for a script",
            "cncbops config show -o json runs ls --state-dir runs",
        ),
    ),
)
def show(
    context: typer.Context,
    line: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[COMMAND [ARGS]...]",
            help="A command as it would be typed, with as many of its options; else all that files say.",
            show_default=False,
        ),
    ] = None,
    output: shared.OutputOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
) -> int:
    """Show every option of a command with its value, and what says so: option, environment, profile, default.

    Without COMMAND show what files say, having checked all of it. What looks like a secret is masked.
    """
    from ._config_show import carry_out

    is_json = output is shared.Output.json
    return carry_out(context, line or [], shared.Local(is_json, quiet, verbose, None))
