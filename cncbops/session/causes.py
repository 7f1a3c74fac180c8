"""What faults of one cause have in common, looked up once for all of them."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import msgspec

from cncbops.errors import CncbopsError
from cncbops.faults.fault import Fault, Nothing
from cncbops.faults.grouping import GroupKey, group_key
from cncbops.faults.identity import cause_digest
from cncbops.faults.json_text import NOT_JSON
from cncbops.faults.usual import named
from cncbops.finding import Found
from cncbops.formats.event import Text
from cncbops.recipients import Recipient
from cncbops.request import ResubmitRequest
from cncbops.session.candidates import Assessor

_MOST_CAUSES = 500
_LONGEST = 4_000
"""Of what is kept of a cause. A longer message may well be another one each time."""

_decode_name = msgspec.json.Decoder(Text).decode
_decode_text = msgspec.json.Decoder(str).decode


@dataclass(frozen=True, slots=True, eq=False)
class Cause:
    """What faults have in common that say the same of function, pipeline and error, and whose function takes records.

    `function` is its name in the run, `known_as` tells it from all others for ever. `digest` is of it and the error
    (see `cncbops.faults.identity`). `fault` says all this as a fault does, and no more; the message of others may be
    another one of the same shape. `longest` is how many bytes a record may have that the function is sent.
    """

    fault: Fault
    function: str
    known_as: bytes
    digest: bytes
    group: GroupKey
    pipeline: str | None
    longest: int

    @property
    def fingerprint(self) -> str:
        """That of its faults' group."""
        return self.group.fingerprint


class Causes:
    """Those of one reader."""

    def __init__(self, request: ResubmitRequest, assessor: Assessor) -> None:
        self._is_chosen, self._assessor = request.choice.test_cause(), assessor
        self._find = lru_cache(_MOST_CAUSES)(self._look)

    def of(self, *said: bytes | None) -> Cause | Literal[False] | None:
        """The cause of what a fault says, each as its JSON, if it says it; False where no fault of it is chosen.

        Which is `tags.functionname`, `tags.functionName`, `tags.pipeline` and `uow.pipeline`, and the error's name and
        message. None is left to the careful way: what is not usual, and what cannot be sent, or not be looked up.
        """
        return self._find(*said) if sum(map(len, filter(None, said))) <= _LONGEST else None

    def _look(self, *said: bytes | None) -> Cause | Literal[False] | None:
        try:
            fault = _fault(*said)
            if not self._is_chosen(fault):
                return False  # and its function is not looked up
            found, known_as = self._assessor.function_of(fault)
        except (CncbopsError, *NOT_JSON):
            return None
        return _cause(fault, found, known_as) if isinstance(found.recipient, Recipient) else None


def _cause(fault: Fault, found: Found, known_as: str) -> Cause:
    assert isinstance(found.recipient, Recipient)
    return Cause(
        fault=fault,
        function=found.name,
        known_as=known_as.encode(errors="replace"),
        digest=cause_digest(known_as, fault.error, fault.message),
        group=group_key(fault),
        pipeline=fault.pipeline,
        longest=found.recipient.terms.limits.longest,
    )


def _fault(*said: bytes | None) -> Fault:
    """A fault that says this and no more. Raises NOT_JSON."""
    lower_case, camel_case, tagged, own = (named(_decode_name(each)) if each else None for each in said[:4])
    error, message = (_decode_text(each) if each else "" for each in said[4:])
    return Fault(
        id=None,
        function=lower_case or camel_case,
        error=error,
        message=message,
        stack=None,
        pipeline=tagged or own,
        event_types=(),
        timestamp_ms=None,
        unit=Nothing(""),
    )
