"""`cncbops lake cat`: events byte for byte on a pipe, which may be closed at any time."""

import json
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import FarSide
from tests.e2e.far_side_s3 import StoredObject
from tests.e2e.replays import Replays
from tests.e2e.servers import BIN, Cncbops, Result
from tests.e2e.test_replay_records import in_each_format, records
from tests.e2e.warm import Warm

FIXTURES = Path(__file__).parents[2] / "fixtures" / "lakes"
EVENTS = [event for _, event in lakes.make_events(60, 7)]


def lines(result: Result) -> list[bytes]:
    """Of what went to standard output; nothing else may be there, a last line without its end neither."""
    *whole, rest = result.out.encode().split(b"\n")
    assert rest == b""
    return whole


def put(folder: Path, *texts: bytes, delimiter: bytes = b"\n") -> Path:
    path = folder / "lake.json"
    path.write_bytes(lakes.join(texts, delimiter))
    return path


@pytest.mark.parametrize("name", in_each_format([b"{}"]))
def test_hostile_events_come_out_byte_for_byte_and_so_do_their_lines(
    name: str, cncbops: Cncbops, tmp_path: Path
) -> None:
    events = lakes.hostile_events()
    documents = in_each_format(events)[name]
    path = put(tmp_path, *documents)
    result = cncbops("lake", "cat", path)
    assert (result.code, result.err) == (0, f"{len(events)} events of {len(events)} read, 1 object read\n")
    spaced = [event.strip() if name != "firehose-error" else event for event in events]
    assert lines(result) == spaced
    assert lines(cncbops("lake", "cat", path, "--envelope")) == documents


def test_documents_that_nothing_separates_are_a_line_each(cncbops: Cncbops, tmp_path: Path) -> None:
    documents = [lakes.envelope(event, "k", number) for number, event in enumerate(EVENTS)]
    path = put(tmp_path, *documents, delimiter=b"")
    assert lines(cncbops("lake", "cat", path)) == EVENTS
    assert lines(cncbops("lake", "cat", path, "--envelope")) == documents


def test_an_event_is_one_line_also_if_it_was_written_over_several(cncbops: Cncbops, tmp_path: Path) -> None:
    pretty = b'{\n  "type": "thing-created",\r\n  "text": "a\\nb"\n}\n'
    path = put(tmp_path, lakes.firehose_error(pretty), lakes.firehose_error(EVENTS[0]))
    first, second = lines(cncbops("lake", "cat", path))
    assert (first, second) == (pretty.replace(b"\n", b" "), EVENTS[0])
    assert json.loads(first) == json.loads(pretty)


def test_a_record_is_what_a_replay_sends(far_side: FarSide, replays: Replays, cncbops: Cncbops) -> None:
    formats = in_each_format(EVENTS[:5])
    far_side.add_bucket("lake", {f"x/2018/04/08/03/{name}": lakes.join(texts) for name, texts in formats.items()})
    far_side.add_function("fn")
    assert replays.execute("--unordered", "--concurrency", "1").status == "succeeded"
    shown = cncbops("lake", "cat", "--record", "s3://lake/", endpoint=far_side.url)
    assert without_function(map(json.loads, lines(shown))) == without_function(records(far_side))


def without_function(found: Any) -> list[dict[str, Any]]:
    """Records without the function's role and account, in the order of their sequence numbers."""
    kept = [{name: value for name, value in record.items() if name != "invokeIdentityArn"} for record in found]
    for record in kept:
        *arn, _, stream = record["eventSourceARN"].split(":")
        record["eventSourceARN"] = (arn, stream)
    return sorted(kept, key=lambda record: (len(record["eventID"]), record["eventID"]))


