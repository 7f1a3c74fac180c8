"""The functions that a session sends to, each with what is known of it and its terms."""

from collections.abc import Mapping

from msgspec import Struct

from cncbops.function_name import FunctionName
from cncbops.kinesis.batching import BatchLimits
from cncbops.target import Target
from cncbops.terms import Terms


class Recipient(Struct, frozen=True):
    """A function that takes records, and on what terms."""

    function: FunctionName
    target: Target
    terms: Terms


class Recipients:
    """The functions of one session by the name that its records bear; more may come to be known as it goes on."""

    def __init__(self, *known: tuple[str, Recipient]) -> None:
        self._by_name: dict[str, Recipient] = {}
        self._limits: dict[str, BatchLimits] = {}
        for name, recipient in known:
            self.add(name, recipient)

    @property
    def limits(self) -> Mapping[str, BatchLimits]:
        """Where the batches of each are cut; it grows with the functions that are known."""
        return self._limits

    @property
    def known(self) -> Mapping[str, Recipient]:
        """Those that are known so far."""
        return self._by_name

    @property
    def only(self) -> Recipient:
        """The one of a run that has but one."""
        (recipient,) = self._by_name.values()
        return recipient

    def add(self, name: str, recipient: Recipient) -> None:
        """Make a function known."""
        self._by_name[name] = recipient
        self._limits[name] = recipient.terms.limits

    def __getitem__(self, name: str) -> Recipient:
        return self._by_name[name]
