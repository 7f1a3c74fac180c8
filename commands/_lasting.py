"""A console that outlasts its readers: rich would end the process where one is gone, in the midst of any work.

So would a terminal that hangs up, and a log on a disk that is full.
"""

import sys

from rich.console import Console

from cncbops.cli import silence


class LastingConsole(Console):
    """Where standard error takes no more, the work goes on in silence."""

    def _check_buffer(self) -> None:
        """Write what is printed: where rich writes all of it."""
        try:
            super()._check_buffer()
        except OSError:
            if not self.stderr:
                raise
            self.on_broken_pipe()

    def on_broken_pipe(self) -> None:
        """Raise BrokenPipeError of standard output: what writes there knows whether there is more to do."""
        if not self.stderr:
            raise BrokenPipeError
        self.quiet = True
        silence(sys.stderr.fileno())
