"""Signed heads of many requests alike: what is the same in all is made once, what is the same in a second once in it.

Source: AWS IAM User Guide, "AWS Signature Version 4 for API requests", "Create a signed AWS API request".
"""

import hmac
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple, Protocol

from botocore.credentials import ReadOnlyCredentials
from msgspec import Struct

ALGORITHM = "AWS4-HMAC-SHA256"
TIMESTAMP = "%Y%m%dT%H%M%SZ"


class Credentials(Protocol):
    """Credentials of botocore, which renews them where they end."""

    def get_frozen_credentials(self) -> ReadOnlyCredentials: ...


class Scope(NamedTuple):
    """Where a signature is good."""

    region: str
    service: str


class Form(Struct, frozen=True):
    """What requests of one form have in common, but for the date, session token and signature.

    Names of headers are in lower case, values without white space around or doubled in them; `query` is canonical:
    encoded and sorted. Of the headers in `varying` each request has a value of its own. `tells_hash`: it has one
    of its payload, too; `tells_length`: one of its length, which is not signed.
    """

    method: str
    query: str
    signed: Mapping[str, str]
    unsigned: Mapping[str, str] = {}
    varying: frozenset[str] = frozenset()
    tells_hash: bool = False
    tells_length: bool = False


class _Second(NamedTuple):
    """What is alike with the same keys in a second: templates, what is signed but for a hash, and the key for it."""

    number: int
    keys: ReadOnlyCredentials
    canonical: bytes
    to_sign: bytes
    key: bytes
    head: bytes


class Signer:
    """Makes the heads of requests of one form; safe to call from many threads."""

    def __init__(self, credentials: Credentials, scope: Scope, form: Form) -> None:
        self._credentials, self._scope, self._form = credentials, scope, form
        self._signed = _slotted(form.signed, form.varying)
        if form.tells_hash:
            self._signed["x-amz-content-sha256"] = "%(digest)s"
        self._unsigned = _slotted(form.unsigned, form.varying)
        if form.tells_length:
            self._unsigned["content-length"] = "%(length)s"
        self._second: _Second | None = None  # replaced as one

    def head(self, body: bytes, path: str, uri: str, varying: Mapping[str, str] = {}, at_s: int | None = None) -> bytes:
        """The head of a request with that body, for an encoded path and its canonical URI.

        `at_s` is its time, in seconds of the epoch, None for now. Credentials are asked for each time. Raises what
        they raise.
        """
        second = self._second_of(int(time.time()) if at_s is None else at_s)
        values = {
            b"path": path.encode(),
            b"uri": uri.encode(),
            b"digest": sha256(body).hexdigest().encode(),
            b"length": b"%d" % len(body),
            **{name.encode(): value.encode() for name, value in varying.items()},
        }
        hashed = sha256(second.canonical % values).hexdigest().encode()
        values[b"signature"] = hmac.digest(second.key, second.to_sign + hashed, "sha256").hex().encode()
        return second.head % values

    def _second_of(self, number: int) -> _Second:
        keys, second = self._credentials.get_frozen_credentials(), self._second
        if second is None or (second.number, second.keys) != (number, keys):
            self._second = second = self._made(number, keys)
        return second

    def _made(self, number: int, keys: ReadOnlyCredentials) -> _Second:
        timestamp = time.strftime(TIMESTAMP, time.gmtime(number))
        day = timestamp[:8]
        signed = {**self._signed, "x-amz-date": timestamp}
        if keys.token:
            signed["x-amz-security-token"] = _plain(" ".join(keys.token.split()))
        names = ";".join(sorted(signed))
        lines = "".join([f"{name}:{signed[name]}\n" for name in sorted(signed)])
        method, query = self._form.method, _plain(self._form.query)
        scope = "/".join((day, *self._scope, "aws4_request"))
        credential = _plain(f"{keys.access_key}/{scope}")
        authorization = f"{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature=%(signature)s"
        sent = {**signed, **self._unsigned, "authorization": authorization}
        return _Second(
            number,
            keys,
            f"{method}\n%(uri)s\n{query}\n{lines}\n{names}\n%(digest)s".encode(),
            f"{ALGORITHM}\n{timestamp}\n{scope}\n".encode(),
            _key(keys.secret_key or "", day, self._scope),
            _head(method, f"%(path)s?{query}" if query else "%(path)s", sent).encode(),
        )


def _plain(text: str) -> str:
    """Text as it stands in a template."""
    return text.replace("%", "%%")


def _slotted(headers: Mapping[str, str], varying: frozenset[str]) -> dict[str, str]:
    return {_plain(name): f"%({name})s" if name in varying else _plain(value) for name, value in headers.items()}


def _head(method: str, target: str, headers: Mapping[str, str]) -> str:
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n"


def _key(secret: str, day: str, scope: Scope) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, *scope, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
