"""Signatures of AWS for many requests alike: the key is derived once a day, the rest is a few strings.

Source: AWS IAM User Guide, "AWS Signature Version 4 for API requests", "Create a signed AWS API request".
"""

import hmac
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Protocol

from botocore.credentials import ReadOnlyCredentials

ALGORITHM = "AWS4-HMAC-SHA256"
TIMESTAMP = "%Y%m%dT%H%M%SZ"


class Credentials(Protocol):
    """Credentials of botocore, which renews them where they end."""

    def get_frozen_credentials(self) -> ReadOnlyCredentials: ...


class Signer:
    """Signs for one service in one region; safe to call from many threads."""

    def __init__(self, credentials: Credentials, region: str, service: str) -> None:
        self._credentials = credentials
        self._region, self._service = region, service
        self._derived: tuple[str, str, bytes] = ("", "", b"")  # secret, day, key: replaced as one

    def signed(
        self,
        method: str,
        uri: str,
        query: str,
        headers: Mapping[str, str],
        payload_sha256: str,
        timestamp: str | None = None,
    ) -> dict[str, str]:
        """The headers to send: those given, all of them signed, with date, session token and signature.

        Names are in lower case, values without white space around or doubled in them; `uri` and `query`
        are canonical: encoded, the query sorted.
        """
        keys = self._credentials.get_frozen_credentials()
        timestamp = timestamp or time.strftime(TIMESTAMP, time.gmtime())
        signed = {**headers, "x-amz-date": timestamp}
        if keys.token:
            signed["x-amz-security-token"] = " ".join(keys.token.split())
        names = sorted(signed)
        names_signed = ";".join(names)
        lines = "\n".join([f"{name}:{signed[name]}" for name in names])
        canonical = f"{method}\n{uri}\n{query}\n{lines}\n\n{names_signed}\n{payload_sha256}"
        day = timestamp[:8]
        scope = f"{day}/{self._region}/{self._service}/aws4_request"
        to_sign = f"{ALGORITHM}\n{timestamp}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(self._key(keys.secret_key or "", day), to_sign.encode(), "sha256").hex()
        signed["authorization"] = (
            f"{ALGORITHM} Credential={keys.access_key}/{scope}, SignedHeaders={names_signed}, Signature={signature}"
        )
        return signed

    def _key(self, secret: str, day: str) -> bytes:
        known_secret, known_day, key = self._derived
        if (known_secret, known_day) != (secret, day):
            key = f"AWS4{secret}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._derived = (secret, day, key)
        return key
