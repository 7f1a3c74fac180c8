"""Lines of lakes read again: the records that a replay sends, byte for byte, and the faults of a resubmit."""

import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from cncbops.errors import CannotRun
from cncbops.faults.decoding import decode_fault
from cncbops.faults.documents import documents
from cncbops.faults.fault import Fault, LakeLine, Nothing, Records
from cncbops.faults.lake_line import LineReader
from cncbops.formats.decoding import decode
from cncbops.kinesis.origin import origin_of
from cncbops.kinesis.record import Record, RecordSource, to_records
from cncbops.kinesis.synthesis import complete
from cncbops.lake.listing import list_objects
from cncbops.lake.reading import open_object
from cncbops.lake.small_objects import content_of
from cncbops.lake.sources import LocalSource, S3Source
from tests.e2e.lakes import envelope, eventbridge, join
from tests.faults import fault_texts as texts
from tests.lake.conftest import client, lake_object, s3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["client", "s3"]  # fixtures
FIXTURES = Path(__file__).parents[2] / "fixtures"
STREAM_ARN = "arn:aws:kinesis:eu-west-1:111111111111:stream/asked-for"
SOURCES = [
    RecordSource(None, "arn:aws:iam::999999999999:role/r", "ap-south-1", "999999999999"),
    RecordSource(STREAM_ARN, "arn:aws:iam::999999999999:role/r", "eu-west-1", "111111111111"),
]
SOURCE = SOURCES[0]


def replayed(source: S3Source | LocalSource, client: "S3Client | None", said: RecordSource) -> Iterator[Record]:
    """The records of a replay, in lake order."""
    for found in list_objects(source, client):
        origin = origin_of(found)
        with open_object(found, client) as opened:
            for block in opened.blocks():
                events, _ = decode(block)
                complete(events, origin)
                yield from to_records(events, range(len(events)), origin, said)


def line_of(record: Record) -> LakeLine:
    return LakeLine(record.object.uri, record.line, record.part, record.event_id, record.sequence_number)


def body_of(unit: Records | list[Fault] | Nothing) -> bytes:
    assert isinstance(unit, Records), unit
    (record,) = unit.records
    return record.body


def reason(unit: Records | list[Fault] | Nothing) -> str:
    assert isinstance(unit, Nothing), unit
    return unit.reason


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("lake", ["cookbook", "eventbridge", "raw", "errors"])
def test_every_event_of_a_lake_is_the_record_that_a_replay_sends(lake: str, source: RecordSource) -> None:
    records = list(replayed(LocalSource(FIXTURES / "lakes" / lake), None, source))
    assert records
    with LineReader(lambda: None) as reader:
        assert [body_of(reader.read(line_of(each), source)) for each in records] == [each.body for each in records]


@pytest.mark.parametrize("lake", ["cookbook", "eventbridge", "raw", "errors"])
def test_so_is_every_event_of_a_lake_in_s3(lake: str, s3: "S3Client") -> None:
    folder = FIXTURES / "lakes" / lake
    for path in folder.rglob("*"):
        if path.is_file():
            s3.put_object(Bucket="lake", Key=f"a b+c/{path.relative_to(folder)}", Body=path.read_bytes())
    records = list(replayed(S3Source("lake", ""), s3, SOURCE))
    assert records
    with LineReader(lambda: s3) as reader:
        assert [body_of(reader.read(line_of(each), SOURCE)) for each in records] == [each.body for each in records]


def test_a_record_says_what_its_line_says(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(envelope(b'{"type":"thing-created"}', "thing-42", 49, 3))
    unit = LineReader(lambda: None).read(LakeLine(str(path), 1, 0), SOURCE)
    assert isinstance(unit, Records)
    (record,) = unit.records
    assert (record.source, record.event_type, record.partition_key) == ("kinesis", "thing-created", "thing-42")
    assert (record.sequence_number, record.shard_id) == ("49", "shardId-000000000003")


def lines(count: int) -> list[bytes]:
    """Lines of every kind: with and without what a record needs, of several events, of none, a broken one."""
    events = [b'{"type":"t","n":%d}' % number for number in range(count)]
    made = [envelope(event, "k", number) if number % 2 else event for number, event in enumerate(events)]
    made[5] = made[5] + b" " + made[6] + made[7]
    made[9:11] = [b"", b'{"event":']
    return made


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Record]]:
    """An object of several blocks."""
    path = tmp_path_factory.mktemp("lake") / "x.gz"
    padded = [line + b" " * 100_000 for line in lines(40)]
    path.write_bytes(gzip.compress(join(padded), 1))
    return path, list(replayed(LocalSource(path), None, SOURCE))


