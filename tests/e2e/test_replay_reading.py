"""Trouble in the lake: what cannot be read is counted and named, and all else is delivered."""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from email.message import Message
from pathlib import Path
from typing import Any

from cncbops.lake.lines import LONGEST_DOCUMENT
from tests.e2e import far_side_s3, lakes
from tests.e2e.far_side import FarSide, StoredObject
from tests.e2e.far_side_s3 import Answer
from tests.e2e.replays import Replays
from tests.e2e.servers import Cncbops

EVENTS = [event for _, event in lakes.make_events(30, 4, seed=6)]
LINES = [lakes.envelope(event, "thing-1", number) for number, event in enumerate(EVENTS, 1)]


def places(failures: Any) -> list[tuple[str, int, str]]:
    return [(failure["object"].rpartition("/")[2], failure["line"], failure["error"]) for failure in failures]


def test_malformed_lines_are_named_and_the_others_delivered(far_side: FarSide, replays: Replays) -> None:
    body = [
        LINES[0],
        b'{"event":{"id":"cut',
        b"card 4111-1111 is not JSON",
        LINES[1],
        b"[1,2,3]",
        b'{"no":"type"}',
        b"",
        b'{"type":"thing-created","bad":"\xff\xfe"}',
        b'{"event":null,"firehoseRecordMetadata":{}}',
        LINES[2] + b" trailing words",
        LINES[3],
    ]
    far_side.add_bucket("lake", {"a": lakes.join(body), "b": lakes.join(LINES[4:10])})
    far_side.add_function("fn")
    run = replays.execute()
    assert far_side.delivered_data() == EVENTS[:10]
    assert places(run.failures) == [
        ("a", 2, "NotJson"),
        ("a", 3, "NotJson"),
        ("a", 5, "NotAnEvent"),
        ("a", 6, "NotAnEvent"),
        ("a", 8, "NotUtf8"),
        ("a", 9, "NotAnEvent"),
        ("a", 10, "NotJson"),
    ]
    assert (run.code, run.status, run.events["malformed"], run.events["delivered"]) == (3, "partial", 7, 10)
    assert list(run.kept) == run.failures
    in_ledger = Path(run.summary["ledger"]).read_bytes()
    assert (in_ledger.count(b"NotAnEvent"), b"4111-" in in_ledger) == (3, False)
    assert "4111-" not in json.dumps(run.summary)


def test_objects_that_cannot_be_read_are_named_and_the_others_delivered(far_side: FarSide, replays: Replays) -> None:
    packed = gzip.compress(lakes.join(LINES[10:20]), mtime=0)
    far_side.add_bucket(
        "lake",
        {
            "a-good": lakes.join(LINES[:10]),
            "b-truncated.gz": packed[:-20],
            "c-vanished": StoredObject(b"x", vanished=True),
            "d-archived": StoredObject(b"x", storage_class="GLACIER"),
            "e-deep-archived": StoredObject(b"x", storage_class="DEEP_ARCHIVE"),
            "f-parquet": b"PAR1" + b"\0" * 100,
            "g-damaged.gz": b"\x1f\x8b\x08\x00" + b"\xff" * 60,
            "h-good": lakes.join(LINES[20:]),
        },
    )
    far_side.add_function("fn")
    run = replays.execute()
    delivered = far_side.delivered_data()
    assert [event for event in delivered if event not in EVENTS[10:20]] == EVENTS[:10] + EVENTS[20:]
    named = {failure["object"].rpartition("/")[2]: failure for failure in run.failures}
    assert {name: failure["error"] for name, failure in named.items()} == {
        "b-truncated.gz": "CorruptObject",
        "c-vanished": "NoSuchKey",
        "d-archived": "Archived",
        "e-deep-archived": "Archived",
        "f-parquet": "UnsupportedFormat",
        "g-damaged.gz": "CorruptObject",
    }
    assert "restore" in named["d-archived"]["message"]
    assert run.summary["objects"].items() >= {"listed": 8, "read": 2, "failed": 6, "skipped": 0}.items()
    assert (run.code, run.status) == (3, "partial")


def test_a_line_longer_than_any_event_is_named_and_the_others_delivered(far_side: FarSide, replays: Replays) -> None:
    """However much is compressed into a small object, and whatever an invocation would carry of it."""
    endless = b'{"type":"thing-created","x":"' + b"x" * (LONGEST_DOCUMENT + 2 * 1024 * 1024)
    bomb = gzip.compress(lakes.join([LINES[0], endless]), compresslevel=1, mtime=0)
    far_side.add_bucket("lake", {"a": bomb, "b": lakes.join(LINES[1:5])})
    far_side.add_function("fn")
    run = replays.execute()
    assert (run.code, run.status, far_side.delivered_data()) == (3, "partial", EVENTS[:5])
    (failure,) = run.failures
    assert (failure["object"], failure["line"], failure["error"]) == ("s3://lake/a", 0, "LineTooLong")
    assert failure["message"] == "line 2 holds a document of over 64 MiB"


