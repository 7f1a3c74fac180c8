"""Functions looked up as a session comes to need them, each once."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from cncbops.aws import Aws
from cncbops.errors import BadInput, CncbopsError
from cncbops.execution.notices import NoticeBoard
from cncbops.function_name import FunctionName
from cncbops.recipients import Recipient, Recipients
from cncbops.request import Request
from cncbops.target import NoSuchFunction, Target, inspect
from cncbops.terms import Room, objection, settle


class Found(NamedTuple):
    """A function that was looked up: who takes what is sent to it, or why nobody does.

    `name` is the run's for it, with its qualifier; `bare_name` is the same whatever version is meant. Both are
    its name alone where it is of the caller's region and account, else its ARN. `namesake_of` is the address of
    the function that it stands in for, if it does.
    """

    name: str
    bare_name: str
    recipient: Recipient | CncbopsError
    namesake_of: str | None = None


MOST_FUNCTIONS = 1_000
"""Each costs several calls of AWS: hostile faults shall not make it thousands."""
_TOO_MANY = Found(
    "(others)",
    "(others)",
    CncbopsError(f"these faults name more than {MOST_FUNCTIONS:,} functions", "Choose some with --only-function"),
)


class Finder:
    """Looks functions up and makes them known to a session's recipients.

    `missing` are those that cannot take anything, by name, and why. `namesakes` are by their name functions of
    the caller's account that stand in for one of another account that is not to be found: a copy of a system,
    or of its faults, elsewhere.
    """

    def __init__(
        self,
        request: Request,
        aws: Aws,
        recipients: Recipients,
        account: str | None,
        room: Room = Room(),
        notices: NoticeBoard | None = None,
    ) -> None:
        """`account` is the caller's, None where that is not known: then all are taken to be of one.

        `notices` are shared with other processes that look functions up for the same run.
        """
        self._request, self._aws, self._recipients, self._account = request, aws, recipients, account
        self._room, self._notices = room, notices
        self._found: dict[FunctionName, Found] = {}
        self._looking = threading.Lock()
        self.missing: dict[str, CncbopsError] = {}
        self.namesakes: dict[str, str] = {}

    def find(self, function: FunctionName) -> Found:
        """The function and its terms, or why it cannot take anything. Raises CncbopsError if AWS cannot be asked.

        May be called in several threads.
        """
        with self._looking:
            if function not in self._found:
                self._learn(function)
            return self._found.get(function, _TOO_MANY)

    def adopt(self, found: Mapping[FunctionName, Found]) -> Mapping[str, Recipient]:
        """Take functions over that were looked up elsewhere; those that take something and are new here, by name."""
        new = {}
        for function, each in found.items():
            if function in self._found or each.name == _TOO_MANY.name:
                continue
            self._found[function] = each
            if each.namesake_of:
                self.namesakes[each.name] = each.namesake_of
            if isinstance(each.recipient, CncbopsError):
                self.missing[each.name] = each.recipient
            elif not self._known(each.name):
                new[each.name] = each.recipient
                self._recipients.add(each.name, each.recipient)
        return new

    def _learn(self, function: FunctionName) -> None:
        """Find out about a function, of another process where that has asked AWS already."""
        if self._notices is None:
            self._ask(function)
            return
        with self._notices.turn() as news:
            for found in news:
                self.adopt(found)
            if function not in self._found and self._ask(function):
                self._notices.tell({function: self._found[function]})

    def _ask(self, function: FunctionName) -> bool:
        """Ask AWS about a function, unless that has been asked about too many."""
        if len(self._found) >= MOST_FUNCTIONS:
            return False
        self._found[function] = self._look(function)
        return True

    def _look(self, function: FunctionName) -> Found:
        """Also under another of its addresses a function is known already."""
        names = self._names(function, None)
        if not self._known(names[0]):
            arn, answer = self._asked(function)
            names = self._names(function, arn)
            if isinstance(answer, CncbopsError):
                self.missing[names[0]] = answer
            elif not self._known(names[0]):
                self._recipients.add(names[0], answer)
        recipient = self._known(names[0]) or self._recipients[names[0]]
        return Found(*names, recipient, self.namesakes.get(names[0]))

    def _known(self, name: str) -> Recipient | CncbopsError | None:
        return self._recipients.known.get(name) or self.missing.get(name)

    def _asked(self, function: FunctionName) -> tuple[str | None, Recipient | CncbopsError]:
        """What AWS says of a function: its ARN, None where that is not told, and whether it takes anything."""
        try:
            target = self._inspected(function)
        except (NoSuchFunction, BadInput) as error:
            return None, error
        function = target.function
        reason = objection(target, asynchronous=self._request.asynchronous)
        return target.arn, reason or self._recipient(function, target)

    def _inspected(self, function: FunctionName) -> Target:
        try:
            return inspect(self._aws, function)
        except NoSuchFunction:
            if function.account in (None, self._account) or self._account is None:
                raise
        namesake = replace(function, address=function.name)
        target = inspect(self._aws.in_region(function.region), namesake)
        self.namesakes[self._names(namesake, target.arn)[0]] = function.address
        return target

    def _names(self, function: FunctionName, arn: str | None) -> tuple[str, str]:
        """Its name and bare name: by where AWS says that it is, or else by its address."""
        bare_name = bare_name_of(function, arn, self._aws.region, self._account)
        return f"{bare_name}:{function.qualifier}" if function.qualifier else bare_name, bare_name

    def _recipient(self, function: FunctionName, target: Target) -> Recipient:
        """What has no stream's mapping is fed by another source, whose batches are imitated."""
        mapping = target.mapping or next(iter(target.mappings), None)
        region = self._aws.in_region(function.region).region
        return Recipient(function, target, settle(self._request, target, region, mapping, self._room))


def bare_name_of(function: FunctionName, arn: str | None, region: str | None, account: str | None) -> str:
    """The bare name of a function (see `Found`) by its ARN, None where that is not told, for a caller from there."""
    its_region, its_account = arn.split(":")[3:5] if arn else (function.region, function.account)
    is_here = its_region in (None, region) and (account is None or its_account in (None, account))
    return function.name if is_here else function.address
