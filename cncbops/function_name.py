"""The names under which a Lambda function can be invoked. Source: Lambda API, `FunctionName`."""

import re
from dataclasses import dataclass
from functools import lru_cache

from cncbops.errors import BadInput

_FORM = re.compile(
    r"(?:arn:(?P<partition>aws[a-z-]*):lambda:(?P<region>[a-z0-9-]+):(?=\d{12}:))?"
    r"(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[A-Za-z0-9_-]{1,64})"
    r"(?::(?P<qualifier>\$LATEST|[A-Za-z0-9_-]{1,128}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class FunctionName:
    """A function as typed, taken apart. `address` is what the API takes, without the qualifier."""

    address: str
    name: str
    qualifier: str | None
    region: str | None

    @property
    def account(self) -> str | None:
        """The account that owns it, where its address says so."""
        match = _FORM.fullmatch(self.address)
        return match["account"] if match else None

    def __str__(self) -> str:
        return f"{self.name}:{self.qualifier}" if self.qualifier else self.name


@lru_cache(maxsize=500)
def parse_function(text: str) -> FunctionName:
    """A function from its name, `name:alias`, partial or full ARN; raises BadInput for others."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise BadInput(f"{text!r} is no name of a Lambda function{_what_it_is(text)}", _EXAMPLES)
    qualifier = match["qualifier"]
    address = text.removesuffix(f":{qualifier}") if qualifier else text
    return FunctionName(address, match["name"], qualifier, match["region"])


_EXAMPLES = "Give a name, name:alias or the function's ARN"


def _what_it_is(text: str) -> str:
    service = text.split(":")[2] if text.startswith("arn:") and text.count(":") > 4 else ""
    return f", but of a resource of {service}" if service and service != "lambda" else ""
