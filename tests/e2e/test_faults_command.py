"""`cncbops faults`: the installed command on the sample faults, and on documents made here."""

import base64
import json
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import FarSide
from tests.e2e.servers import BIN, Cncbops, Result
from tests.e2e.test_replay_output import STYLE
from tests.e2e.warm import Warm
from tests.faults import fault_texts

FIXTURES = Path(__file__).parents[2] / "fixtures" / "faults"
CLAIMS = "my-event-lake-stg-us-east-1"
EVIL = "\x1b]0;owned\x07\x1b[31m\r\x9b1m\u202e[red]"


def library(
    *, error: str = "TypeError", message: str = "no name", data: bytes = b'{"type":"t"}', number: int = 0
) -> bytes:
    """A fault of the library, with a Kinesis record."""
    record = {
        "kinesis": {"partitionKey": "k", "sequenceNumber": str(number), "data": base64.b64encode(data).decode()},
        "eventSource": "aws:kinesis",
        "eventID": f"shardId-000000000000:{number}",
    }
    return json.dumps(
        {
            "id": f"f-{number}",
            "type": "fault",
            "timestamp": 1700611203000 + number,
            "tags": {"functionname": "listener", "pipeline": "m1"},
            "err": {"name": error, "message": message, "stack": f"{error}: {message}\n    at x (/var/task/x.js:1:1)"},
            "uow": {"pipeline": "m1", "record": record, "event": {"type": "t"}},
        }
    ).encode()


def put(folder: Path, *texts: bytes) -> Path:
    path = folder / "faults.json"
    path.write_bytes(lakes.join(texts))
    return path


def rows(result: Result) -> list[Any]:
    return [json.loads(line) for line in result.out.splitlines()]


@pytest.fixture
def samples(far_side: FarSide) -> FarSide:
    """The sample faults of the library, in the bucket that their claim check names."""
    far_side.add_bucket(CLAIMS, FIXTURES / "library")
    return far_side


def test_each_sample_is_listed_in_a_line_of_json(cncbops: Cncbops, samples: FarSide) -> None:
    sources: list[str | Path] = [FIXTURES / "cookbook", FIXTURES / "destinations", f"s3://{CLAIMS}/"]
    result = cncbops("faults", "ls", *sources, "-o", "json", endpoint=samples.url)
    assert (result.code, result.err) == (0, "")
    found = rows(result)
    assert [(row["function"], row["error"], row["unit"]["kind"]) for row in found] == [
        ("cncb-handling-faults-john-listener", "Error", "records"),
        ("cncb-handling-faults-john-listener", "Error", "records"),
        ("cncb-materialized-view-dynamodb-john-listener", "RetryAttemptsExhausted", "payload"),
        ("cncb-check-john", "TypeError", "payload"),
        ("my-bff-stg-listener", "TypeError", "records"),
        ("my-bff-stg-listener", "ConditionalCheckFailedException", "records"),
        ("my-bff-stg-trigger", "Error", "records"),
        ("my-bff-stg-uploads", "NoSuchKey", "records"),
        ("my-bff-stg-command", "Error", "payload"),
        ("my-bff-stg-listener", found[-1]["error"], "records"),
    ]
    assert (found[0]["time"], found[0]["line"], found[0]["part"]) == ("2023-11-22T00:00:03.000Z", 1, 0)
    assert found[5]["event_types"] == ["thing-created", "thing-updated"]
    assert found[-1]["error"]
    assert found[-1]["place"].endswith(".gz:6")


def test_a_piped_list_is_a_line_a_fault_and_its_counts_are_apart(cncbops: Cncbops, tmp_path: Path) -> None:
    path = put(tmp_path, library(message="a\nb\tc"), b'{"type":"thing-created"}', library(number=1))
    result = cncbops("faults", "ls", path)
    assert result.code == 0
    assert result.out.splitlines() == [
        rf"2023-11-22T00:00:03Z  listener  TypeError: a\nb\tc  t  f-0  {path}:1",
        f"2023-11-22T00:00:03Z  listener  TypeError: no name  t  f-1  {path}:3",
    ]
    assert result.err == "2 faults, 1 other event, 1 object read\n"


