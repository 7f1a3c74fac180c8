"""`cncbops sandbox`: an embedded AWS on this machine, with a lake and faults that a real pipeline made,
a CDN and two regions."""

from typing import Annotated

import typer

from . import _options as shared
from ._examples import examples
from ._groups import Group
from ._options import option

app = typer.Typer(
    add_completion=False,
    cls=Group,
    help="Start, stop and look at an embedded AWS to try things on.",
    epilog=examples(
        ("Start it, and let this shell use it", 'eval "$(cncbops sandbox start)"'),
        ("Take it down", "cncbops sandbox stop"),
    ),
)

Port = Annotated[int | None, option("--port", help="Port to listen on; without it any free one.", min=1, max=65535)]


@app.command(
    epilog=examples(
        ("And let this shell use it", 'eval "$(cncbops sandbox start)"'),
        ("On a port of your choice, told as JSON", "cncbops sandbox start --port 4566 -o json"),
    )
)
def start(
    port: Port = None,
    output: shared.OutputOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
    state_dir: shared.StateDir = None,
) -> int:
    """Start it with a lake, faults, a CDN and two regions, and print what a shell has to export to use it.

    In a shell: eval "$(cncbops sandbox start)"
    """
    from ._sandboxing import carry_out_start

    return carry_out_start(shared.Local(output is shared.Output.json, quiet, verbose, state_dir), port)


@app.command(
    epilog=examples(
        ("End it", "cncbops sandbox stop"),
        ("Without a word", "cncbops sandbox stop -q"),
    )
)
def stop(
    output: shared.OutputOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
    state_dir: shared.StateDir = None,
) -> int:
    """End it, with all that is in it."""
    from ._sandboxing import carry_out_stop

    return carry_out_stop(shared.Local(output is shared.Output.json, quiet, verbose, state_dir))


@app.command(
    epilog=examples(
        ("Let another shell use it", 'eval "$(cncbops sandbox status)"'),
        ("Where it is, for a script", "cncbops sandbox status -o json"),
    )
)
def status(
    output: shared.OutputOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
    state_dir: shared.StateDir = None,
) -> int:
    """Say whether it runs, and print again what to export; exit code 4 if it does not."""
    from ._sandboxing import carry_out_status

    return carry_out_status(shared.Local(output is shared.Output.json, quiet, verbose, state_dir))