@pytest.mark.parametrize(
    "choice",
    [
        ("--type", "thing-c*", "--partition-key", "thing-1", "--partition-key", "thing-3"),
        ("--shard", "1", "--limit", "7"),
        ("--from", "2018-04-08T03:53:40Z", "--to", "2018-04-08T03:54:00Z"),
        ("--filter", '{"data":{"thing":{"number":[{"numeric":[">",50]}]}}}', "--format", "envelope"),
    ],
)
def test_what_is_chosen_is_what_a_replay_would_send(
    choice: Sequence[str], far_side: FarSide, replays: Replays, cncbops: Cncbops
) -> None:
    far_side.add_bucket("lake", lakes.lake_of(lakes.make_events(60, 7), 10, shards=3))
    far_side.add_function("fn")
    assert replays.execute(*choice).status == "succeeded"
    shown = lines(cncbops("lake", "cat", "-b", "lake", *choice, endpoint=far_side.url))
    assert 0 < len(shown) < 60
    assert sorted(shown) == sorted(far_side.delivered_data())
    assert shown == [event for event in EVENTS if event in shown]


def test_faults_are_left_out_and_told_of(cncbops: Cncbops) -> None:
    result = cncbops("lake", "cat", FIXTURES / "cookbook")
    assert (result.code, len(lines(result))) == (0, 4)
    assert result.err == "4 events of 5 read, 1 fault event left out, 1 object read\n"
    assert len(lines(cncbops("lake", "cat", FIXTURES / "cookbook", "--type", "*"))) == 5


def test_what_is_wrong_is_told_beside_the_events_and_in_the_exit_code(far_side: FarSide, cncbops: Cncbops) -> None:
    far_side.add_bucket(
        "lake",
        {
            "a": StoredObject(lakes.join(EVENTS[:2]), vanished=True),
            "b": lakes.join([EVENTS[0], b"?!", EVENTS[1]]),
            "c": StoredObject(lakes.join(EVENTS[:2]), storage_class="GLACIER"),
            "d": lakes.join(EVENTS[2:3]),
        },
    )
    result = cncbops("lake", "cat", "s3://lake/", endpoint=far_side.url)
    assert (result.code, lines(result)) == (3, EVENTS[:3])
    told, *flaws = result.err.splitlines()
    assert told == "3 events of 3 read, 1 malformed line, 2 objects read, 2 not readable"
    assert [flaw.split(": ")[:2] for flaw in flaws] == [
        ["NoSuchKey", "s3://lake/a"],
        ["NotJson", "s3://lake/b:2"],
        ["Archived", "s3://lake/c"],
    ]
    quiet = cncbops("lake", "cat", "s3://lake/", "-q", endpoint=far_side.url)
    assert (quiet.code, quiet.err, lines(quiet)) == (3, "", EVENTS[:3])


@pytest.mark.parametrize(
    ("arguments", "code", "what"),
    [
        (["s3://none/"], 1, "cannot list s3://none/"),
        (["s3://lake/", "--envelope", "--record"], 2, "--envelope and --record"),
        ([], 2, "no source is given"),
    ],
)
def test_an_error_is_one_line_beside_an_empty_output(
    arguments: list[str], code: int, what: str, far_side: FarSide, cncbops: Cncbops
) -> None:
    result = cncbops("lake", "cat", *arguments, "-o", "json", endpoint=far_side.url)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith(f"error: {what}")
    assert len(result.err.splitlines()) == 1


def test_an_output_that_takes_no_more_is_told_in_one_line() -> None:
    command = f"{BIN / 'cncbops'} lake cat {FIXTURES / 'cookbook'} > /dev/full"
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (result.returncode, len(result.stderr.splitlines())) == (1, 1)
    assert result.stderr.startswith("error: standard output cannot be written: No space left on device. Send it where")


def large_lake(far_side: FarSide) -> None:
    """Ten pages of objects, each of more than a pipe takes."""
    content = lakes.join([b'{"type":"large","text":"%b"}' % (b"x" * 100_000)])
    far_side.add_bucket("lake", {f"k/{number:05}": content for number in range(10_000)})


