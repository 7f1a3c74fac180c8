"""`cncbops demo`: an incident from start to end, in the sandbox."""

import typer

from . import _options as shared
from ._examples import examples

app = typer.Typer(add_completion=False)


@app.command(
    epilog=examples(
        ("All three incidents", "cncbops demo"),
        ("With the traceback of what goes wrong", "cncbops demo -v"),
    )
)
def demo(verbose: shared.Verbose = False) -> int:
    """Live through incidents, and repair them: a stale view, twice; a region that turns ill; a stale CDN.

    Starts an embedded AWS of its own, shows each step as the command one would type, and ends it.
    """
    from ._demoing import carry_out

    return carry_out(shared.Local(json=False, quiet=False, verbose=verbose, state_dir=None))
