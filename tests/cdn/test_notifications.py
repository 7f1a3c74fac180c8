"""S3's notifications, plain and wrapped."""

import json
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.cdn.notifications import ChangedObject, read_notifications
from cncbops.errors import BadInput

TEST_EVENT = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}


def s3_event(*keys: str, name: str = "ObjectCreated:Put") -> dict[str, Any]:
    """A notification of S3; keys as they stand in it, form-encoded."""
    return {"Records": [{"eventName": name, "s3": {"bucket": {"name": "b"}, "object": {"key": key}}} for key in keys]}


def by_sns(*messages: object) -> dict[str, Any]:
    """What SNS gives to a function."""
    return {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": json.dumps(each)}} for each in messages]}


def by_sqs(*bodies: object) -> dict[str, Any]:
    return {"Records": [{"eventSource": "aws:sqs", "body": json.dumps(each)} for each in bodies]}


def keys_in(document: object) -> list[str]:
    return [changed.key for changed in read_notifications(json.dumps(document).encode(), "n.json").changed]


def test_keys_are_form_encoded_in_notifications() -> None:
    found = read_notifications(json.dumps(by_sns(s3_event("things/red+flower%2B1"))).encode(), "n.json")
    assert found.changed == [ChangedObject("b", "things/red flower+1")]


@pytest.mark.parametrize(
    "document",
    [
        s3_event("a", "b"),
        by_sns(s3_event("a", "b")),
        by_sns(s3_event("a"), s3_event("b")),
        {"Type": "Notification", "Message": json.dumps(s3_event("a", "b"))},
        by_sqs({"Type": "Notification", "Message": json.dumps(s3_event("a"))}, s3_event("b")),
    ],
)
def test_however_it_is_wrapped_it_names_the_same_objects(document: object) -> None:
    assert keys_in(document) == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("ObjectCreated:Put", True),
        ("s3:ObjectCreated:Copy", True),
        ("ObjectCreated:CompleteMultipartUpload", True),
        ("ObjectRemoved:Delete", True),
        ("ObjectRemoved:DeleteMarkerCreated", True),
        ("LifecycleExpiration:Delete", True),
        ("ObjectTagging:Put", False),
        ("ObjectRestore:Completed", False),
    ],
)
def test_whatever_writes_or_removes_an_object_makes_the_edge_stale(name: str, counts: bool) -> None:
    found = read_notifications(json.dumps(s3_event("a", name=name)).encode(), "n.json")
    assert (len(found.changed), found.others) == ((1, 0) if counts else (0, 1))


def test_the_message_that_s3_sends_to_try_a_topic_is_passed_over() -> None:
    found = read_notifications(json.dumps(by_sns(TEST_EVENT, s3_event("a"))).encode(), "n.json")
    assert ([each.key for each in found.changed], found.others) == (["a"], 1)


def test_a_file_may_hold_one_a_line() -> None:
    lines = b"\n".join(json.dumps(each).encode() for each in (s3_event("a"), by_sns(s3_event("b")), TEST_EVENT))
    found = read_notifications(lines + b"\n\n", "n.jsonl")
    assert ([each.key for each in found.changed], found.others) == (["a", "b"], 1)


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"", "n.json holds no JSON"),
        (b"nonsense", "n.json holds no JSON"),
        (b"{}", "n.json is no notification"),
        (b'{"Records":[{"eventName":"ObjectCreated:Put"}]}', "n.json record 1 is no notification"),
        (b'{"Records":[]}\n{"Records":', "n.json:2 holds no JSON"),
        (json.dumps(by_sns("text")).encode(), "n.json record 1 is no notification"),
        (b'{"Records":[{"Sns":{"Message":"text"}}]}', "n.json record 1 holds no JSON"),
    ],
)
def test_what_is_none_is_told_with_where_it_stands(data: bytes, where: str) -> None:
    with pytest.raises(BadInput, match=f"^{where}"):
        read_notifications(data, "n.json")


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_every_key_comes_back_as_it_is(key: str) -> None:
    assert keys_in(s3_event(quote_plus(key))) == [key]