def test_a_list_has_a_limit_and_a_choice(cncbops: Cncbops, tmp_path: Path) -> None:
    texts = [library(number=number, error=f"E{number % 3}") for number in range(9)]
    path = put(tmp_path, *texts)
    chosen = ("--error", "E1", "--only-function", "list*", "--pipeline", "m1", "--type", "t")
    found = rows(cncbops("faults", "ls", path, "-o", "json", "--limit", "2", *chosen))
    assert [row["id"] for row in found] == ["f-1", "f-4"]
    group = found[0]["fingerprint"]
    assert len(rows(cncbops("faults", "ls", path, "-o", "json", "--group", group[:6]))) == 3
    window = ("--from", "2023-11-22T00:00:03.002Z", "--to", "2023-11-22T00:00:03.005Z")
    assert [row["id"] for row in rows(cncbops("faults", "ls", path, "-o", "json", *window))] == ["f-2", "f-3", "f-4"]


@pytest.mark.parametrize("mode", [[], ["-o", "json"]], ids=["text", "json"])
def test_whoever_reads_a_list_may_stop_at_any_time(mode: list[str], tmp_path: Path) -> None:
    path = put(tmp_path, *(library(number=number, message="x" * 500) for number in range(2_000)))
    process = Cncbops(tmp_path).start("faults", "ls", path, *mode)  # anew: the interpreter's end writes, too
    assert process.stdout
    assert b"f-0" in process.stdout.readline()
    process.stdout.close()
    process.stdout = None  # `communicate` must not read it
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")


def test_a_flawed_list_names_what_went_wrong_apart_from_it(cncbops: Cncbops, tmp_path: Path) -> None:
    path = put(tmp_path, library(), b"{,}", fault_texts.library(b"{}"))
    result = cncbops("faults", "ls", path, "-o", "json")
    assert (result.code, len(rows(result))) == (3, 2)
    assert [line.partition(": ")[0] for line in result.err.splitlines()] == ["NotJson", "NoRecord"]
    assert f"{path}:2: " in result.err
    assert cncbops("faults", "ls", path, "-o", "json", "-q").err == ""


def test_groups_are_ranked_with_an_example_that_can_be_shown(cncbops: Cncbops, tmp_path: Path) -> None:
    many = [library(number=number, message=f"thing {number} of 'x{number}' has no name") for number in range(5)]
    path = put(tmp_path, library(number=9), *many)
    result = cncbops("faults", "stats", path, "-o", "json")
    assert (result.code, result.err) == (0, "")
    document = result.json
    assert (document["command"], document["source"], document["others"]) == ("faults stats", [str(path)], 0)
    assert (document["counts"]["faults"], document["counts"]["objects"]["read"]) == (6, 1)
    first, second = document["groups"]
    assert (first["count"], first["shape"]) == (5, "thing <n> of <quoted> has no name")
    assert (first["first"], first["last"]) == ("2023-11-22T00:00:03.000Z", "2023-11-22T00:00:03.004Z")
    assert (second["count"], second["function"], second["pipeline"], second["error"]) == (
        1,
        "listener",
        "m1",
        "TypeError",
    )
    shown = cncbops("faults", "show", first["example"]["place"], "-o", "json").json
    assert (shown["id"], shown["fingerprint"]) == (first["example"]["id"], first["fingerprint"])


def test_groups_as_text_end_with_commands_that_can_be_typed(cncbops: Cncbops, tmp_path: Path) -> None:
    folder = tmp_path / "a b"
    folder.mkdir()
    path = put(folder, library(), library(number=1_000), b"{,}")
    result = cncbops("faults", "stats", folder, "--error", "Type*")
    group = cncbops("faults", "stats", path, "-o", "json").json["groups"][0]["fingerprint"]
    assert result.code == 3
    assert result.out.splitlines() == [
        "faults  group         function, error, first and last, an example",
        f"     2  {group}  listener, pipeline m1",
        "        TypeError: no name",
        "        2023-11-22T00:00:03Z to 2023-11-22T00:00:04Z",
        f"        {path}:1",
    ]
    *_, broken, look, mend = result.err.splitlines()
    assert "2 faults in 1 group" in result.err
    assert broken.startswith(f"NotJson: {path}:3: ")
    words = shlex.split(look.partition(": ")[2])
    assert words[0] == "cncbops"
    assert "Fault " in cncbops(*words[1:]).out
    assert shlex.split(mend.partition(": ")[2]) == (
        ["cncbops", "resubmit", str(folder), "--error", "Type*", "--group", group]
    )


