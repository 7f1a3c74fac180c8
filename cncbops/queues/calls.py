"""The calls that work on a queue's messages, and which of their failures may pass.

A batch call succeeds in part: each entry that failed is given back, and whether it is worth another try.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from cncbops.aws_errors import code_of, explain

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import BatchResultErrorEntryTypeDef, MessageTypeDef

BATCH = 10
"""How many messages a call takes. Source: SQS API Reference."""

_THROTTLED = {"OverLimit", "RequestThrottled", "Throttling", "ThrottlingException", "TooManyRequestsException"}


class Held(NamedTuple):
    """A message by its id, and the receipt that a call on it needs."""

    id: str
    receipt: str


class Refused(NamedTuple):
    """A message on which a call did not succeed; `final` if another try would not either."""

    held: Held
    final: bool


@dataclass(frozen=True, slots=True)
class QueueCalls:
    """The calls on one queue. All raise CannotRun for what no other message would survive either."""

    client: "SQSClient"
    url: str
    name: str

    def receive(self, *, wait_s: int, visibility_s: int) -> "list[MessageTypeDef]":
        """The next messages, at most BATCH, hidden for `visibility_s`; waits up to `wait_s` for the first."""
        try:
            found = self.client.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=BATCH,
                WaitTimeSeconds=wait_s,
                VisibilityTimeout=visibility_s,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
        except (BotoCoreError, ClientError) as error:
            raise explain(error, f"receive from queue {self.name}") from error
        return found.get("Messages", [])

    def delete(self, batch: Sequence[Held]) -> list[Refused]:
        """Delete messages, at most BATCH; those that are still there."""
        entries = [{"Id": str(place), "ReceiptHandle": held.receipt} for place, held in enumerate(batch)]
        try:
            answer = self.client.delete_message_batch(QueueUrl=self.url, Entries=entries)  # type: ignore[arg-type]
        except (BotoCoreError, ClientError) as error:
            return self._passing(error, batch, "delete from")
        return _refused(batch, answer.get("Failed", []))

    def hide(self, batch: Sequence[Held], seconds: int) -> list[Refused]:
        """Hide messages, at most BATCH, for `seconds` from now; those for which that failed."""
        try:
            answer = self.client.change_message_visibility_batch(
                QueueUrl=self.url,
                Entries=[
                    {"Id": str(place), "ReceiptHandle": held.receipt, "VisibilityTimeout": seconds}
                    for place, held in enumerate(batch)
                ],
            )
        except (BotoCoreError, ClientError) as error:
            return self._passing(error, batch, "keep hidden the messages of")
        return _refused(batch, answer.get("Failed", []))

    def _passing(self, error: BotoCoreError | ClientError, batch: Sequence[Held], doing: str) -> list[Refused]:
        if not _may_pass(error):
            raise explain(error, f"{doing} queue {self.name}") from error
        return [Refused(held, final=False) for held in batch]


def _refused(batch: Sequence[Held], failed: "Sequence[BatchResultErrorEntryTypeDef]") -> list[Refused]:
    return [Refused(batch[int(entry["Id"])], final=entry["SenderFault"]) for entry in failed]


def _may_pass(error: BotoCoreError | ClientError) -> bool:
    if not isinstance(error, ClientError):
        return isinstance(error, HTTPClientError)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or code_of(error) in _THROTTLED