def test_whoever_reads_may_stop_at_any_time(far_side: FarSide, tmp_path: Path) -> None:
    large_lake(far_side)
    command = Cncbops(tmp_path)  # anew: the interpreter's end writes, too
    process = command.start("lake", "cat", "s3://lake/", endpoint=far_side.url)
    assert process.stdout
    assert process.stdout.readline().startswith(b'{"type":"large"')
    process.stdout.close()
    process.stdout = None  # `communicate` must not read it
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    listed = [request for request in far_side.requests if "list-type" in request]
    assert len(listed) <= 3
    assert len(far_side.requests) - len(listed) < 50


def test_it_ends_with_its_reader_though_a_request_is_under_way(far_side: FarSide, cncbops: Cncbops) -> None:
    far_side.add_bucket("lake", {"a": lakes.join(EVENTS * 20), "b": lakes.join(EVENTS)})  # a pipe holds 64 KB
    held = far_side.hold("GET /lake/b")
    process = cncbops.start("lake", "cat", "s3://lake/", endpoint=far_side.url)
    assert process.stdout
    process.stdout.readline()
    far_side.wait_until(lambda: any("GET /lake/b" in request for request in far_side.requests))
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert not held.is_set()


def test_a_reader_that_is_gone_is_noticed_though_there_is_nothing_to_write(far_side: FarSide, cncbops: Cncbops) -> None:
    large_lake(far_side)
    process = cncbops.start("lake", "cat", "s3://lake/", "--type", "none", endpoint=far_side.url)
    assert process.stdout
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert len(far_side.requests) < 5_000


def test_with_a_limit_hardly_more_is_asked_for_than_is_shown(far_side: FarSide, cncbops: Cncbops) -> None:
    large_lake(far_side)
    assert len(lines(cncbops("lake", "cat", "s3://lake/", "--limit", "1", endpoint=far_side.url))) == 1
    listed = [request for request in far_side.requests if "list-type" in request]
    assert len(listed) <= 3
    assert len(far_side.requests) - len(listed) < 30


@pytest.mark.parametrize(
    ("number", "options", "told"),
    [
        (signal.SIGINT, [], b"interrupted: this is not all\n"),
        (signal.SIGTERM, ["-o", "json"], b"interrupted: this is not all\n"),
        (signal.SIGINT, ["-q"], b""),
    ],
)
def test_a_signal_ends_it_at_once_though_a_request_is_under_way(
    number: signal.Signals, options: list[str], told: bytes, far_side: FarSide, cncbops: Cncbops
) -> None:
    far_side.add_bucket("lake", {"a": lakes.join(EVENTS[:1]), "b": lakes.join(EVENTS[1:2])})
    held = far_side.hold("GET /lake/b")
    process = cncbops.start("lake", "cat", "s3://lake/", *options, endpoint=far_side.url)
    assert process.stdout
    assert process.stdout.readline() == EVENTS[0] + b"\n"  # before the other one is there
    far_side.wait_until(lambda: any("GET /lake/b" in request for request in far_side.requests))
    process.send_signal(number)
    assert process.wait(timeout=60) == 130
    assert not held.is_set()
    assert process.stderr
    assert process.stderr.read() == told


@pytest.mark.parametrize("no_color", [{}, {"NO_COLOR": "1"}], ids=["as it is", "NO_COLOR"])
def test_on_a_terminal_no_event_gives_orders(no_color: dict[str, str], tmp_path: Path, warm: Warm) -> None:
    evil = "\x9b31m\u202e[red]"
    path = put(tmp_path, b'{"type":"thing-created","text":"%b"}\r' % evil.encode())
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "xterm-256color", **no_color}
    written = warm.at_terminal(["lake", "cat", str(path)], env, tmp_path).decode()
    assert not {"\x9b", "\u202e"} & set(written)
    assert r"\x9b31m\u202e[red]" in written
    listed = warm.at_terminal(["lake", "ls", str(path)], env, tmp_path).decode()
    assert listed.startswith("from (key)")
