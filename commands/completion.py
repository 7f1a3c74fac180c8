"""`cncbops completion`: the script by which a shell completes what is typed."""

from enum import StrEnum
from typing import Annotated

import typer

from ._examples import examples
from ._output import RUN_AGAIN, written

app = typer.Typer(add_completion=False)


class Shell(StrEnum):
    """The shells by name: those of `_shells.SHELLS`."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"


@app.command(
    epilog=examples(
        ("In this bash, until it ends", "source <(cncbops completion bash)"),
        (
            "In every bash, where bash-completion is installed",
            "cncbops completion bash > ~/.local/share/bash-completion/completions/cncbops",
        ),
        ("In every zsh, where ~/.zfunc is in fpath before compinit", "cncbops completion zsh > ~/.zfunc/_cncbops"),
        ("In every fish", "cncbops completion fish > ~/.config/fish/completions/cncbops.fish"),
    )
)
def completion(shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")]) -> int:
    """Print what a shell reads to complete commands, options, and the names that they take.

    Buckets and what is in them, functions, stages and distributions are asked of AWS as the options typed so far
    say, for 1.5 seconds at most.
    """
    from ._shells import script

    with written(RUN_AGAIN):
        typer.echo(script(shell.value), nl=False)
    return 0
