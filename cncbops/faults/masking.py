"""A document made fit to be shown: what looks like a secret or like personal data is masked.

A field is masked whole, whatever it holds, if its name says so: if a word of it is in WORDS, or if the name,
its case and separators left out, contains one of PARTS. JSON inside of strings (a queue's body), in base64
(`kinesis.data`) and behind the library's compression marker is opened, to be masked as well; in all other
strings it is what looks like a credential or an address of e-mail by itself. This is a help to the eye and
no protection: what stands in a field called `note` is shown.
"""

import base64
import json
import math
import re
from typing import Any

from cncbops.faults.compressed import inflated
from cncbops.formats.event import Bytes, mend_lone_surrogates

MASK = "***"
WORDS = frozenset({"auth", "cvc", "cvv", "dob", "email", "iban", "jwt", "otp", "phone", "pin", "pwd", "ssn"})
PARTS = (
    "accesskey",
    "accountnumber",
    "apikey",
    "authorization",
    "birthdate",
    "cardnumber",
    "cookie",
    "credential",
    "creditcard",
    "dateofbirth",
    "driverlicense",
    "driverslicense",
    "encryptionkey",
    "firstname",
    "lastname",
    "nationalid",
    "passphrase",
    "passport",
    "passwd",
    "password",
    "phonenumber",
    "privatekey",
    "secret",
    "securitycode",
    "sessionid",
    "socialsecurity",
    "taxid",
    "token",
)

_IN_BASE64 = frozenset({"data", "rawData"})
_COMPRESSED = "COMPRESSEDH4sI"
_MOST_DIGITS = 4_000  # beyond which Python makes no integer of a text
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_NAMED = r"(?i:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key)"
_CREDENTIALS = (
    (re.compile(r"\b((?i:bearer|basic))\s+[\w.~+/=-]{8,}"), rf"\1 {MASK}"),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*"), MASK),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), MASK),
    (re.compile(rf"({_NAMED}\s*[=:]\s*)[^\s,;&\"']+"), rf"\1{MASK}"),
    (re.compile(r"(://[^/\s:@]{1,100}:)[^/\s@]{1,200}@"), rf"\1{MASK}@"),
    (re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}\b"), MASK),
)


def masked(document: Bytes) -> Any:
    """The value of a JSON text, masked; of what is no JSON, its text. Never raises."""
    text = mend_lone_surrogates(bytes(document)).decode(errors="replace")
    try:
        return _masked(_loaded(text))
    except ValueError:
        return masked_text(text)
    except RecursionError:
        return "(nested too deeply to be shown)"


def masked_text(text: str) -> str:
    """A text, as of an error, in which what looks like a credential is masked."""
    for pattern, mask in _CREDENTIALS:
        text = pattern.sub(mask, text)
    return text


def is_sensitive(name: str) -> bool:
    """Whether a field of this name is masked."""
    words = [word.lower() for word in _WORD.findall(name)]
    joined = "".join(words)
    return not WORDS.isdisjoint(words) or any(part in joined for part in PARTS)


def _masked(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {field: MASK if is_sensitive(field) else _masked(each, field) for field, each in value.items()}
    if isinstance(value, list):
        return [_masked(each, name) for each in value]
    return _masked_string(value, name) if isinstance(value, str) else value


def _masked_string(text: str, name: str) -> Any:
    try:
        if text.startswith(_COMPRESSED):
            return _masked(_loaded(bytes(inflated(json.dumps(text).encode())).decode()))
        inner = base64.b64decode(text, validate=True).decode() if name in _IN_BASE64 else text
        if inner.lstrip()[:1] in ("{", "["):
            return _masked(_loaded(inner))
    except ValueError:
        pass
    return masked_text(text)


def _loaded(text: str) -> Any:
    return json.loads(mend_lone_surrogates(text.encode()), parse_int=_integer, parse_float=_float)


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


def _float(digits: str) -> float | str:
    value = float(digits)
    return value if math.isfinite(value) else digits
