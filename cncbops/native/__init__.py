"""What an event and its invocation cost most in, as C: compiled when the package is installed, given a compiler.

`hot` is that module, None where it was not built. The Python beside each use of it is the reference: it does all
that is not usual, and everything where there is no `hot`, with the same results.
"""

try:
    from cncbops.native import hot
except ImportError:
    hot = None  # type: ignore[assignment]
