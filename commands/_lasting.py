"""A console that outlasts its readers: rich would end the process where one is gone, in the midst of any work."""

import sys

from rich.console import Console

from cncbops.cli import silence


class LastingConsole(Console):
    """Where nobody reads standard error any more, the work goes on in silence."""

    def on_broken_pipe(self) -> None:
        """Raise BrokenPipeError of standard output: what writes there knows whether there is more to do."""
        if not self.stderr:
            raise BrokenPipeError
        self.quiet = True
        silence(sys.stderr.fileno())
