"""Credentials of a role: STS gives them, and gives them anew for as long as a run lasts."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.credentials import AssumeRoleCredentialFetcher, Credentials, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError


class NotGiven(BotoCoreError):
    """Whoever answers gives no credentials: it is no STS, or its clock and this one's are apart."""

    fmt = "what answers to AssumeRole gives no valid credentials of {role_arn}"


def credentials_of(
    role_arn: str, source: Credentials, client: Callable[..., Any], name: str
) -> DeferredRefreshableCredentials:
    """Those of a role, which are asked for at first use; `source` are of whoever may assume it, `name` is the session.

    `client` makes one of STS. Where they are used is raised what the call raises, and NotGiven.
    """

    def fetch() -> dict[str, Any]:
        # A fetcher for each time: it would keep an answer that it cannot read.
        asked = AssumeRoleCredentialFetcher(client, source, role_arn, extra_args={"RoleSessionName": name})
        try:
            given: dict[str, Any] = asked.fetch_credentials()
            holds = datetime.fromisoformat(given["expiry_time"]) > datetime.now(UTC)
        except ClientError as error:
            if not error.response.get("Error", {}).get("Code"):
                raise _not_given(role_arn) from None
            raise
        except (ResponseParserError, LookupError, TypeError, ValueError):
            raise _not_given(role_arn) from None  # the cause would show the answer, and what secret may be in it
        if not holds:
            raise _not_given(role_arn)
        return given

    return DeferredRefreshableCredentials(fetch, "assume-role")


def _not_given(role_arn: str) -> BotoCoreError:
    return NotGiven(role_arn=role_arn)
