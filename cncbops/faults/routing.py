"""Which function a fault goes to: the one that raised it, unless the operator says another."""

from dataclasses import replace

from cncbops.faults.fault import Fault
from cncbops.function_name import FunctionName
from cncbops.request import ResubmitRequest


class Routing:
    """The operator's choice of functions, applied to faults."""

    def __init__(self, request: ResubmitRequest) -> None:
        self._function, self._qualifier = request.function, request.qualifier
        self._renames = dict(request.renames)

    def of(self, fault: Fault) -> FunctionName | None:
        """The function that gets a fault's unit of work; None where neither fault nor operator names one.

        A qualifier of the fault is honoured, but for `$LATEST`, which is the same as none.
        """
        called = self._function or fault.called
        if called is None:
            return None
        called = self._renames.get(called.name, called)
        if self._qualifier:
            return replace(called, qualifier=self._qualifier)
        return replace(called, qualifier=None) if called.qualifier == "$LATEST" else called
