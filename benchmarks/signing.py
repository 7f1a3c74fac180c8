"""AWS's Signature Version 4, and nothing else. Source: AWS IAM User Guide, "Create a signed AWS API request"."""

import hashlib
import hmac
import time

KEY_ID = "AKIDEXAMPLE"
SECRET = "example-of-a-secret-key"  # noqa: S105  nobody checks it
REGION = "us-east-1"
_NOTHING = hashlib.sha256(b"").hexdigest()


class Signer:
    """Makes the heads of requests to one service on one host."""

    def __init__(self, service: str, host: str) -> None:
        self._service = service
        self._host = host
        self._moment = 0
        self._head, self._date, self._scope, self._key = "", "", "", b""

    def head(self, method: str, path: str, body: bytes = b"", extra: str = "") -> bytes:
        """The signed head of a request; the body's hash is a part of what is signed."""
        self._renew()
        digest = hashlib.sha256(body).hexdigest() if body else _NOTHING
        canonical = (
            f"{method}\n{path}\n\nhost:{self._host}\nx-amz-content-sha256:{digest}\nx-amz-date:{self._date}\n\n"
            f"host;x-amz-content-sha256;x-amz-date\n{digest}"
        )
        text = f"AWS4-HMAC-SHA256\n{self._date}\n{self._scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(self._key, text.encode(), "sha256").hex()
        return (
            f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\nX-Amz-Date: {self._date}\r\n"
            f"X-Amz-Content-SHA256: {digest}\r\n{self._head}{signature}\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
        ).encode()

    def _renew(self) -> None:
        """Each second has its date, each day its key."""
        now = int(time.time())
        if now == self._moment:
            return
        self._moment, moment = now, time.gmtime(now)
        self._date, day = time.strftime("%Y%m%dT%H%M%SZ", moment), time.strftime("%Y%m%d", moment)
        self._scope = f"{day}/{REGION}/{self._service}/aws4_request"
        self._key = f"AWS4{SECRET}".encode()
        for part in self._scope.split("/"):
            self._key = hmac.digest(self._key, part.encode(), "sha256")
        self._head = (
            f"Authorization: AWS4-HMAC-SHA256 Credential={KEY_ID}/{self._scope}, "
            "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature="
        )
