"""A check endpoint, as it answers, lies, breaks or stays silent; on a real socket."""

import json
import math
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.errors import BadInput
from cncbops.health.access import RegionAccess
from cncbops.health.check_endpoint import Answer, NoAnswer, ask, check, judge, require_url
from cncbops.health.finding import Finding, Status
from tests.health.conftest import NOW
from tests.health.endpoints import Behaviour, answers, endpoint, hangs, resets, trickles

NOW_MS = round(NOW.timestamp() * 1000)


def body(**more: Any) -> bytes:
    return json.dumps({"timestamp": NOW_MS, "region": "us-east-1", **more}).encode()


def found(access: RegionAccess, *behaviours: Behaviour) -> tuple[Finding, int]:
    """What is found, and after how many connections."""
    with endpoint(*behaviours) as served:
        (finding,) = check(access, served.url)
        assert finding.subject == served.url
        return finding, served.arrived


def test_a_healthy_region_tells_its_name_and_its_time(access: RegionAccess) -> None:
    finding, arrived = found(access, answers(body()))
    facts = dict(finding.facts)
    latency_ms = facts.pop("latency_ms")
    assert (finding.status, arrived) == (Status.ok, 1)
    assert finding.why in (f"200 in {math.floor(latency_ms)} ms", f"200 in {math.ceil(latency_ms)} ms")
    assert facts == {
        "http_status": 200,
        "region": "us-east-1",
        "clock": "2023-11-22T00:30:00.000Z",
        "clock_off_s": 0,
    }


@pytest.mark.parametrize(
    ("answer", "status", "why"),
    [
        (answers(body(region="us-west-2")), Status.fail, "answers for us-west-2"),
        (answers(body(), "503 Service Unavailable"), Status.fail, "503: it says that it is not healthy"),
        (answers(body(statusCode=503)), Status.fail, "200, but in its body 503"),
        (answers(b"{}", "502 Bad Gateway"), Status.fail, "502: its function does not load"),
        (answers(b"{}", "504 Gateway Timeout"), Status.fail, "504: its function does not answer in time"),
        (answers(b"{}", "404 Not Found"), Status.fail, "404: not what a check endpoint answers"),
        (answers(b"", "302 Found", b"Location: http://127.0.0.1:1/\r\n"), Status.fail, "302: not what"),
        (answers(b'{"message":"Forbidden"}', "403 Forbidden"), Status.unknown, "403: an API key"),
        (answers(b"{}", "429 Too Many Requests"), Status.unknown, "429: it is throttled"),
        (answers(b"<html>captive portal</html>"), Status.warn, "200, but what it answers is no JSON"),
        (answers(body(timestamp=NOW_MS - 61_000)), Status.warn, "200, but its clock is 61 s behind"),
        (answers(body(timestamp=NOW_MS - 60_000)), Status.ok, "200 in "),
        (answers(b'{"incomplete":0,"elapsed":12,"get":5,"save":7}'), Status.ok, "200 in "),
        (answers(body(timestamp="yesterday")), Status.ok, "200 in "),
        (answers(body(timestamp=1e300)), Status.ok, "200 in "),
    ],
)
def test_an_answer_is_taken_at_once(access: RegionAccess, answer: Behaviour, status: Status, why: str) -> None:
    with endpoint(answer) as served:
        told = ask(access.all.http, served.url, timeout_s=60)  # a busy machine may let it wait for more than a second
    finding = judge(served.url, told, access.region, NOW)
    assert (finding.status, served.arrived) == (status, 1)
    assert finding.why.startswith(why)


@pytest.mark.parametrize(
    ("status", "told", "why"),
    [
        (200, b"", "200, but what it answers is no JSON"),
        (200, b"[1]", "200, but what it answers is no JSON object"),
        (200, b"{}", "200, but what it answers is an empty JSON object, without a region and a time"),
        (200, b'{"x": "' + 65_536 * b"y", "200, but what it answers is longer than 64 KiB"),
        (
            200,
            body(timestamp=NOW_MS - 90_000),
            "200, but its clock is 90 s behind: the answer may come from a cache",
        ),
        (200, body(timestamp=NOW_MS + 90_000), "200, but its clock is 90 s ahead: it or the clock here is wrong"),
        (503, b"[1]", "503: it says that it is not healthy"),
        (
            503,
            b'{"incomplete":true,"elapsed":1500,"get":5}',
            "503: it says that it is not healthy (incomplete true, elapsed 1500)",
        ),
        (502, b'{"elapsed":1500}', "502: its function does not load, or does not answer as it must"),
    ],
)
def test_what_an_answer_lacks_is_told_as_it_is(status: int, told: bytes, why: str) -> None:
    assert judge("http://x/check", Answer(status, told, 0.1), "us-east-1", NOW).why == why


