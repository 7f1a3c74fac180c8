"""A region's own check endpoint: does it answer, for which region, and is the answer of now?

The body is `{"timestamp": 1700611200123, "region": "us-east-1"}`, with 200 if healthy and 503 if not.
Source: the book, chapter 10, and its recipe regional-health-check.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import urllib3
from urllib3.exceptions import (
    HTTPError,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    SSLError,
    TimeoutError,
)
from urllib3.util import parse_url

from cncbops.aws import PROBE_TIMEOUT_S, PROBE_TRIES
from cncbops.errors import BadInput
from cncbops.health.access import RegionAccess
from cncbops.health.finding import Finding, Status, stamp

MOST_BYTES = 64 * 1024
"""A check's body is a line; of anything longer no more is read."""
STALE_S = 60

_REFUSALS = {
    403: (Status.unknown, "403: an API key is needed, or a firewall (WAF) is in the way"),
    429: (Status.unknown, "429: it is throttled"),
    502: (Status.fail, "502: its function does not load, or does not answer as it must"),
    503: (Status.fail, "503: it says that it is not healthy"),
    504: (Status.fail, "504: its function does not answer in time"),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status and body of HTTP, and how long that took."""

    status: int
    body: bytes
    latency_s: float


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing came back. It fails where the connection was refused or broken; silence says nothing."""

    status: Status
    why: str


def require_url(text: str) -> None:
    """Raises BadInput if this is no URL of a check endpoint."""
    try:
        url = parse_url(text)
        is_one = url.scheme in ("http", "https") and bool(url.host)
    except LocationParseError:
        is_one = False
    if not is_one:
        raise BadInput(
            f"{text!r} is no check endpoint", "Write https://ID.execute-api.REGION.amazonaws.com/STAGE/check"
        )


def check(access: RegionAccess, url: str) -> list[Finding]:
    """Ask a check endpoint, three times if it does not answer."""
    return [judge(url, ask(access.all.http, url), access.region, access.all.now())]


def ask(
    http: urllib3.PoolManager, url: str, tries: int = PROBE_TRIES, timeout_s: float = PROBE_TIMEOUT_S
) -> Answer | NoAnswer:
    """The first answer in so many tries, of a second each; whatever the status, an answer is one."""
    for left in reversed(range(tries)):
        try:
            return _answer(http, url, timeout_s)
        except HTTPError as error:
            if not left:
                return _no_answer(error, tries, timeout_s)
    raise AssertionError("at least one try")


def judge(url: str, answer: Answer | NoAnswer, region: str, now: datetime) -> Finding:
    """How a region's endpoint is, by what it answered."""
    if isinstance(answer, NoAnswer):
        return Finding(url, answer.status, answer.why)
    told = _told(answer.body)
    clock = _clock(told)
    off_s = round((now - clock).total_seconds(), 3) if clock else None
    facts = {
        "http_status": answer.status,
        "latency_ms": round(answer.latency_s * 1000, 1),
        "region": told.get("region"),
        "clock": stamp(clock) if clock else None,
        "clock_off_s": off_s,
    }
    return Finding(url, *_judged(answer, told, region, off_s), facts)


def _judged(answer: Answer, told: dict[str, Any], region: str, clock_off_s: float | None) -> tuple[Status, str]:
    if answer.status != 200:
        status, why = _REFUSALS.get(answer.status, (Status.fail, f"{answer.status}: not what a check endpoint answers"))
        return status, why + (_incomplete(told) if answer.status == 503 else "")
    if not told:
        return Status.warn, f"200, but what it answers is {_no_telling(answer.body)}"
    if told.get("statusCode", 200) != 200:
        return Status.fail, f"200, but in its body {_short(told['statusCode'])}: it says that it is not healthy"
    if told.get("region", region) != region:
        return Status.fail, f"answers for {_short(told['region'])}"
    if clock_off_s is not None and abs(clock_off_s) > STALE_S:
        return Status.warn, f"200, but its clock is {_off(clock_off_s)}"
    return Status.ok, f"200 in {answer.latency_s * 1000:,.0f} ms"


def _short(value: object) -> str:
    """What a stranger wrote, in a line."""
    return " ".join(str(value).split())[:60]


def _no_telling(body: bytes) -> str:
    """What a body is that tells nothing."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return f"longer than {MOST_BYTES // 1024} KiB" if len(body) >= MOST_BYTES else "no JSON"
    return "an empty JSON object, without a region and a time" if told == {} else "no JSON object"


def _incomplete(told: dict[str, Any]) -> str:
    """What the book's later template says of a check that is not healthy: `{"incomplete": true, "elapsed": 1500}`."""
    facts = [f"{key} {_short(told[key]).lower()}" for key in ("incomplete", "elapsed") if key in told]
    return f" ({', '.join(facts)})" if facts else ""


def _off(seconds: float) -> str:
    """How far a clock is off. A cache gives old answers, never ones of the future."""
    if seconds > 0:
        return f"{seconds:,.0f} s behind: the answer may come from a cache"
    return f"{-seconds:,.0f} s ahead: it or the clock here is wrong"


def _answer(http: urllib3.PoolManager, url: str, timeout_s: float) -> Answer:
    """One try: so long each to connect, for the answer to begin, and for it to end. Raises HTTPError."""
    started = time.monotonic()
    response = http.request("GET", url, timeout=timeout_s, retries=False, redirect=False, preload_content=False)
    try:
        body = _read(response, time.monotonic() + timeout_s)
    except BaseException:
        response.close()
        raise
    response.release_conn()
    return Answer(response.status, body, time.monotonic() - started)


def _read(response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    """The body as far as it is of interest; a server that trickles gets no more time than one that is silent."""
    body = b""
    while len(body) < MOST_BYTES and (piece := response.read1(MOST_BYTES)):
        body += piece
        if time.monotonic() > deadline:
            raise TimeoutError("the answer did not end in time")
    return body


def _no_answer(error: HTTPError, tries: int, timeout_s: float) -> NoAnswer:
    tried = f"{tries} tries" if tries > 1 else "one try"
    match error:
        case ProxyError():
            why = " ".join(str(error.original_error).split())[:200]
            return NoAnswer(Status.unknown, f"no way through the proxy, {tried}: {why}")
        case NameResolutionError():
            return NoAnswer(Status.unknown, "its name cannot be resolved")
        case NewConnectionError() if isinstance(error.__cause__, ConnectionRefusedError):
            return NoAnswer(Status.fail, f"the connection is refused, {tried}")
        case NewConnectionError():
            return NoAnswer(Status.unknown, f"cannot be reached from here, {tried}")
        case TimeoutError():
            return NoAnswer(Status.unknown, f"does not answer within {timeout_s:g} s, {tried}")
        case SSLError():
            return NoAnswer(Status.fail, f"no TLS: {' '.join(str(error).split())[:200]}")
        case _:
            return NoAnswer(Status.fail, f"the connection is broken off, {tried}")


def _told(body: bytes) -> dict[str, Any]:
    """What the body says; empty if it is no JSON object."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}


def _clock(told: dict[str, Any]) -> datetime | None:
    """The endpoint's own time, where it tells it in milliseconds."""
    stamp = told.get("timestamp")
    if isinstance(stamp, bool) or not isinstance(stamp, int | float):
        return None
    try:
        return datetime.fromtimestamp(stamp / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
