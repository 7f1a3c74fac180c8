"""Every form in which Lambda takes a function's name, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.errors import BadInput
from cncbops.function_name import FunctionName, parse_function

ARN = "arn:aws:lambda:us-east-1:123456789012:function:cncb-listener"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cncb-listener", FunctionName("cncb-listener", "cncb-listener", None, None)),
        ("cncb_listener:live", FunctionName("cncb_listener", "cncb_listener", "live", None)),
        ("cncb-listener:$LATEST", FunctionName("cncb-listener", "cncb-listener", "$LATEST", None)),
        ("function:fn", FunctionName("function:fn", "fn", None, None)),
        ("123456789012:function:fn", FunctionName("123456789012:function:fn", "fn", None, None)),
        ("123456789012:function:fn:7", FunctionName("123456789012:function:fn", "fn", "7", None)),
        (ARN, FunctionName(ARN, "cncb-listener", None, "us-east-1")),
        (f"{ARN}:live", FunctionName(ARN, "cncb-listener", "live", "us-east-1")),
        (
            "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:fn",
            FunctionName("arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:fn", "fn", None, "us-gov-west-1"),
        ),
        ("f" * 64, FunctionName("f" * 64, "f" * 64, None, None)),
    ],
)
def test_a_function_is_named_by_name_alias_or_arn(text: str, expected: FunctionName) -> None:
    assert parse_function(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " fn",
        "fn\n",
        "fn:",
        ":live",
        "f" * 65,
        "fn:live:x",
        "fn/../x",
        "a b",
        "f\u00fcn",
        "$LATEST",
        "*",
        "fn:$OTHER",
    ],
)
def test_what_is_no_name_is_bad_input(text: str) -> None:
    with pytest.raises(BadInput, match="is no name of a Lambda function"):
        parse_function(text)


def test_the_arn_of_another_service_is_said_to_be_one() -> None:
    with pytest.raises(BadInput, match="but of a resource of kinesis"):
        parse_function("arn:aws:kinesis:us-east-1:123456789012:stream/john-cncb-event-stream-s1")


def test_a_function_is_shown_by_name_and_qualifier() -> None:
    assert [str(parse_function(text)) for text in ("fn", "fn:live", ARN)] == ["fn", "fn:live", "cncb-listener"]


@given(st.text(max_size=40))
def test_any_text_is_a_name_or_bad_input_in_one_line(text: str) -> None:
    try:
        parsed = parse_function(text)
    except BadInput as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017
    else:
        assert parsed.name in text