@pytest.mark.parametrize(
    ("behaviour", "timeout_s", "status", "why"),
    [
        (hangs, 0.5, Status.unknown, "does not answer within 0.5 s, 3 tries"),
        (trickles, 0.5, Status.unknown, "does not answer within 0.5 s, 3 tries"),
        (resets, 60, Status.fail, "the connection is broken off, 3 tries"),
    ],
)
def test_what_brings_no_answer_is_tried_three_times(
    access: RegionAccess, behaviour: Behaviour, timeout_s: float, status: Status, why: str
) -> None:
    with endpoint(behaviour) as served:
        finding = judge(served.url, ask(access.all.http, served.url, timeout_s=timeout_s), access.region, NOW)
    assert (finding.status, finding.why, served.arrived) == (status, why, 3)
    assert finding.facts == {}


def test_a_refused_connection_fails_after_three_tries(access: RegionAccess) -> None:
    with endpoint(hangs) as served:
        url = served.url
    (finding,) = check(access, url)
    assert (finding.status, finding.why) == (Status.fail, "the connection is refused, 3 tries")


def test_a_proxy_is_gone_through_but_where_it_is_not_to_be(
    access: RegionAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    with endpoint(answers(body())) as proxy, endpoint(answers(body(region="us-west-2"))) as direct:
        monkeypatch.setenv("http_proxy", proxy.url)
        (finding,) = check(access, "http://check.invalid/john/check")
        assert (finding.status, proxy.arrived) == (Status.ok, 1)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        (finding,) = check(access, direct.url)
        assert (finding.why, proxy.arrived) == ("answers for us-west-2", 1)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_lets_nothing_through_says_nothing_of_the_region(
    access: RegionAccess, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    with endpoint(answers(b"", "502 Bad Gateway")) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        (finding,) = check(access, "https://check.invalid/john/check")
        assert (finding.status, proxy.arrived) == (Status.unknown, 3)
        assert finding.why.startswith("no way through the proxy, 3 tries: Tunnel connection failed: 502")
    monkeypatch.setenv(f"{scheme}_proxy", proxy.url)
    (finding,) = check(access, f"{scheme}://check.invalid/john/check")
    assert finding.status is Status.unknown
    assert finding.why.startswith("no way through the proxy, 3 tries: ")


def test_a_second_try_may_bring_the_answer_and_its_latency_is_what_counts(access: RegionAccess) -> None:
    started = time.monotonic()
    finding, arrived = found(access, hangs, answers(body()))
    assert (finding.status, arrived) == (Status.ok, 2)
    assert finding.facts["latency_ms"] < (time.monotonic() - started) * 1000 - 900


def test_it_can_be_asked_just_once(access: RegionAccess) -> None:
    with endpoint(resets) as served:
        told = ask(access.all.http, served.url, tries=1)
        assert (told, served.arrived) == (NoAnswer(Status.fail, "the connection is broken off, one try"), 1)


def test_no_more_is_read_than_can_be_of_interest(access: RegionAccess) -> None:
    with endpoint(answers(b" " * 5_000_000)) as served:
        told = ask(access.all.http, served.url)
    assert isinstance(told, Answer)
    assert 64 * 1024 <= len(told.body) < 200_000


@given(
    st.integers(100, 599),
    st.one_of(
        st.binary(max_size=30),
        st.dictionaries(
            st.sampled_from(["timestamp", "region", "statusCode"]),
            st.one_of(st.integers(), st.floats(), st.text(max_size=5), st.none(), st.lists(st.integers(), max_size=2)),
        ).map(lambda told: json.dumps(told).encode()),
    ),
)
def test_whatever_it_answers_is_judged_in_one_line(status: int, told: bytes) -> None:
    finding = judge("http://x/check", Answer(status, told, 0.1), "us-east-1", NOW)
    assert finding.why
    assert len(finding.why.splitlines()) == 1
    assert finding.status is not Status.ok or status == 200


@given(st.timedeltas(timedelta(days=-300), timedelta(days=300)))
def test_a_clock_may_be_off_by_a_minute(off: timedelta) -> None:
    stamp_ms = round((NOW - off).timestamp() * 1000)
    answer: Mapping[str, Any] = {"timestamp": stamp_ms, "region": "us-east-1"}
    finding = judge("http://x/check", Answer(200, json.dumps(answer).encode(), 0.1), "us-east-1", NOW)
    is_off = abs(NOW_MS - stamp_ms) > 60_000
    assert finding.status is (Status.warn if is_off else Status.ok)


@pytest.mark.parametrize(
    "text", ["", "check", "ftp://x/check", "https://", "http://:80/", "http://x:99999/", "//x/check"]
)
def test_only_urls_can_be_asked(text: str) -> None:
    with pytest.raises(BadInput, match="no check endpoint"):
        require_url(text)


@pytest.mark.parametrize(
    "text", ["http://127.0.0.1:8080/john/check", "https://abc.execute-api.us-east-1.amazonaws.com/john/check"]
)
def test_urls_can_be_asked(text: str) -> None:
    require_url(text)
