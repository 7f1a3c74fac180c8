"""Which states of alarms stop a run, and for how long it goes on without seeing them."""

import socket
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import Stubber
from moto import mock_aws

from cncbops.aws import Aws, AwsAccess
from cncbops.errors import CannotRun
from cncbops.safety.alarms import ALARM_BLIND_S, AlarmWatch

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

DENIED = "alarms cannot be read for 60 s: cannot read the alarms: access denied"


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_CLOUDWATCH"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def client() -> "CloudWatchClient":
    return Aws(AwsAccess(region="us-east-1")).cloudwatch()


@pytest.fixture
def moto() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture
def stubber(client: "CloudWatchClient") -> Iterator[Stubber]:
    """Answers in the order in which they were added; all must have been asked for."""
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def put(client: "CloudWatchClient", name: str, state: str | None = None, reason: str = "checked") -> None:
    """A metric alarm in the given state, by default the state it is born with."""
    client.put_metric_alarm(
        AlarmName=name,
        MetricName="Errors",
        Namespace="AWS/Lambda",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    if state:
        client.set_alarm_state(AlarmName=name, StateValue=state, StateReason=reason)  # type: ignore[arg-type]


def page(*names: str, state: str = "OK", kind: str = "MetricAlarms", more: str | None = None) -> dict[str, Any]:
    alarms = [{"AlarmName": name, "StateValue": state, "StateReason": "checked"} for name in names]
    return {kind: alarms} | ({"NextToken": more} if more else {})


def asked(names: Sequence[str], **more: str) -> dict[str, Any]:
    return {"AlarmNames": list(names), "AlarmTypes": ["MetricAlarm", "CompositeAlarm"], **more}


@pytest.mark.usefixtures("moto")
def test_an_alarm_in_alarm_is_a_reason_to_stop(client: "CloudWatchClient") -> None:
    put(client, "calm", "OK")
    put(client, "errors", "ALARM", "2 datapoints\n were above  1")
    put(client, "elsewhere", "ALARM")
    watch = AlarmWatch(client, ("calm", "errors"))
    watch.require_known()
    assert watch.check() == "alarm errors is in ALARM: 2 datapoints were above 1"
    client.set_alarm_state(AlarmName="errors", StateValue="OK", StateReason="over")
    assert watch.check() is None


@pytest.mark.usefixtures("moto")
def test_an_alarm_without_enough_data_is_no_reason_to_stop(client: "CloudWatchClient") -> None:
    put(client, "quiet", "INSUFFICIENT_DATA")
    assert AlarmWatch(client, ("quiet",)).check() is None


@pytest.mark.usefixtures("moto")
def test_a_long_reason_is_cut(client: "CloudWatchClient") -> None:
    put(client, "errors", "ALARM", "x" * 1000)
    assert AlarmWatch(client, ("errors",)).check() == "alarm errors is in ALARM: " + "x" * 200


def test_a_composite_alarm_is_watched_as_well(client: "CloudWatchClient", stubber: Stubber) -> None:
    watch = AlarmWatch(client, ["service"])
    stubber.add_response("describe_alarms", page("service", kind="CompositeAlarms"), asked(["service"]))
    watch.require_known()
    stubber.add_response("describe_alarms", page("service", state="ALARM", kind="CompositeAlarms"), asked(["service"]))
    assert watch.check() == "alarm service is in ALARM: checked"


@pytest.mark.usefixtures("moto")
def test_alarms_that_do_not_exist_are_named_with_their_region(client: "CloudWatchClient") -> None:
    put(client, "errors")
    AlarmWatch(client, ("errors",)).require_known()
    with pytest.raises(CannotRun, match=r"there is no CloudWatch alarm erors or latency in us-east-1\. Check name and"):
        AlarmWatch(client, ("latency", "errors", "erors")).require_known()


@pytest.mark.usefixtures("moto")
def test_without_names_no_alarm_stops_the_run(client: "CloudWatchClient") -> None:
    put(client, "elsewhere", "ALARM")
    watch = AlarmWatch(client, ())
    watch.require_known()
    assert watch.check() is None


@pytest.mark.usefixtures("moto")
def test_an_alarm_that_vanishes_stops_the_run_unless_it_comes_back(client: "CloudWatchClient") -> None:
    clock = Clock()
    put(client, "errors", "OK")
    watch = AlarmWatch(client, ("errors",), clock)
    client.delete_alarms(AlarmNames=["errors"])
    clock.now += ALARM_BLIND_S - 1
    assert watch.check() is None
    clock.now += 1
    assert watch.check() == "alarms cannot be read for 60 s: there is no CloudWatch alarm errors in us-east-1"
    put(client, "errors", "OK")
    assert watch.check() is None


@pytest.mark.usefixtures("moto")
def test_an_alarm_in_alarm_stops_the_run_though_another_vanished(client: "CloudWatchClient") -> None:
    put(client, "errors", "ALARM")
    assert AlarmWatch(client, ("gone", "errors")).check() == "alarm errors is in ALARM: checked"


def test_every_page_is_read(client: "CloudWatchClient", stubber: Stubber) -> None:
    names = ["a", "b", "c"]
    stubber.add_response("describe_alarms", page("a", more="2"), asked(names))
    stubber.add_response("describe_alarms", page("b", kind="CompositeAlarms", more="3"), asked(names, NextToken="2"))
    stubber.add_response("describe_alarms", page("c", state="ALARM"), asked(names, NextToken="3"))
    assert AlarmWatch(client, names).check() == "alarm c is in ALARM: checked"


def test_more_names_than_one_call_takes_are_asked_for_in_several(client: "CloudWatchClient", stubber: Stubber) -> None:
    names = [f"alarm-{number}" for number in range(101)]
    stubber.add_response("describe_alarms", page(*names[:100]), asked(names[:100]))
    stubber.add_response("describe_alarms", page(*names[100:]), asked(names[100:]))
    AlarmWatch(client, names).require_known()


def test_a_run_goes_on_blind_for_a_while_and_not_longer(client: "CloudWatchClient", stubber: Stubber) -> None:
    clock = Clock()
    watch = AlarmWatch(client, ("errors",), clock)
    for after_s, expected in ((0.0, None), (ALARM_BLIND_S - 0.5, None), (0.5, DENIED)):
        clock.now += after_s
        stubber.add_client_error("describe_alarms", "AccessDenied")
        assert watch.check() == expected


@pytest.mark.parametrize("look", [AlarmWatch.check, AlarmWatch.require_known])
def test_the_blind_time_counts_from_the_last_look_that_succeeded(
    client: "CloudWatchClient", stubber: Stubber, look: Any
) -> None:
    clock = Clock()
    watch = AlarmWatch(client, ("errors",), clock)
    clock.now += ALARM_BLIND_S * 10
    stubber.add_response("describe_alarms", page("errors"))
    look(watch)
    clock.now += ALARM_BLIND_S - 1
    stubber.add_client_error("describe_alarms", "Throttling")
    assert watch.check() is None
    clock.now += 1
    stubber.add_client_error("describe_alarms", "AccessDenied")
    assert watch.check() == DENIED


def test_alarms_that_may_not_be_read_are_an_error_beforehand(client: "CloudWatchClient", stubber: Stubber) -> None:
    stubber.add_client_error("describe_alarms", "AccessDenied")
    with pytest.raises(CannotRun, match=r"access denied\. Ask for cloudwatch:DescribeAlarms"):
        AlarmWatch(client, ("errors",)).require_known()


def test_where_nobody_listens_the_alarms_cannot_be_read() -> None:
    clock = Clock()
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        endpoint = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        watch = AlarmWatch(Aws(AwsAccess(region="us-east-1", endpoint_url=endpoint)).cloudwatch(), ("errors",), clock)
        clock.now += ALARM_BLIND_S
        assert watch.check() == f"alarms cannot be read for 60 s: cannot read the alarms: {endpoint} cannot be reached"
        with pytest.raises(CannotRun, match="cannot be reached"):
            watch.require_known()
