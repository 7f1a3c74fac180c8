"""Functions looked up as a session comes to need them, each once."""

from cncbops.aws import Aws
from cncbops.errors import BadInput, CncbopsError
from cncbops.function_name import FunctionName
from cncbops.recipients import Recipient, Recipients
from cncbops.request import Request
from cncbops.target import NoSuchFunction, Target, inspect
from cncbops.terms import objection, settle


class Finder:
    """Makes functions known to a session's recipients. `missing` are those that cannot take anything, and why."""

    def __init__(self, request: Request, aws: Aws, recipients: Recipients) -> None:
        self._request, self._aws, self._recipients = request, aws, recipients
        self.missing: dict[str, CncbopsError] = {}

    def name_of(self, function: FunctionName) -> str:
        """The function's name in the run: as short as it can be told from all others."""
        name = self.bare_name_of(function)
        return f"{name}:{function.qualifier}" if function.qualifier else name

    def bare_name_of(self, function: FunctionName) -> str:
        """The same whatever version of it is meant."""
        is_elsewhere = function.region not in (None, self._aws.region)
        return function.address if is_elsewhere else function.name

    def find(self, function: FunctionName) -> Recipient | CncbopsError:
        """The function and its terms, or why it cannot take anything. Raises CncbopsError if AWS cannot be asked."""
        name = self.name_of(function)
        if name not in self._recipients.known and name not in self.missing:
            self._look(name, function)
        return self.missing.get(name) or self._recipients[name]

    def _look(self, name: str, function: FunctionName) -> None:
        try:
            target = inspect(self._aws, function)
        except (NoSuchFunction, BadInput) as error:
            self.missing[name] = error
            return
        reason = objection(target, asynchronous=self._request.asynchronous)
        if reason:
            self.missing[name] = reason
        else:
            self._recipients.add(name, self._recipient(function, target))

    def _recipient(self, function: FunctionName, target: Target) -> Recipient:
        """What has no stream's mapping is fed by another source, whose batches are imitated."""
        mapping = target.mapping or next(iter(target.mappings), None)
        region = self._aws.in_region(function.region).region
        return Recipient(function, target, settle(self._request, target, region, mapping))