def test_a_claim_check_that_is_gone_is_a_group_without_error_and_exit_3(cncbops: Cncbops, samples: FarSide) -> None:
    result = cncbops("faults", "stats", FIXTURES / "library" / "us-east-1" / "2023", "-o", "json")
    assert (result.code, result.json["counts"]["without_record"]) == (3, 1)
    whole = cncbops("faults", "stats", "-b", CLAIMS, "-p", "us-east-1/2023", "-o", "json", endpoint=samples.url)
    assert (whole.code, whole.json["counts"]["without_record"], len(whole.json["groups"])) == (0, 0, 6)
    assert whole.json["source"] == [f"s3://{CLAIMS}/us-east-1/2023"]


def test_a_fault_is_shown_with_error_stack_and_decoded_event(cncbops: Cncbops, samples: FarSide) -> None:
    result = cncbops(
        "faults", "show", f"s3://{CLAIMS}/", "--id", "8f5b9d11-8e0f-11ee-9b2e-0242ac120002", endpoint=samples.url
    )
    assert (result.code, result.err) == (0, "")
    for text in (
        "error        ConditionalCheckFailedException",
        "unit         2 Kinesis records",
        "    at toUpdateRequest (/var/task/m1.js:12:11)",
        "Kinesis record 2 of 2, event shardId-000000000000:",
        '    "source": "cncb-event-first"',
    ):
        assert text in result.out


def test_what_looks_like_a_secret_is_shown_only_when_asked_for(cncbops: Cncbops, tmp_path: Path) -> None:
    data = b'{"type":"t","thing":{"ssn":"078-05-1120","price":1.50,"big":123456789012345678901234567890}}'
    path = put(tmp_path, library(message="token=abcdef", data=data))
    for command in ("ls", "stats", "show"):
        for mode in ([], ["-o", "json"]):
            result = cncbops("faults", command, path, *mode)
            assert result.code == 0
            assert "abcdef" not in result.out + result.err
            assert "078-05" not in result.out + result.err
    assert '"ssn": "***"' in cncbops("faults", "show", path).out
    assert "--show-payload" in cncbops("faults", "show", path).out
    open_text = cncbops("faults", "show", path, "--show-payload").out
    assert "token=abcdef" in open_text
    assert '    "ssn": "078-05-1120",\n    "price": 1.50,\n    "big": 123456789012345678901234567890\n' in open_text
    open_json = cncbops("faults", "show", path, "--show-payload", "-o", "json")
    assert data.decode() in open_json.out
    assert open_json.json["events"][0]["event"]["thing"]["ssn"] == "078-05-1120"


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"not json, password=hunter22", '"not json, password=***"'),
        (b"\x1f\x8b\x00\xff", '"binary": "1f 8b 00 ff"'),
        (b'{"type":"t","n":NaN}', "a number in it is not JSON"),
        (b"[" * 600 + b"]" * 600, "nested too deeply"),
        (b"", '""'),
    ],
    ids=["text", "binary", "NaN", "deep", "empty"],
)
def test_what_is_no_json_event_is_shown_readably(data: bytes, shown: str, cncbops: Cncbops, tmp_path: Path) -> None:
    path = put(tmp_path, library(data=data))
    assert shown in cncbops("faults", "show", path).out
    result = cncbops("faults", "show", path, "--show-payload")
    assert (result.code, result.err) == (0, "")
    for more in ([], ["--show-payload"]):
        assert len(cncbops("faults", "show", path, "-o", "json", *more).json["events"]) == 1


@pytest.mark.parametrize("command", ["ls", "stats", "show"])
def test_nothing_in_a_fault_becomes_a_control_code_or_a_colour(command: str, cncbops: Cncbops, tmp_path: Path) -> None:
    data = json.dumps({"type": EVIL, "thing": EVIL}, ensure_ascii=False).encode()
    path = put(tmp_path, library(error=EVIL, message=EVIL, data=data), b'{"type":"fault","' + EVIL.encode() + b'":,}')
    result = cncbops("faults", command, path)
    assert "[red]" in result.out
    assert not set(EVIL) - set("0123456789;][owned31mr") & set(result.out + result.err)


@pytest.mark.parametrize("no_color", [{}, {"NO_COLOR": "1"}], ids=["as it is", "NO_COLOR"])
def test_on_a_terminal_a_long_message_is_cut_and_the_place_is_not(
    no_color: Mapping[str, str], tmp_path: Path, warm: Warm
) -> None:
    path = put(tmp_path, library(message="x" * 200 + "END"))
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "xterm-256color", "COLUMNS": "80", **no_color}
    written = warm.at_terminal(["faults", "ls", str(path)], env, tmp_path)
    assert b"END" not in written
    assert f"{path}:1".encode() in written
    assert bool(STYLE.search(written)) is not bool(no_color)