@given(st.data())
def test_any_lines_in_any_order_are_read_as_by_a_replay(lake: tuple[Path, list[Record]], data: st.DataObject) -> None:
    path, records = lake
    known = {(record.line, record.part): record.body for record in records}
    places = data.draw(st.lists(st.tuples(st.integers(0, 45), st.integers(0, 3)), max_size=8))
    with LineReader(lambda: None) as reader:
        for line, part in places:
            unit = reader.read(LakeLine(str(path), line, part), SOURCE)
            if (line, part) in known:
                assert body_of(unit) == known[line, part]
            else:
                assert reason(unit) == f"line {line} of {path} no longer holds what failed"


def gets(s3: "S3Client") -> list[str]:
    """The keys of the objects that are got from now on."""
    got: list[str] = []
    content_of(lake_object("x"), s3)  # what is prepared once for a bucket is no get
    s3.meta.events.register(
        "provide-client-params.s3.GetObject", lambda params, **_: got.append(params["Key"]), unique_id="gets"
    )
    return got


def test_an_object_is_read_once_however_many_of_its_lines_failed(s3: "S3Client") -> None:
    for key in ("a", "b"):
        s3.put_object(Bucket="lake", Key=key, Body=join(lines(40)))
    records = list(replayed(S3Source("lake", ""), s3, SOURCE))
    got = gets(s3)
    with LineReader(lambda: s3) as reader:
        for record in records:
            body_of(reader.read(line_of(record), SOURCE))
            body_of(reader.read(line_of(record), SOURCE))
        assert got == ["a", "b"]
        body_of(reader.read(line_of(records[0]), SOURCE))
    assert got == ["a", "b", "a"]
    s3.meta.events.unregister("provide-client-params.s3.GetObject", unique_id="gets")


def test_an_event_that_is_not_the_one_that_failed_is_not_read(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    first, second, third = (envelope(b'{"id":"e-%d"}' % number, "k", number) for number in range(1, 4))
    lake.write_bytes(join([first, second, third]))
    _, failed, other = replayed(LocalSource(lake), None, SOURCE)
    lake.write_bytes(join([first, third, second]))
    gone = f"line 2 of {lake} no longer holds what failed"
    with LineReader(lambda: None) as reader:
        assert reason(reader.read(line_of(failed), SOURCE)) == gone
        assert reason(reader.read(msgspec.structs.replace(line_of(failed), event_id=None), SOURCE)) == gone
        known_by_place = msgspec.structs.replace(line_of(failed), event_id=None, sequence_number=None)
        assert body_of(reader.read(known_by_place, SOURCE)) == other.body
        assert body_of(reader.read(msgspec.structs.replace(line_of(failed), line=3), SOURCE)) == failed.body


def test_a_line_of_a_resubmit_is_the_fault_on_it(tmp_path: Path) -> None:
    path = tmp_path / "faults"
    many = texts.of_batch([eventbridge(b'{"type":"t"}', "t", name) for name in "ab"])
    path.write_bytes(join([texts.of_record(texts.record()), texts.cookbook(texts.record()) + many]))
    with LineReader(lambda: None) as reader:
        for place in ((1, 0), (2, 0), (2, 1)):
            found = reader.read(LakeLine(str(path), *place), None)
            (document,) = (each for each in the_documents(path) if (each[0], each[1]) == place)
            assert found == decode_fault(document[2])
            assert isinstance(found, list)
            assert len(found) == (2 if place == (2, 1) else 1)


def the_documents(path: Path) -> list[tuple[int, int, bytes]]:
    (found,) = list_objects(LocalSource(path), None)
    with open_object(found, None) as opened:
        return [(each.line, each.part, each.text) for each in documents(opened.blocks())]


def test_a_fault_over_many_lines_is_found_where_it_begins(tmp_path: Path) -> None:
    path = tmp_path / "faults"
    pretty = texts.of_record(texts.record()).replace(b",", b",\n")
    path.write_bytes(b"\n" + pretty + b"\n" + pretty)
    second = 2 + pretty.count(b"\n") + 1
    with LineReader(lambda: None) as reader:
        assert [reader.read(LakeLine(str(path), line, 0), None) for line in (2, second)] == [decode_fault(pretty)] * 2


def test_a_fault_that_a_replay_sent_is_an_event_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(envelope(texts.cookbook(texts.record()), "k", 1))
    (record,) = replayed(LocalSource(path), None, SOURCE)
    with LineReader(lambda: None) as reader:
        assert body_of(reader.read(line_of(record), SOURCE)) == record.body
        assert isinstance(reader.read(line_of(record), None), list)


def test_what_holds_no_fault_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b'{"type":"thing-created"}\n{"a":\n')
    with LineReader(lambda: None) as reader:
        assert reason(reader.read(LakeLine(str(path), 1, 0), None)).startswith(f"line 1 of {path} holds an event")
        assert reason(reader.read(LakeLine(str(path), 2, 0), None)).startswith(f"line 2 of {path} holds no fault: ")