def test_what_holds_no_events_is_skipped_and_counted(far_side: FarSide, replays: Replays) -> None:
    dated = "us-east-1/2018/04/08/03"
    far_side.add_bucket(
        "lake",
        {
            f"{dated}/": b"",
            f"{dated}/empty": b"",
            f"us-east-1/claimchecks/2018/04/08/03/{'0' * 8}": b'{"id":"e-1","type":"a-claim-check"}',
            f"{dated}/good": lakes.join(LINES[:5]),
        },
    )
    far_side.add_function("fn")
    run = replays.execute(sources=["s3://lake/us-east-1/"])
    assert far_side.delivered_data() == EVENTS[:5]
    assert run.summary["objects"].items() >= {"listed": 4, "read": 1, "skipped": 3, "failed": 0}.items()
    assert (run.code, run.status) == (0, "succeeded")


def test_any_object_key_is_read_as_it_is(far_side: FarSide, replays: Replays) -> None:
    keys = lakes.HOSTILE_OBJECT_KEYS
    far_side.add_bucket("lake", {key: LINES[number] for number, key in enumerate(keys)} | {"lake/bad\u00e9 %2B": b"{"})
    far_side.add_function("fn")
    run = replays.execute(sources=["s3://lake/lake"])
    assert sorted(far_side.delivered_data()) == sorted(EVENTS[: len(keys)])
    assert [failure["object"] for failure in run.failures] == ["s3://lake/lake/bad\u00e9 %2B"]


def test_a_prefix_is_taken_literally(far_side: FarSide, replays: Replays) -> None:
    far_side.add_bucket("lake", {"a b/+%20/\u00e9": LINES[0], "a b/ 20/\u00e9": LINES[1], "a+b/+%20/\u00e9": LINES[2]})
    far_side.add_function("fn")
    replays.execute(sources=["s3://lake/a b/+%20/\u00e9"])
    assert far_side.delivered_data() == EVENTS[:1]


def test_a_listing_of_many_pages_is_read_to_its_end_in_order(far_side: FarSide, replays: Replays) -> None:
    events = [b'{"id":"e-%d","type":"a"}' % number for number in range(1100)]
    far_side.add_bucket(
        "lake", {f"x/{number:05}": lakes.envelope(event, "k", number) for number, event in enumerate(events, 1)}
    )
    far_side.add_function("fn")
    run = replays.execute()
    assert far_side.delivered_data() == events
    assert run.summary["objects"].items() >= {"listed": 1100, "read": 1100}.items()


def test_credentials_that_expire_midway_stop_the_run_with_every_event_accounted_for(
    far_side: FarSide, replays: Replays
) -> None:
    far_side.add_bucket("lake", {"a": lakes.join(LINES[:10]), "b": lakes.join(LINES[10:20]), "c": LINES[20]})
    far_side.add_function("fn")
    far_side.refuse("GET /lake/c", far_side_s3.error(400, "ExpiredToken", "The provided token has expired."))
    run = replays.execute()
    assert (run.code, run.status, run.events["matched"]) == (1, "failed", 20)
    assert run.events["delivered"] == len(far_side.delivered())
    assert "expired" in run.err


def slow_down(_: Answer) -> Answer:
    return far_side_s3.error(503, "SlowDown", "Please reduce your request rate.")


def hang_up(_: Answer) -> None:
    return None


def cut(answer: Answer) -> Answer:
    whole = {**answer.headers, "Content-Length": str(len(answer.body)), "Connection": "close"}
    return answer._replace(headers=whole, body=answer.body[: len(answer.body) // 2])


class Troubled(FarSide):
    """The first requests that begin so get what is made of their answers."""

    def __init__(self, troubles: Mapping[str, Sequence[Callable[[Answer], Answer | None]]]) -> None:
        super().__init__()
        self.left = {beginning: list(each) for beginning, each in troubles.items()}

    def answer(self, method: str, target: str, headers: Message, body: bytes) -> Answer | None:
        answer = super().answer(method, target, headers, body)
        troubles = next((each for beginning, each in self.left.items() if target.startswith(beginning)), [])
        return troubles.pop(0)(answer) if troubles and answer else answer


def test_reads_that_are_broken_off_or_cut_are_taken_up_again(cncbops: Cncbops) -> None:
    events = [event for _, event in lakes.make_events(4000, 1, seed=6)]
    with Troubled({"/lake?": [slow_down], "/lake/": [hang_up, hang_up, cut, cut]}) as far_side:
        far_side.add_bucket("lake", lakes.make_lake(4000, 1, 2000, seed=6))
        far_side.add_function("fn")
        run = Replays(cncbops, far_side.url).execute("--concurrency", "1")
        assert far_side.delivered_data() == events
        assert far_side.left == {"/lake?": [], "/lake/": []}
    assert (run.code, run.status) == (0, "succeeded")


def test_a_plan_that_meets_trouble_says_so_and_exits_as_its_run_would(far_side: FarSide, replays: Replays) -> None:
    far_side.add_bucket("lake", {"a": lakes.join([*LINES[:3], b"?"]), "b": StoredObject(b"x", vanished=True)})
    far_side.add_function("fn")
    plan, text = replays.plan(), replays.text()
    assert places(plan.failures) == [("a", 4, "NotJson"), ("b", 0, "NoSuchKey")]
    assert (plan.code, text.code) == (3, 3)
    assert "1 malformed line" in text.out
    assert "1 not readable" in text.out
