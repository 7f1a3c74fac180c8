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

from cncbops.native import hot

ALGORITHM = "AWS4-HMAC-SHA256"
TIMESTAMP = "%Y%m%dT%H%M%SZ"

Template = tuple[bytes | int, ...]
"""What requests have in common, and numbers where each has a value of its own."""

_PATH, _URI, _DIGEST, _LENGTH, _VARYING = range(5)
"""The numbers of these values; those of headers that vary follow, and the signature comes last."""


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
    """What is alike with the same keys in a second: templates, what is signed before a hash, and the key for it."""

    number: int
    keys: ReadOnlyCredentials
    canonical: Template
    to_sign: bytes
    key: bytes
    head: Template


class Signer:
    """Makes the heads of requests of one form; safe to call from many threads."""

    def __init__(self, credentials: Credentials, scope: Scope, form: Form) -> None:
        self._credentials, self._scope, self._form = credentials, scope, form
        self._varying = sorted(form.varying)
        self._signed = self._numbered(form.signed)
        if form.tells_hash:
            self._signed["x-amz-content-sha256"] = _DIGEST
        self._unsigned = self._numbered(form.unsigned)
        if form.tells_length:
            self._unsigned["content-length"] = _LENGTH
        self._second: _Second | None = None  # replaced as one

    def head(self, body: bytes, path: str, uri: str, varying: Mapping[str, str] = {}, at_s: int | None = None) -> bytes:
        """The head of a request with that body, for an encoded path and its canonical URI.

        `at_s` is its time, in seconds of the epoch, None for now. Credentials are asked for each time. Raises what
        they raise.
        """
        second = self._second_of(int(time.time()) if at_s is None else at_s)
        values = (
            path.encode(),
            uri.encode(),
            sha256(body).hexdigest().encode(),
            b"%d" % len(body),
            *[varying[name].encode() for name in self._varying],
        )
        sign = hot.signed_head if hot else _signed
        return sign(second.canonical, second.to_sign, second.key, second.head, values)

    def _numbered(self, headers: Mapping[str, str]) -> dict[str, str | int]:
        """Headers, of those that vary with the number of their value."""
        numbers = {name: number for number, name in enumerate(self._varying, start=_VARYING)}
        return {name: numbers.get(name, value) for name, value in headers.items()}

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
            signed["x-amz-security-token"] = " ".join(keys.token.split())
        names = ";".join(sorted(signed))
        lines = [part for name in sorted(signed) for part in (f"{name}:", signed[name], "\n")]
        method, query = self._form.method, self._form.query
        scope = "/".join((day, *self._scope, "aws4_request"))
        authorization = f"{ALGORITHM} Credential={keys.access_key}/{scope}, SignedHeaders={names}, Signature="
        sent = [part for name, value in {**signed, **self._unsigned}.items() for part in (f"{name}: ", value, "\r\n")]
        target = (_PATH, f"?{query}") if query else (_PATH,)
        signature = _VARYING + len(self._varying)
        return _Second(
            number,
            keys,
            _template(f"{method}\n", _URI, f"\n{query}\n", *lines, f"\n{names}\n", _DIGEST),
            f"{ALGORITHM}\n{timestamp}\n{scope}\n".encode(),
            _key(keys.secret_key or "", day, self._scope),
            _template(
                *(f"{method} ", *target, " HTTP/1.1\r\n", *sent),
                *("authorization: ", authorization, signature, "\r\n\r\n"),
            ),
        )


def _template(*parts: str | int) -> Template:
    """Parts, with texts that are neighbours as one."""
    pieces: list[bytes | int] = []
    for part in parts:
        piece = part.encode() if isinstance(part, str) else part
        if pieces and isinstance(pieces[-1], bytes) and isinstance(piece, bytes):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return tuple(pieces)


def _signed(canonical: Template, to_sign: bytes, key: bytes, head: Template, values: tuple[bytes, ...]) -> bytes:
    """A head, signed over what is canonical of it: its hash is what is to be signed last."""
    hashed = sha256(_filled(canonical, values)).hexdigest().encode()
    signature = hmac.digest(key, to_sign + hashed, "sha256").hex().encode()
    return _filled(head, (*values, signature))


def _filled(template: Template, values: tuple[bytes, ...]) -> bytes:
    return b"".join([values[piece] if isinstance(piece, int) else piece for piece in template])


def _key(secret: str, day: str, scope: Scope) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, *scope, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