def test_what_is_gone_or_no_file_says_so(tmp_path: Path, s3: "S3Client") -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    with LineReader(lambda: s3) as reader:
        for uri in (f"{tmp_path}/none", f"{tmp_path}/file/none", "s3://lake/none"):
            assert reason(reader.read(LakeLine(uri, 1, 0), SOURCE)) == f"{uri} cannot be read: it is gone"
        for uri in (f"{tmp_path}/pipe", str(tmp_path)):
            assert reason(reader.read(LakeLine(uri, 1, 0), SOURCE)) == f"{uri} cannot be read: it is no file"
        reason(reader.read(LakeLine(f"{tmp_path}/{'x' * 5000}", 1, 0), SOURCE))
        assert "does not exist" in reason(reader.read(LakeLine("s3://no-such-bucket/a", 1, 0), SOURCE))


@pytest.mark.parametrize("uri", ["", "\0", "sqs://queue/message", "s3://", "s3://lake/", "s3:///a", "s3://a..b/c"])
def test_what_names_no_object_is_nothing(s3: "S3Client", uri: str) -> None:
    assert reason(LineReader(lambda: s3).read(LakeLine(uri, 1, 0), SOURCE))


def test_an_object_in_s3_needs_a_source_in_s3() -> None:
    unit = LineReader(lambda: None).read(LakeLine("s3://lake/a", 1, 0), SOURCE)
    assert reason(unit) == "s3://lake/a cannot be read: it is read only where the source is in S3"


def test_a_path_that_is_not_utf8_cannot_be_read_back(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"a\xff")
    path.write_bytes(envelope(b'{"type":"t"}', "k", 1))
    (record,) = replayed(LocalSource(path), None, SOURCE)
    assert "its name is not UTF-8" in reason(LineReader(lambda: None).read(line_of(record), SOURCE))


def test_an_object_that_breaks_off_gives_what_came_before(s3: "S3Client") -> None:
    packed = gzip.compress(join(lines(40)))
    s3.put_object(Bucket="lake", Key="x.gz", Body=packed[: len(packed) // 2])
    got = gets(s3)
    with LineReader(lambda: s3) as reader:
        assert b"thing" not in body_of(reader.read(LakeLine("s3://lake/x.gz", 1, 0), SOURCE))
        for line in (38, 39):
            assert "cannot be read" in reason(reader.read(LakeLine("s3://lake/x.gz", line, 0), SOURCE))
    assert got == ["x.gz"]
    s3.meta.events.unregister("provide-client-params.s3.GetObject", unique_id="gets")


def test_refused_credentials_end_the_run(s3: "S3Client") -> None:
    with Stubber(s3) as stubber:
        stubber.add_client_error("head_object", "ExpiredToken")
        with pytest.raises(CannotRun, match="credentials have expired"):
            LineReader(lambda: s3).read(LakeLine("s3://lake/x", 1, 0), SOURCE)
