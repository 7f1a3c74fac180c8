"""`cncbops policy`: the IAM policy that a command needs. Asks nothing of AWS.

This file declares the options and no more; `_policy` does the rest.
"""

from typing import Annotated

import typer

from . import _options as shared
from ._examples import examples
from ._options import option

app = typer.Typer(add_completion=False)

NAMED = "What a command line does not say"


@app.command(
    context_settings={"allow_interspersed_args": False},
    epilog=examples(
        ("For a replay, narrowed to its lake and function", "cncbops policy replay s3://my-lake/ -f my-listener"),
        ("For its dry-run alone, of any lake and function", "cncbops policy replay --dry-run"),
        (
            "For a lake and its copy, of an account",
            "cncbops policy --account 123456789012 lake verify s3://my-lake/ s3://my-copy/",
        ),
    ),
)
def policy(
    context: typer.Context,
    typed: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COMMAND [ARGS]...",
            help="The command, with its arguments as they will be typed: what these name, the policy is narrowed to.",
            show_default=False,
        ),
    ] = None,
    account: Annotated[
        str | None,
        option("--account", metavar="ID", help="The account of what is named.", panel=NAMED, also=["AWS_ACCOUNT_ID"]),
    ] = None,
    kms_keys: Annotated[
        list[str] | None,
        option(
            "--kms-key",
            metavar="ARN",
            help="A key of your own with which lake, queues, streams or environments are encrypted; repeatable.",
            panel=NAMED,
        ),
    ] = None,
    output: shared.OutputOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
) -> int:
    """Print the least IAM policy that a command needs, ready for `aws iam put-role-policy`.

    Its own options go before COMMAND. The policy is for the command with --execute, unless --dry-run is among the
    arguments. Asks nothing of AWS: what is not named may be any.
    """
    from ._policy import carry_out

    screen = shared.Local(output is shared.Output.json, quiet, verbose, None)
    return carry_out(context, tuple(typed or ()), account, tuple(kms_keys or ()), screen)
