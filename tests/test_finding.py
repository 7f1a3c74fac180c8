"""Functions are looked up as they are met, each once, and told from all others."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from cncbops import finding
from cncbops.aws import Aws, AwsAccess
from cncbops.errors import CannotRun, CncbopsError
from cncbops.finding import Finder
from cncbops.function_name import parse_function
from cncbops.lake.sources import S3Source
from cncbops.recipients import Recipient, Recipients
from cncbops.request import ResubmitRequest
from cncbops.target import NoSuchFunction
from tests.e2e.far_side import FarSide, service_error

REQUEST = ResubmitRequest(sources=(S3Source("lake", ""),))
ACCOUNT = "123456789012"
OF_ANOTHER = "arn:aws:lambda:us-east-1:210987654321:function:fn"
NOT_FOUND = service_error("ResourceNotFoundException", 404, "no")
ELSEWHERE = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:fn"
STREAM = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s1"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture
def far_side() -> Iterator[FarSide]:
    with FarSide() as server:
        yield server


def finder(far_side: FarSide, request: ResubmitRequest = REQUEST) -> Finder:
    return Finder(request, Aws(AwsAccess(region="us-east-1", endpoint_url=far_side.url)), Recipients(), ACCOUNT)


def find(finder: Finder, name: str) -> Recipient:
    found = finder.find(parse_function(name)).recipient
    assert isinstance(found, Recipient)
    return found


@pytest.mark.parametrize(
    ("typed", "name", "bare"),
    [
        ("fn", "fn", "fn"),
        ("fn:live", "fn:live", "fn"),
        (f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:fn:live", "fn:live", "fn"),
        (ELSEWHERE, ELSEWHERE, ELSEWHERE),
        (f"{ELSEWHERE}:live", f"{ELSEWHERE}:live", ELSEWHERE),
    ],
)
def test_a_function_has_the_shortest_name_that_tells_it_from_others(
    far_side: FarSide, typed: str, name: str, bare: str
) -> None:
    found = finder(far_side)
    assert found.find(parse_function(typed))[:2] == (name, bare)


def test_functions_of_two_accounts_are_told_apart(far_side: FarSide) -> None:
    arns = [f"arn:aws:lambda:us-east-1:{account}:function:fn" for account in (ACCOUNT, "210987654321")]
    names = {finder(far_side).find(parse_function(arn)).bare_name for arn in arns}
    assert len(names) == 2


def test_a_function_is_looked_at_once_and_then_known(far_side: FarSide) -> None:
    far_side.add_function("fn", reserved_concurrency=8)
    found = finder(far_side)
    first = find(found, "fn")
    assert find(found, "fn") is first
    assert find(found, f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:fn") is first
    assert first.terms.concurrency == 4
    assert [call.function for call in far_side.invocations] == ["fn"]  # a dry run asks for the permission


def test_an_alias_is_a_recipient_of_its_own(far_side: FarSide) -> None:
    far_side.add_function("fn")
    found = finder(far_side)
    assert find(found, "fn:live") is not find(found, "fn")
    assert [call.qualifier for call in far_side.invocations] == ["live", None]


def test_a_function_that_does_not_exist_is_looked_for_once_and_the_closest_are_told(far_side: FarSide) -> None:
    far_side.add_function("thing-listener")
    found = finder(far_side)
    first = found.find(parse_function("thing-listner")).recipient
    assert isinstance(first, NoSuchFunction)
    assert first.next_step.startswith("Did you mean thing-listener?")
    far_side.add_function("thing-listner")
    assert found.find(parse_function("thing-listner")).recipient is first
    assert found.missing == {"thing-listner": first}


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"reserved_concurrency": 0}, "has reserved concurrency 0"),
        ({"configuration": {"State": "Failed"}}, "is in state Failed"),
        ({"refuse": service_error("AccessDeniedException", 403)}, "may not be invoked by you"),
        ({"mappings": [{"EventSourceArn": STREAM, "TumblingWindowInSeconds": 30}]}, "aggregates in tumbling windows"),
    ],
)
def test_a_function_that_would_take_nothing_is_missing_and_why(
    far_side: FarSide, facts: dict[str, object], why: str
) -> None:
    far_side.add_function("fn", **facts)  # type: ignore[arg-type]
    found = finder(far_side)
    reason = found.find(parse_function("fn")).recipient
    assert isinstance(reason, CannotRun)
    assert reason.what.startswith(f"function fn {why}")
    assert found.find(parse_function("fn")).recipient is reason
    assert list(found.missing) == ["fn"]


def test_one_function_that_is_missing_keeps_no_other_from_being_found(far_side: FarSide) -> None:
    far_side.add_function("fn")
    found = finder(far_side)
    assert not isinstance(found.find(parse_function("nowhere")).recipient, Recipient)
    assert find(found, "fn").function.name == "fn"


def test_the_batches_of_the_functions_own_mapping_are_imitated_be_it_of_a_stream_or_not(far_side: FarSide) -> None:
    queue = {"EventSourceArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:q", "BatchSize": 7}
    stream = {"EventSourceArn": STREAM, "BatchSize": 25, "FunctionResponseTypes": ["ReportBatchItemFailures"]}
    far_side.add_function("of-queue", mappings=[queue])
    far_side.add_function("of-both", mappings=[queue, stream])
    far_side.add_function("of-none")
    found = finder(far_side)
    batch_sizes = [find(found, name).terms.limits.records for name in ("of-queue", "of-both", "of-none")]
    assert batch_sizes == [7, 25, 100]
    assert find(found, "of-queue").terms.policy.partial_responses == "ignored"
    assert find(found, "of-both").terms.policy.partial_responses == "strict"


def test_a_function_of_another_region_is_asked_for_there(far_side: FarSide) -> None:
    far_side.add_function("fn")
    found = find(finder(far_side), ELSEWHERE)
    assert (found.function.region, found.terms.record_source.region) == ("eu-west-1", "eu-west-1")
    missing = finder(far_side).find(parse_function(ELSEWHERE.replace("fn", "gn"))).recipient
    assert isinstance(missing, NoSuchFunction)
    assert missing.what.endswith("in eu-west-1")


def test_a_function_of_another_account_that_is_not_to_be_found_has_its_namesake_stand_in(far_side: FarSide) -> None:
    """Faults of one system, resubmitted to its copy in an account of its own."""
    far_side.add_function("fn")
    far_side.refuse(f"GET /2015-03-31/functions/{quote(OF_ANOTHER, safe='')}", NOT_FOUND)
    found = finder(far_side)
    assert find(found, f"{OF_ANOTHER}:live").function.address == "fn"
    assert found.find(parse_function(f"{OF_ANOTHER}:live")).name == "fn:live"
    assert found.namesakes == {"fn:live": OF_ANOTHER}
    assert find(found, "fn:live") is find(found, f"{OF_ANOTHER}:live")


def test_a_function_of_another_account_that_is_found_has_no_namesake(far_side: FarSide) -> None:
    far_side.add_function("fn")
    found = finder(far_side)
    assert find(found, OF_ANOTHER).function.address == OF_ANOTHER
    assert found.namesakes == {}


def test_a_function_of_another_account_without_a_namesake_is_missing(far_side: FarSide) -> None:
    found = finder(far_side)
    assert isinstance(found.find(parse_function(OF_ANOTHER)).recipient, NoSuchFunction)
    assert (list(found.missing), found.namesakes) == ([OF_ANOTHER], {})


def test_no_more_functions_are_asked_for_than_anybody_has(far_side: FarSide, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "MOST_FUNCTIONS", 2)
    far_side.add_function("fn")
    found = finder(far_side)
    find(found, "fn")
    found.find(parse_function("gn"))
    asked = len(far_side.requests)
    too_many = found.find(parse_function("hn"))
    assert (too_many.name, len(far_side.requests)) == ("(others)", asked)
    assert isinstance(too_many.recipient, CncbopsError)
    assert found.find(parse_function("in")) == too_many
    assert find(found, "fn").function.name == "fn"


def test_where_aws_refuses_the_credentials_nothing_goes_on(far_side: FarSide) -> None:
    far_side.add_function("fn")
    far_side.refuse("GET /", service_error("ExpiredTokenException", 403))
    with pytest.raises(CannotRun, match="expired") as raised:
        finder(far_side).find(parse_function("fn"))
    assert not isinstance(raised.value, NoSuchFunction)