def test_the_one_shown_decides_the_exit_code(cncbops: Cncbops, tmp_path: Path) -> None:
    redacted = fault_texts.cookbook(b'{"kinesis":{"data":"[REDACTED]"},"eventID":"a:1"}')
    range_of_stream = fault_texts.stream_destination()
    path = put(tmp_path, b"{,}", library(), fault_texts.library(b"{}"), redacted, range_of_stream)
    assert [cncbops("faults", "show", f"{path}:{line}").code for line in (2, 3, 4, 5)] == [0, 3, 3, 0]
    nothing = cncbops("faults", "show", path, "--line", "3")
    assert "nothing that could be sent: the fault holds no record" in nothing.out
    assert "Document\n{" in nothing.out
    assert "put marks in place" in cncbops("faults", "show", path, "--line", "4").out
    assert "5 records, still to be fetched from their stream" in cncbops("faults", "show", path, "--line", "5").out


def test_one_of_several_documents_on_a_line_is_shown_by_its_place(cncbops: Cncbops, tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_bytes(library() + library(number=1) + library(number=2))
    places = [row["place"] for row in rows(cncbops("faults", "ls", path, "-o", "json"))]
    assert [cncbops("faults", "show", place, "-o", "json").json["id"] for place in places] == ["f-0", "f-1", "f-2"]


def test_no_fault_that_fits_is_an_error_in_a_line(cncbops: Cncbops, tmp_path: Path) -> None:
    path = put(tmp_path, library(), b"{,}")
    result = cncbops("faults", "show", path, "--id", "other")
    assert (result.code, result.out) == (1, "")
    assert result.err == (
        "error: no fault fits, of 1 in 1 object; 1 document broken. "
        "See what there is with `cncbops faults ls SOURCE`, and choose less narrowly\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["ls"], 2, "no source is given"),
        (["stats", "--prefix", "x"], 2, "--prefix without --bucket"),
        (
            ["ls", "run.csv"],
            2,
            "run.csv is a table, and faults are JSON. Of a run, make JSON lines: `cncbops runs show",
        ),
        (["ls", "x", "--group", ""], 2, "no fingerprint"),
        (["stats", "x", "--from", "-1h", "--to", "-2h"], 2, "No time lies between"),
        (["ls", "/no/such/folder"], 1, "cannot be listed"),
        (["show", "gopher://x"], 2, "is not a source"),
    ],
)
@pytest.mark.parametrize("mode", ["text", "json"])
def test_what_cannot_be_meant_or_read_is_told_in_a_line(
    arguments: list[str], code: int, told: str, mode: str, cncbops: Cncbops
) -> None:
    result = cncbops("faults", *arguments, "-o", mode)
    assert (result.code, len(result.err.splitlines())) == (code, 1)
    assert told in result.err
    if mode == "json" and arguments[0] != "ls":
        assert result.json["status"] == "failed"
    else:
        assert result.out == ""


def test_nothing_is_written_anywhere(cncbops: Cncbops, samples: FarSide) -> None:
    for command in ("ls", "stats", "show"):
        cncbops("faults", command, f"s3://{CLAIMS}/", endpoint=samples.url)
    assert {request.split()[0] for request in samples.requests} <= {"GET", "HEAD"}
    assert not cncbops.state_dir.exists()


def test_ctrl_c_ends_a_list_at_once(cncbops: Cncbops, far_side: FarSide) -> None:
    far_side.add_bucket("lake", {f"{number:04}": library(number=number) for number in range(500)})
    held = far_side.hold("GET /lake/0100")
    process = cncbops.start("faults", "ls", "s3://lake/", endpoint=far_side.url)
    far_side.wait_until(lambda: any("/lake/0100" in request for request in far_side.requests))
    os.kill(process.pid, signal.SIGINT)
    held.set()
    result = cncbops.finish(process)
    assert result.code == 130
    assert "Traceback" not in result.err


def test_the_help_loads_no_aws_library(tmp_path: Path) -> None:
    program = (
        "import sys; from cncbops.commands import faults; assert not {'boto3', 'msgspec', 'orjson'} & set(sys.modules)"
    )
    subprocess.run([str(BIN / "python"), "-c", program], check=True, cwd=tmp_path)
