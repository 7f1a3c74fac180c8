"""To which function a fault's unit of work goes."""

from typing import Any

import pytest

from cncbops.faults.routing import Routing
from cncbops.function_name import parse_function
from cncbops.lake.sources import S3Source
from cncbops.request import ResubmitRequest
from tests.faults.units import fault

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:fn"


def routed(named: str | None, /, **asked: Any) -> str | None:
    """The function that gets the unit of a fault that names one, as `parse_function` takes it."""
    request = ResubmitRequest(sources=(S3Source("lake", ""),), **asked)
    found = Routing(request).of(fault(function=named))
    if found is None:
        return None
    return f"{found.address}:{found.qualifier}" if found.qualifier else found.address


@pytest.mark.parametrize("function", ["fn", "fn:live", "fn:7", ARN, f"{ARN}:live", "123456789012:function:fn"])
def test_a_fault_goes_to_the_function_that_raised_it_by_the_alias_that_it_names(function: str) -> None:
    assert routed(function) == function


@pytest.mark.parametrize("function", ["fn", ARN, "123456789012:fn"])
def test_the_latest_version_is_the_same_as_none(function: str) -> None:
    assert routed(f"{function}:$LATEST") == function


@pytest.mark.parametrize("function", [None, "", "not a function", "arn:aws:kinesis:eu-west-1:123456789012:stream/s1"])
def test_a_fault_that_names_no_function_goes_nowhere_unless_one_is_given(function: str | None) -> None:
    assert routed(function) is None
    assert routed(function, qualifier="live") is None
    assert routed(function, function=parse_function("gn")) == "gn"


def test_the_function_that_is_given_gets_all_faults_whatever_they_name() -> None:
    for function in ("fn", "fn:live", ARN):
        assert routed(function, function=parse_function("gn:blue")) == "gn:blue"
        assert routed(function, function=parse_function("gn:$LATEST")) == "gn"


RENAMES = (("fn", parse_function("gn")), ("hn", parse_function("arn:aws:lambda:us-east-1:123456789012:function:in:2")))


@pytest.mark.parametrize(
    ("function", "goes_to"),
    [
        ("fn", "gn"),
        ("fn:live", "gn"),
        (f"{ARN}:live", "gn"),
        ("gn", "gn"),
        ("hn", "arn:aws:lambda:us-east-1:123456789012:function:in:2"),
        ("fn-2", "fn-2"),
        ("other:live", "other:live"),
    ],
)
def test_a_function_is_renamed_by_its_bare_name_and_once(function: str, goes_to: str) -> None:
    assert routed(function, renames=RENAMES) == goes_to


@pytest.mark.parametrize(
    ("function", "goes_to"),
    [("fn", "gn:blue"), ("other", "other:blue"), ("other:live", "other:blue"), (ARN, "gn:blue")],
)
def test_a_qualifier_that_is_given_is_for_all(function: str, goes_to: str) -> None:
    assert routed(function, renames=RENAMES, qualifier="blue") == goes_to
