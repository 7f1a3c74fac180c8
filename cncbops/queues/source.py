"""Which queue an operator means. Source of the names' form: SQS API Reference, CreateQueue."""

import re

from msgspec import Struct

from cncbops.errors import BadInput

SCHEME = "sqs://"

_NAME = r"(?P<name>[A-Za-z0-9_-]{1,80}(?:\.fifo)?)"
_ARN = re.compile(r"arn:aws[a-z-]*:sqs:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):" + _NAME, re.ASCII)
_URL = re.compile(r"https?://(?P<host>[A-Za-z0-9.-]+)(?::\d+)?/(?:[A-Za-z0-9_.-]+/)*" + _NAME, re.ASCII)
_OWNED = re.compile(r"https?://[^/]+/(?P<account>\d{12})/" + _NAME, re.ASCII)
_NAME_ALONE = re.compile(_NAME, re.ASCII)
_LONGEST_NAME = 80
# Also of a VPC endpoint (vpce-0a1b.sqs.eu-west-1.vpce.amazonaws.com).
_HOST = re.compile(r"(?:.+\.)?sqs(?:-fips)?\.(?P<region>[a-z0-9-]+)\..*amazonaws\.com(?:\.cn)?", re.ASCII)


class QueueSource(Struct, frozen=True):
    """A queue by its name, URL or ARN, as typed."""

    queue: str

    @property
    def uri(self) -> str:
        return SCHEME + self.name

    @property
    def name(self) -> str:
        return re.split("[/:]", self.queue)[-1]

    @property
    def url(self) -> str | None:
        """Its URL, where that was typed."""
        return self.queue if _URL.fullmatch(self.queue) else None

    @property
    def account(self) -> str | None:
        """The account that owns it, where an ARN or a URL says so."""
        match = _ARN.fullmatch(self.queue) or _OWNED.fullmatch(self.queue)
        return match["account"] if match else None

    @property
    def region(self) -> str | None:
        """Its region, where an ARN or a URL of AWS says so."""
        if arn := _ARN.fullmatch(self.queue):
            return arn["region"]
        url = _URL.fullmatch(self.queue)
        host = _HOST.fullmatch(url["host"]) if url else None
        return host["region"] if host else None


def parse_queue(text: str) -> QueueSource:
    """The queue of `sqs://NAME`, `sqs://URL` or `sqs://ARN`, without looking whether it exists. Raises BadInput."""
    queue = text.removeprefix(SCHEME)
    forms = (form.fullmatch(queue) for form in (_NAME_ALONE, _URL, _ARN))
    match = next((match for match in forms if match), None)
    if not text.startswith(SCHEME) or match is None or len(match["name"]) > _LONGEST_NAME:
        raise BadInput(f"{text!r} names no SQS queue", "Write sqs://NAME, sqs://https://URL or sqs://ARN")
    return QueueSource(queue)
