"""Faults go back to the functions that raised them: which ones, to whom, and as they were."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import Context, FarSide, Reply, function_error, ok
from tests.e2e.resubmits import (
    RAISED_MS,
    SHARE,
    Resubmits,
    cookbook,
    event,
    faults,
    library,
    lines,
    one_each,
    record,
    records_in,
    sequence_number,
)
from tests.e2e.runs import ids_in, raising_on
from tests.e2e.servers import Cncbops
from tests.faults.fault_texts import async_destination, stream_destination, wrapped

EVENTBRIDGE = (
    b'{"version":"0","id":"eb-7","detail-type":"thing-created","source":"custom","detail":{"id":"e-7", "n":1.50 }}'
)
SAMPLES = Path(__file__).parents[2] / "fixtures" / "faults"
THREE = ("fn-a", "fn-b", "fn-c")


@pytest.fixture
def resubmits(cncbops: Cncbops, far_side: FarSide) -> Resubmits:
    return Resubmits(cncbops, far_side)


def deploy(far_side: FarSide, *names: str, **more: Any) -> None:
    for name in names:
        far_side.add_function(name, **more)


# What arrives


def mixed(records: list[bytes]) -> dict[str, bytes]:
    """Six faults of three functions in every form under one prefix, and what is no fault."""
    first, second, third, fourth, fifth, sixth = records
    in_lines = [
        wrapped(library(2, third, function="fn-b"), ["eventbridge-compressed"]),
        event(99),
        library(3, fourth, function="fn-c"),
        library(4, fifth, sixth, function="fn-a"),
    ]
    return {
        "2023/11/22/00/1-thing-created.json": cookbook(0, first, function="fn-a"),
        "2023/11/22/00/2-thing-created.json": json.dumps(json.loads(cookbook(1, b"1", function="fn-b")), indent=1)
        .encode()
        .replace(b'"record": 1', b'"record": ' + second),
        "us-east-1/2023/11/22/00/faults.gz": gzip.compress(lakes.join(in_lines)),
    }


def test_each_fault_goes_to_the_function_that_it_names_byte_for_byte_and_once(
    far_side: FarSide, resubmits: Resubmits
) -> None:
    records = [record(number, f"thing-{number}") for number in range(6)]
    of = {"fn-a": [0, 4, 5], "fn-b": [1, 2], "fn-c": [3]}
    far_side.add_bucket("faults", mixed(records))
    deploy(far_side, *THREE)
    planned = resubmits.plan()
    assert (planned.code, planned.status, planned.events["matched"]) == (0, "planned", 5)
    assert (resubmits.sent, resubmits.file.exists()) == ([], False)
    assert planned.summary["functions"]["fn-a"].items() >= {"matched": 2, "records": 3, "delivered": 0}.items()
    assert planned.summary["functions"].keys() == set(THREE)
    assert planned.summary["plan"]["functions"]["fn-c"].items() >= {"faults": 1, "records": 1, "problem": None}.items()

    run = resubmits.execute()
    assert (run.code, run.status, run.events["delivered"]) == (0, "succeeded", 5)
    assert (run.summary["faults"]["others"], run.events["malformed"]) == (1, 0)
    for function, numbers in of.items():
        assert sorted(resubmits.taken_by(function)) == [records[number] for number in numbers]
    assert run.summary["functions"]["fn-a"]["newest_fault"] == "2023-11-22T00:00:03.000Z"
    assert run.summary["functions"]["fn-a"].keys() == SHARE

    sent = len(resubmits.sent)
    second = resubmits.execute()
    assert (second.code, second.status, second.summary["faults"]["sent_before"]) == (0, "nothing", 5)
    assert len(resubmits.sent) == sent
    assert "5 faults sent before" in resubmits.text().out
    again = resubmits.execute("--again", "--only-function", "fn-a")
    assert (again.status, again.events["delivered"]) == ("succeeded", 2)
    assert sorted(resubmits.taken_by("fn-a")) == sorted(2 * [records[number] for number in of["fn-a"]])


def test_a_whole_invocation_is_sent_as_it_was_and_alone(far_side: FarSide, resubmits: Resubmits) -> None:
    """What was given to the function in one invocation, however it looks, is one again."""
    request = b'{ "Records": [], "order":1.50, "path":"a\\/b", "n":9007199254740993 }'
    batch = b'{"Records":[%b, %b] }' % (record(1), record(2))
    documents = [
        async_destination(request).replace(b"cncb-handling-faults-john-listener:$LATEST", b"fn-a:live"),
        stream_destination(batch).replace(b"cncb-handling-faults-john-listener", b"fn-b"),
        library(3, record(3), function="fn-b"),
        library(4, EVENTBRIDGE, function="fn-b"),
        library(5, EVENTBRIDGE.replace(b"eb-7", b"eb-8"), EVENTBRIDGE, record(6), function="fn-c"),
    ]
    far_side.add_bucket("faults", one_each(documents))
    deploy(far_side, *THREE)
    run = resubmits.execute()
    assert (run.status, run.events["delivered"]) == ("succeeded", 7)
    assert resubmits.sent_to("fn-a") == [request]
    assert [call.qualifier for call in resubmits.sent if call.function == "fn-a"] == ["live"]
    alone = b'{"Records":[%b]}' % record(3)
    assert sorted(resubmits.sent_to("fn-b")) == sorted([batch, alone, EVENTBRIDGE])
    others = [b'{"Records":[%b]}' % record(6), EVENTBRIDGE.replace(b"eb-7", b"eb-8"), EVENTBRIDGE]
    assert sorted(resubmits.sent_to("fn-c")) == sorted(others)
    assert resubmits.execute().summary["faults"]["sent_before"] == 7


def test_every_sample_fault_reaches_its_function(far_side: FarSide, resubmits: Resubmits) -> None:
    """Compressed, composite, of a table, of a bus, and one whose document lies elsewhere."""
    far_side.add_bucket("my-event-lake-stg-us-east-1", SAMPLES / "library")
    records = {"listener": 4, "trigger": 1, "uploads": 1, "command": 1}
    deploy(far_side, *(f"my-bff-stg-{name}" for name in records))
    deploy(far_side, "cncb-materialized-view-dynamodb-john-listener", "cncb-check-john")
    run = resubmits.execute(sources=["s3://my-event-lake-stg-us-east-1/", SAMPLES / "destinations"])
    assert (run.code, run.status, run.events["delivered"]) == (0, "succeeded", 8)
    found = {name: share["records"] for name, share in run.summary["functions"].items()}
    assert {name: found[f"my-bff-stg-{name}"] for name in records} == records
    (trigger,) = resubmits.sent_to("my-bff-stg-trigger")
    assert b'"NewImage":{"pk":{"S":"thing-43"}' in trigger
    assert b"".join(call.payload for call in resubmits.sent).count(b"COMPRESSED") == 1, "the function's own text"
    (alone,) = resubmits.sent_to("my-bff-stg-command")
    assert json.loads(alone)["detail-type"]


def test_the_records_of_a_key_keep_their_order_in_each_function(far_side: FarSide, resubmits: Resubmits) -> None:
    documents = faults(400, keys=15, functions=THREE[:2])
    far_side.add_bucket("faults", lines(*documents))
    deploy(far_side, *THREE[:2], handler=lambda _payload, context: ok().after(0.004 * (context.number % 5)))
    run = resubmits.execute("--batch-size", "4")
    assert run.events["delivered"] == 400
    assert far_side.overlaps_within_key() == []
    assert far_side.max_concurrency > 4
    for function in THREE[:2]:
        taken = [call.records for call in resubmits.sent if call.function == function]
        lanes: dict[str, list[int]] = {}
        for each in (each for records in taken for each in records):
            lanes.setdefault(each.partition_key, []).append(int(each.sequence_number))
        assert sum(map(len, lanes.values())) == 200
        assert all(numbers == sorted(numbers) for numbers in lanes.values())


# Units of work


def unit(number: int, count: int, **about: Any) -> tuple[bytes, list[bytes]]:
    """A fault of a batch of records of different keys, and these records."""
    records = [record(number + place, f"thing-{number + place}") for place in range(count)]
    return library(number, *records, **about), records


@pytest.mark.parametrize("order", ["--ordered", "--unordered"])
def test_a_batch_of_records_stays_together_and_the_batch_size_counts_records(
    order: str, far_side: FarSide, resubmits: Resubmits
) -> None:
    units = [unit(10 * place, count) for place, count in enumerate((3, 3, 2, 7, 1, 1, 1))]
    far_side.add_bucket("faults", lines(*(document for document, _ in units)))
    deploy(far_side, "listener", mappings=[{"BatchSize": 5}])
    run = resubmits.execute(order)
    assert (run.events["delivered"], run.summary["functions"]["listener"]["records"]) == (7, 18)
    payloads = [b"".join(records_in(payload)) for payload in resubmits.sent_to("listener")]
    for _, records in units:
        assert sum(b"".join(records) in payload for payload in payloads) == 1
    sizes = [len(call.records) for call in resubmits.sent]
    assert (sum(sizes), max(sizes), [size for size in sizes if size > 5]) == (18, 7, [7])
    if order == "--unordered":
        assert len(sizes) <= 5, "units share invocations"
        assert resubmits.execute("--again", "--one-by-one").events["delivered"] == 7
        assert sorted(len(call.records) for call in resubmits.sent[len(sizes) :]) == [1, 1, 1, 2, 3, 3, 7]


def test_a_batch_of_records_fails_and_is_tried_again_as_a_whole(far_side: FarSide, resubmits: Resubmits) -> None:
    bad, records = unit(10, 3)
    far_side.add_bucket("faults", lines(library(0, record(0)), bad, library(1, record(1)), library(2, record(2))))
    deploy(far_side, "listener", handler=raising_on(["e-0011"]))
    run = resubmits.execute("--max-attempts", "2", "--unordered", "--max-failures", "100%")
    assert (run.code, run.status) == (3, "partial")
    assert run.summary["functions"]["listener"].items() >= {"matched": 4, "delivered": 3, "failed": 1}.items()
    assert [(failure["event_id"], failure["message"]) for failure in run.failures] == [("f-0010", "poison")]
    with_it = [records_in(payload) for payload in resubmits.sent_to("listener") if records[0] in records_in(payload)]
    assert all(set(records) <= set(each) for each in with_it)
    assert with_it[-2:] == [records, records]
    assert resubmits.delivered_ids == ["e-0000", "e-0001", "e-0002"]


def test_a_partial_response_that_names_one_record_of_a_batch_names_all_of_it(
    far_side: FarSide, resubmits: Resubmits
) -> None:
    bad, records = unit(10, 3)
    named = sequence_number(records[1])

    def handler(payload: Any, _context: Context) -> Reply:
        stops = "e-0011" in ids_in(payload)
        return ok({"batchItemFailures": [{"itemIdentifier": named}] if stops else []})

    far_side.add_bucket("faults", lines(library(0, record(0)), bad, library(20, record(20))))
    deploy(far_side, "listener", handler=handler, mappings=[{"FunctionResponseTypes": ["ReportBatchItemFailures"]}])
    run = resubmits.execute("--max-attempts", "2", "--unordered", "--max-failures", "100%")
    assert (run.code, run.events["delivered"], run.events["failed"]) == (3, 2, 1)
    assert run.failures[0]["event_id"] == "f-0010"
    sent = [records_in(payload) for payload in resubmits.sent_to("listener")]
    assert sent[0] == [record(0), *records, record(20)]
    assert all(set(records) <= set(each) or not set(records) & set(each) for each in sent)
    assert sum(record(0) in each for each in sent) == 1, "what came before is done"
    assert sum(records[0] in each for each in sent) == 2
    assert record(20) in sent[-1]


# Whereto


def test_faults_can_be_sent_elsewhere_and_each_function_has_its_own_memory(
    far_side: FarSide, resubmits: Resubmits
) -> None:
    far_side.add_bucket("faults", lines(*faults(6, functions=THREE)))
    deploy(far_side, *THREE, "fn-new", "all")
    assert resubmits.execute("--map", "fn-b=fn-new", "--map", "fn-c=fn-a:live").events["delivered"] == 6
    assert [len(resubmits.taken_by(name)) for name in (*THREE, "fn-new")] == [4, 0, 0, 2]
    assert {call.qualifier for call in resubmits.sent if call.function == "fn-a"} == {None, "live"}
    run = resubmits.execute("--function", "all", "--qualifier", "7")
    assert run.summary["functions"].keys() == {"all:7"}
    assert (run.events["delivered"], {call.qualifier for call in resubmits.sent if call.function == "all"}) == (
        6,
        {"7"},
    )
    home = resubmits.execute()
    assert home.summary["faults"]["sent_before"] == 2, "those that fn-a got"
    assert len(resubmits.taken_by("fn-b")) == len(resubmits.taken_by("fn-c")) == 2


def test_a_function_that_does_not_exist_is_named_with_the_closest_and_the_others_are_sent(
    far_side: FarSide, resubmits: Resubmits
) -> None:
    documents = faults(6, functions=["my-bff-stg-listener", "my-bff-stg-trigger"])
    far_side.add_bucket("faults", lines(*documents, library(7, record(7), function=None)))
    deploy(far_side, "my-bff-stg-listener", "my-bff-stg-triggers")
    planned = resubmits.plan()
    assert (planned.code, planned.events["matched"], planned.events["failed"]) == (3, 7, 4)
    problem = planned.summary["plan"]["functions"]["my-bff-stg-trigger"]["problem"]
    assert problem["what"] == "there is no function my-bff-stg-trigger in us-east-1"
    assert "my-bff-stg-triggers" in problem["next_step"]
    assert "--function" in planned.summary["plan"]["functions"][""]["problem"]["next_step"]
    shown = resubmits.text()
    assert (shown.code, shown.err) == (3, "")
    assert "there is no function my-bff-stg-trigger in us-east-1. Did you mean my-bff-stg-triggers" in shown.out
    run = resubmits.execute("--max-failures", "100%")
    assert (run.code, run.status, run.events["delivered"], run.events["failed"]) == (3, "partial", 3, 4)
    assert run.summary["functions"]["my-bff-stg-trigger"].items() >= {"delivered": 0, "failed": 3}.items()
    assert resubmits.delivered_ids == ["e-0000", "e-0002", "e-0004"]


# Which


def chosen_from() -> list[bytes]:
    return [
        library(0, record(0), function="fn-a", error="TypeError", message="no name of thing 17"),
        library(1, record(1), function="fn-a", error="TypeError", message="no name of thing 4"),
        library(2, record(2), function="fn-a", error="Timeout", message="after 6 s", pipeline="m2"),
        library(3, record(3, type_="thing-deleted"), function="fn-b", type="thing-deleted", raised_ms=RAISED_MS + 5000),
        library(4, record(4), function="fn-c", message="50% of [it] failed", raised_ms=RAISED_MS - 86_400_000),
    ]


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (["--only-function", "fn-[ab]", "--error", "TypeError", "--error", "Time*"], [0, 1, 2]),
        (["--error", "no name of thing 17", "--error", "50%*"], [0, 4]),
        (["--type", "*-deleted", "--pipeline", "m[12]"], [3]),
        (["--from", "2023-11-22T00:00Z", "--to", "2023-11-22T00:00:05Z", "--pipeline", "m2"], [2]),
    ],
)
def test_only_the_chosen_faults_are_sent(
    options: list[str], numbers: list[int], far_side: FarSide, resubmits: Resubmits
) -> None:
    far_side.add_bucket("faults", lines(*chosen_from()))
    deploy(far_side, *THREE)
    run = resubmits.execute(*options)
    assert resubmits.delivered_ids == [f"e-{number:04d}" for number in numbers]
    assert (run.code, run.status, run.summary["faults"]["not_chosen"]) == (0, "succeeded", 5 - len(numbers))


def test_a_group_is_chosen_by_the_fingerprint_that_the_statistics_tell(far_side: FarSide, resubmits: Resubmits) -> None:
    far_side.add_bucket("faults", lines(*chosen_from()))
    deploy(far_side, *THREE)
    stats = resubmits.command("faults", "stats", "s3://faults/", "-o", "json", endpoint=far_side.url).json
    largest = stats["groups"][0]
    assert (largest["count"], largest["function"], largest["error"]) == (2, "fn-a", "TypeError")
    run = resubmits.execute("--group", largest["fingerprint"])
    assert run.summary["faults"]["not_chosen"] == 3
    assert resubmits.delivered_ids == ["e-0000", "e-0001"]


def test_a_limit_counts_what_is_sent_and_the_next_run_goes_on_behind_it(
    far_side: FarSide, resubmits: Resubmits
) -> None:
    far_side.add_bucket("faults", one_each(faults(7)))
    deploy(far_side, "listener")
    runs = [resubmits.execute("--limit", "4") for _ in range(2)]
    assert [(run.events["delivered"], run.summary["faults"]["sent_before"]) for run in runs] == [(4, 0), (3, 4)]
    assert len(far_side.delivered()) == 7


def test_what_cannot_be_sent_is_counted_and_named(far_side: FarSide, resubmits: Resubmits) -> None:
    redacted = library(3, record(3).replace(b'"partitionKey":"thing-1"', b'"partitionKey":"[REDACTED]"'))
    half = library(5, record(5), b'"[CIRCULAR]"')
    documents = [
        library(0, record(0)),
        b'{"type":"fault","id":',
        library(2).replace(b'"uow":', b'"x":'),
        redacted,
        half,
    ]
    far_side.add_bucket("faults", lines(*documents))
    deploy(far_side, "listener")
    planned, run = resubmits.plan(), resubmits.execute()
    assert (planned.code, planned.status, run.code, run.status) == (3, "planned", 3, "partial")
    flaws = {"broken": 1, "without_record": 1, "not_whole": 2}
    assert run.summary["faults"].items() >= flaws.items()
    assert planned.summary["faults"] == run.summary["faults"]
    assert (run.events["delivered"], run.events["malformed"], len(far_side.delivered())) == (1, 4, 1)
    (object_,) = {failure["object"] for failure in run.failures}
    assert object_ == "s3://faults/us-east-1/2023/11/22/00/faults"
    named = [(failure["line"], failure["event_id"], failure["error"]) for failure in run.failures]
    assert named == [
        (2, None, "NotJson"),
        (3, "f-0002", "NoRecord"),
        (4, "f-0003", "NotWhole"),
        (5, "f-0005", "NotWhole"),
    ]
    assert "[REDACTED]" not in run.err + json.dumps(run.summary)


# Canary


def test_the_first_faults_of_each_function_go_before_its_others(far_side: FarSide, resubmits: Resubmits) -> None:
    far_side.add_bucket("faults", lines(*faults(60, keys=20, functions=THREE[:2])))
    deploy(far_side, *THREE[:2], handler=lambda _payload, _context: ok().after(0.05))
    assert resubmits.execute("--canary", "3", "--batch-size", "2").events["delivered"] == 60
    for function in THREE[:2]:
        calls = [call for call in resubmits.sent if call.function == function]
        first = {f"e-{2 * place + THREE.index(function):04d}" for place in range(3)}
        birds = [call for call in calls if set(map(_id, call.records)) & first]
        assert {each for call in birds for each in map(_id, call.records)} == first
        ended = [call.ended for call in birds]
        others = [call.started for call in calls if call not in birds]
        assert max(end or float("inf") for end in ended) <= min(others)


def _id(arrived: Any) -> str:
    return str(json.loads(arrived.data)["id"])


def test_a_canary_that_fails_stops_the_run(far_side: FarSide, resubmits: Resubmits) -> None:
    far_side.add_bucket("faults", lines(*faults(40)))
    deploy(far_side, "listener", handler=lambda _payload, _context: function_error("TypeError", "still broken"))
    run = resubmits.execute("--canary", "2", "--max-attempts", "1", "--batch-size", "2")
    assert (run.code, run.status) == (5, "stopped")
    assert "canary" in run.summary["reason"]
    birds = {record(0, "thing-0"), record(1, "thing-0")}
    assert {each for payload in resubmits.sent_to("listener") for each in records_in(payload)} == birds
    assert (run.events["failed"], run.events["delivered"]) == (2, 0)
