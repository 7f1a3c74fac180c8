"""The probes of AWS's services, asked over the wire: what each finds, by what the service tells."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cncbops.errors import BadInput, CannotRun
from cncbops.health import alarms, faults, functions, queues, streams, tables
from cncbops.health.access import RegionAccess
from cncbops.health.finding import Finding, Status
from cncbops.health.hours_ahead import HoursAhead
from cncbops.health.refusal import refused
from cncbops.health.registry import Ask
from cncbops.lake.listing import list_objects
from cncbops.lake.sources import S3Source
from tests.e2e import far_side_s3
from tests.e2e.far_side_health import DENIED, Call, HealthSide, Refusal, alarm, faults_of
from tests.e2e.far_side_s3 import Bucket, StoredObject
from tests.health.conftest import NOW


def one(found: list[Finding]) -> tuple[str, Status, str]:
    """The only finding."""
    (finding,) = found
    return finding.subject, finding.status, finding.why


@pytest.mark.parametrize(
    ("state", "status", "why"),
    [
        ("OK", Status.ok, "OK (since 2023-11-22T00:00:00.000Z)"),
        ("ALARM", Status.fail, "ALARM: five in a row (since 2023-11-22T00:00:00.000Z)"),
        ("INSUFFICIENT_DATA", Status.warn, "INSUFFICIENT_DATA: five in a row (since 2023-11-22T00:00:00.000Z)"),
    ],
)
def test_an_alarm_is_as_its_state(access: RegionAccess, side: HealthSide, state: str, status: Status, why: str) -> None:
    side.on("monitoring.DescribeAlarms", {"MetricAlarms": [alarm("a", state, "five\nin a row")]})
    assert one(alarms.alarms(access, "a")) == ("a", status, why)
    assert side.calls[-1].asked["AlarmNames"] == ["a"]


def test_alarms_of_both_kinds_are_found_by_a_prefix(access: RegionAccess, side: HealthSide) -> None:
    both = {"MetricAlarms": [alarm("john-1", "OK")], "CompositeAlarms": [alarm("john-2", "ALARM")]}
    side.on("monitoring.DescribeAlarms", both)
    found = alarms.alarms(access, "john-*")
    assert [(each.subject, each.status) for each in found] == [("john-1", Status.ok), ("john-2", Status.fail)]
    asked = side.calls[-1].asked
    assert asked["AlarmNamePrefix"] == "john-"
    assert asked["AlarmTypes"] == ["MetricAlarm", "CompositeAlarm"]
    alarms.alarms(access, "*")
    assert not {"AlarmNames", "AlarmNamePrefix"} & set(side.calls[-1].asked)


@pytest.mark.parametrize("subject", ["a", "a*"])
def test_an_alarm_that_is_not_there_is_unknown(access: RegionAccess, side: HealthSide, subject: str) -> None:
    side.on("monitoring.DescribeAlarms", {"MetricAlarms": [], "CompositeAlarms": []})
    assert one(alarms.alarms(access, subject)) == (subject, Status.unknown, "there is no such alarm")


@pytest.mark.parametrize("told", [{}, {"Item": {"id": {"S": "1"}}}])
def test_a_table_that_can_be_read_is_well_though_its_item_is_missing(
    access: RegionAccess, side: HealthSide, told: dict[str, Any]
) -> None:
    side.on("dynamodb.GetItem", told)
    (finding,) = tables.read(access, "t1")
    assert (finding.status, finding.facts) == (Status.ok, {"item": bool(told)})
    assert side.calls[-1].asked == {"TableName": "t1", "Key": {"id": {"S": "1"}}}


def test_a_table_is_written_with_the_same_key(access: RegionAccess, side: HealthSide) -> None:
    assert one(tables.write(access, "t1")) == ("t1", Status.ok, "the check item is written")
    assert side.calls[-1].asked == {"TableName": "t1", "Item": {"id": {"S": "1"}}}


def replicas(told: dict[str, Any], access: RegionAccess, side: HealthSide) -> Finding:
    side.on("dynamodb.DescribeTable", {"Table": told})
    (finding,) = tables.replicas(access, "things")
    return finding


@pytest.mark.parametrize(
    ("own", "other", "status", "why"),
    [
        ("ACTIVE", "ACTIVE", Status.ok, "ACTIVE in us-east-1, us-west-2"),
        ("ACTIVE", "CREATING", Status.warn, "us-west-2 is CREATING"),
        ("ACTIVE", "REPLICATION_NOT_AUTHORIZED", Status.warn, "us-west-2 is REPLICATION_NOT_AUTHORIZED"),
        ("UPDATING", "ACTIVE", Status.warn, "us-east-1 is UPDATING"),
        (
            "INACCESSIBLE_ENCRYPTION_CREDENTIALS",
            "ACTIVE",
            Status.fail,
            "us-east-1 is INACCESSIBLE_ENCRYPTION_CREDENTIALS",
        ),
        ("ARCHIVED", "DELETING", Status.fail, "us-east-1 is ARCHIVED, us-west-2 is DELETING"),
    ],
)
def test_a_replica_fails_its_own_region_only(
    access: RegionAccess, side: HealthSide, own: str, other: str, status: Status, why: str
) -> None:
    told = {"TableStatus": own, "Replicas": [{"RegionName": "us-west-2", "ReplicaStatus": other}]}
    finding = replicas(told, access, side)
    assert (finding.status, finding.why) == (status, why)
    assert finding.facts == {"global": True, "replicas": {"us-east-1": own, "us-west-2": other}}


def test_where_the_region_lists_itself_that_counts(access: RegionAccess, side: HealthSide) -> None:
    told = {"TableStatus": "ACTIVE", "Replicas": [{"RegionName": "us-east-1", "ReplicaStatus": "REGION_DISABLED"}]}
    assert replicas(told, access, side).status is Status.fail


def test_a_table_of_one_region_is_no_fault(access: RegionAccess, side: HealthSide) -> None:
    finding = replicas({"TableStatus": "ACTIVE"}, access, side)
    assert (finding.status, finding.why) == (Status.ok, "ACTIVE, no global table")
    assert finding.facts["global"] is False


def test_replicas_of_an_old_global_table_are_told_by_a_call_of_their_own(
    access: RegionAccess, side: HealthSide
) -> None:
    group = [{"RegionName": "us-east-1"}, {"RegionName": "eu-west-1", "ReplicaStatus": "CREATING"}]
    old = {"GlobalTableDescription": {"GlobalTableStatus": "ACTIVE", "ReplicationGroup": group}}
    side.on("dynamodb.DescribeGlobalTable", old)
    finding = replicas({"TableStatus": "ACTIVE", "GlobalTableVersion": "2017.11.29"}, access, side)
    assert finding.facts["replicas"] == {"us-east-1": "ACTIVE", "eu-west-1": "CREATING"}
    assert finding.status is Status.warn


@pytest.mark.parametrize(
    ("state", "status"),
    [("ACTIVE", Status.ok), ("UPDATING", Status.ok), ("CREATING", Status.fail), ("DELETING", Status.fail)],
)
def test_a_stream_is_as_its_state(access: RegionAccess, side: HealthSide, state: str, status: Status) -> None:
    side.on("kinesis", {"StreamDescriptionSummary": {"StreamName": "s1", "StreamStatus": state, "OpenShardCount": 2}})
    (finding,) = streams.stream(access, "s1")
    assert (finding.status, finding.why.startswith(state)) == (status, True)
    assert finding.facts == {"state": state, "open_shards": 2}


@pytest.mark.parametrize(
    ("values", "status", "why"),
    [
        ({}, Status.ok, "nothing processed in the last 5 minutes"),
        ({"iterator_age_ms": [1_799_999, 5], "errors": [0], "throttles": [0, 0]}, Status.ok, "no errors, no throttles"),
        ({"iterator_age_ms": [5, 1_800_000]}, Status.warn, "0.5 h behind"),
        ({"iterator_age_ms": [7_199_999]}, Status.warn, "2.0 h behind"),
        ({"iterator_age_ms": [7_200_000]}, Status.fail, "2.0 h behind"),
        ({"errors": [1, 0, 2]}, Status.warn, "3 errors"),
        ({"throttles": [1000, 500]}, Status.warn, "1,500 throttles"),
        (
            {"iterator_age_ms": [9e6], "errors": [1], "throttles": [1]},
            Status.fail,
            "2.5 h behind, 1 errors, 1 throttles",
        ),
    ],
)
def test_a_function_is_as_its_last_minutes(
    access: RegionAccess, side: HealthSide, values: dict[str, list[float]], status: Status, why: str
) -> None:
    results = [{"Id": key, "Values": values.get(key, [])} for key in ("iterator_age_ms", "errors", "throttles")]
    side.on("monitoring.GetMetricData", {"MetricDataResults": results})
    assert one(functions.function(access, "fn")) == ("fn", status, why)
    asked = side.calls[0].asked
    assert side.count("lambda.GetFunctionConfiguration") == (not values)
    told = [each["MetricStat"] for each in asked["MetricDataQueries"]]
    assert [(each["Metric"]["MetricName"], each["Stat"]) for each in told] == [
        ("IteratorAge", "Maximum"),
        ("Errors", "Sum"),
        ("Throttles", "Sum"),
    ]
    assert {str(each["Metric"]["Dimensions"]) for each in told} == {"[{'Name': 'FunctionName', 'Value': 'fn'}]"}
    assert asked["EndTime"] - asked["StartTime"] == 300


def metric(key: str, *values: float, status: str = "Complete", **more: Any) -> dict[str, Any]:
    return {"Id": key, "Values": list(values), "StatusCode": status, **more}


@pytest.mark.parametrize(
    ("results", "status", "why"),
    [
        (
            [metric("errors", status="InternalError"), metric("throttles")],
            Status.unknown,
            "CloudWatch does not tell errors (InternalError)",
        ),
        (
            [
                metric(
                    "iterator_age_ms", status="Forbidden", Messages=[{"Code": "Forbidden", "Value": "not\nallowed"}]
                ),
                metric("errors", 3),
            ],
            Status.unknown,
            "CloudWatch does not tell iterator_age_ms (Forbidden: not allowed); 3 errors",
        ),
        (
            [metric("iterator_age_ms", 7_200_000), metric("errors", status="PartialData")],
            Status.fail,
            "2.0 h behind",
        ),
        ([metric("errors", 0, status="PartialData")], Status.ok, "no errors, no throttles"),
    ],
)
def test_metrics_that_are_withheld_are_not_taken_for_none(
    access: RegionAccess, side: HealthSide, results: list[dict[str, Any]], status: Status, why: str
) -> None:
    side.on("monitoring.GetMetricData", {"MetricDataResults": results})
    assert one(functions.function(access, "fn")) == ("fn", status, why)
    assert side.count("lambda.GetFunctionConfiguration") == 0


@pytest.mark.parametrize(
    ("refusal", "status", "why"),
    [
        (Refusal("ResourceNotFoundException", status=404), Status.fail, "it does not exist"),
        (DENIED, Status.unknown, "access denied. Ask for lambda:GetFunctionConfiguration, or use --role-arn"),
    ],
)
def test_a_function_without_metrics_has_to_be_there(
    access: RegionAccess, side: HealthSide, refusal: Refusal, status: Status, why: str
) -> None:
    side.on("lambda.GetFunctionConfiguration", refusal)
    with pytest.raises(ClientError) as error:
        functions.function(access, "mistyped")
    assert one([refused("mistyped", error.value)]) == ("mistyped", status, why)
    assert side.calls[-1].asked == {"path": "/2015-03-31/functions/mistyped/configuration"}


@pytest.mark.parametrize(
    ("depth", "status", "why"),
    [(0, Status.ok, "empty"), (1, Status.warn, "1 message waits"), (1234, Status.warn, "1,234 messages wait")],
)
def test_a_queue_is_as_deep_as_it_is(
    access: RegionAccess, side: HealthSide, depth: int, status: Status, why: str
) -> None:
    side.on("sqs.GetQueueAttributes", {"Attributes": {"ApproximateNumberOfMessages": str(depth)}})
    assert one(queues.queue(access, "dlq")) == ("dlq", status, why)


def test_a_queue_by_its_url_needs_no_look_for_it(access: RegionAccess, side: HealthSide) -> None:
    url = "https://sqs.us-east-1.amazonaws.com/000000000000/dlq"
    assert one(queues.queue(access, url))[1] is Status.ok
    assert [call.operation for call in side.calls] == ["sqs.GetQueueAttributes"]


def test_a_queue_of_another_region_is_not_asked_for(access: RegionAccess, side: HealthSide) -> None:
    with pytest.raises(CannotRun, match="it is in eu-west-1, not in us-east-1"):
        queues.queue(access, "arn:aws:sqs:eu-west-1:000000000000:dlq")
    assert side.calls == []


def test_only_faults_of_the_last_hour_count(access: RegionAccess, side: HealthSide) -> None:
    side.on("s3.ListObjectsV2", faults_of(NOW, 0, 20, 59, 61, 300))
    assert one(faults.faults(access, "s3://faults/")) == (
        "s3://faults/",
        Status.warn,
        "3 fault objects in the last hour",
    )


def test_neither_markers_of_folders_nor_old_days_are_faults(access: RegionAccess, side: HealthSide) -> None:
    marker = StoredObject(b"", last_modified=NOW)
    side.on(
        "s3.ListObjectsV2",
        Bucket("faults", {"2023/11/22/00/": marker, "2019/01/01/00/a.json": StoredObject(b"{}", last_modified=NOW)}),
    )
    assert one(faults.faults(access, "s3://faults/")) == ("s3://faults/", Status.ok, "no fault object in the last hour")


@pytest.mark.parametrize(
    ("objects", "folder", "minutes", "status", "why"),
    [
        (800, "2023/11/22/00/", 1, Status.warn, "at least 500 fault objects in the last hour"),
        (500, "2023/11/22/00/", 1, Status.warn, "500 fault objects in the last hour"),
        (500, "", 61, Status.ok, "no fault object in the last hour"),
        (
            8_000,
            "",
            61,
            Status.unknown,
            "more than 5,000 objects there may be of that hour, and the first are older",
        ),
    ],
)
def test_a_look_at_faults_ends_after_as_many_pages_as_there_is_time_for(
    access: RegionAccess,
    side: HealthSide,
    monkeypatch: pytest.MonkeyPatch,
    objects: int,
    folder: str,
    minutes: int,
    status: Status,
    why: str,
) -> None:
    if objects < 1_000:  # as many pages, each a tenth as long
        monkeypatch.setattr(faults, "MOST_LISTED", 500)
        monkeypatch.setattr(far_side_s3, "PAGE_SIZE", 100)
    stored = StoredObject(b"{}", last_modified=NOW - timedelta(minutes=minutes))
    side.on("s3.ListObjectsV2", Bucket("faults", {f"{folder}{number:06}": stored for number in range(objects)}))
    assert one(faults.faults(access, "s3://faults/")) == ("s3://faults/", status, why)
    further = sum("continuation-token" in call.asked for call in side.calls)
    assert further <= 9  # and two before them, one after the other, of 200 ms each: half of what a look has
    assert side.count("s3.ListObjectsV2") <= 13


def test_the_folders_of_the_last_hour_are_asked_for_side_by_side(access: RegionAccess, side: HealthSide) -> None:
    bucket, meeting = faults_of(NOW, 0, 20, 59, 61, 300), threading.Barrier(6)

    def meet(call: Call) -> Bucket:
        if "prefix" in call.asked:  # all but the first
            meeting.wait(20)
        return bucket

    side.on("s3.ListObjectsV2", meet)
    assert one(faults.faults(access, "s3://faults/"))[2] == "3 fault objects in the last hour"
    paths = ["/", "/11/", "/11/21/", "/11/21/22/", "/11/21/23/", "/11/22/"]
    assert sorted(call.asked.get("prefix", "") for call in side.calls) == sorted(["", *(f"2023{x}" for x in paths)])


@pytest.mark.parametrize(
    "keys",
    [
        ["%Y/%m/%d/%H/a", "%Y/%m/%d/%H/b", "2020/01/01/00/c"],
        ["john-s1/%Y/%m/%d/%H/a", "john-s2/%Y/%m/%d/%H/a", "z"],
        ["legacy%Y/%m/%d/%H/a", "processing-failed/%Y/%m/%d/%H/a"],
        ["year=%Y/month=%m/day=%d/hour=%H/a"],
        ["%Y/%m/%d/a", "%Y/%m/a", "%Y/a", "a"],
        ["%Y/shards/%m/a"],
        ["%m/%d/a", "2024/01/01/00/a"],
    ],
)
@pytest.mark.parametrize("now", [NOW, datetime(2021, 1, 1, 0, 5, tzinfo=UTC)])
@pytest.mark.parametrize("prefix", ["", "20"])
def test_looking_ahead_changes_nothing_in_what_is_listed(
    access: RegionAccess, side: HealthSide, keys: list[str], now: datetime, prefix: str
) -> None:
    hours = [now - timedelta(hours=hour) for hour in range(5)]
    side.on("s3.ListObjectsV2", Bucket("b", {f"{hour:{key}}": StoredObject(b"{}") for hour in hours for key in keys}))
    s3, source = access.client("s3"), S3Source("b", prefix)
    ahead: Any = HoursAhead(s3, hours[1], now)
    plain = [found.key for found in list_objects(source, s3, ahead.window)]
    assert plain or prefix
    assert [found.key for found in list_objects(source, ahead, ahead.window, at_once=1)] == plain


def test_what_was_refused_ahead_is_raised_where_it_is_needed(access: RegionAccess, side: HealthSide) -> None:
    bucket = faults_of(NOW, 0)
    side.on("s3.ListObjectsV2", lambda call: DENIED if call.asked.get("prefix") == "2023/11/22/" else bucket)
    with pytest.raises(ClientError):
        faults.faults(access, "s3://faults/")


@pytest.mark.parametrize("text", ["faults", "/tmp/faults", "https://faults/", "s3://"])
def test_faults_lie_in_s3(text: str) -> None:
    with pytest.raises(BadInput):
        faults.require_place(text)


@pytest.mark.parametrize("text", ["a b", "", "x" * 81])
def test_a_queue_has_a_queues_name(text: str) -> None:
    with pytest.raises(BadInput):
        queues.require_queue(text)


@pytest.mark.parametrize("ask", [tables.read, tables.write, tables.replicas])
def test_errors_of_aws_are_left_to_whoever_runs_the_probe(access: RegionAccess, side: HealthSide, ask: Ask) -> None:
    side.on("dynamodb", DENIED)
    with pytest.raises(ClientError):
        ask(access, "t1")
