"""What is read of a page is what botocore reads of it."""

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cncbops.lake.page_parsing import _EVENT, _take_out, read_fast
from tests.e2e.far_side_s3 import Answer
from tests.lake.listings import far

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FACTS = ("Key", "LastModified", "ETag", "Size", "StorageClass")
quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def both(s3: "S3Client", **asked: Any) -> tuple[Any, Any]:
    """A page as it is read fast, and as botocore reads it."""
    read_fast(s3)
    fast = s3.list_objects_v2(Bucket="lake", **asked)
    s3.meta.events.unregister(_EVENT, _take_out, unique_id="cncbops-contents")
    return facts_of(fast), facts_of(s3.list_objects_v2(Bucket="lake", **asked))


def facts_of(page: Any) -> Any:
    objects = [{name: item[name] for name in FACTS if name in item} for item in page.pop("Contents", [])]
    return {**page, "ResponseMetadata": None, "Contents": objects}


def answering(side: Any, body: str) -> None:
    side.before = lambda _: Answer(200, {}, f'<ListBucketResult xmlns="x">{body}</ListBucketResult>'.encode())


@quick
@given(st.sets(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5), max_size=9), st.booleans())
def test_keys_of_any_characters_are_read_as_botocore_reads_them(
    client: "S3Client", keys: set[str], folders: bool
) -> None:
    with far(client, keys, 4) as side:
        fast, plain = both(client, **({"Delimiter": "/"} if folders else {}))
    assert fast == plain
    assert folders or [item["Key"] for item in fast["Contents"]] == side.keys[:4]


@pytest.mark.parametrize("key", ["a&b", "<a>", "a+b", "a%2Fb", "'\"", "a b", "日本"])
@pytest.mark.parametrize("encoded", ["", "<EncodingType>url</EncodingType>"])
def test_keys_of_a_server_that_does_not_encode_them_are_read_as_they_are(
    client: "S3Client", key: str, encoded: str
) -> None:
    with far(client, []) as side:
        fields = "<LastModified>2018-04-08T03:54:00.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>1</Size>"
        answering(side, f"{encoded}<Contents>\n<Key>{escape(key)}</Key>{fields}<Owner><ID>x</ID></Owner></Contents>")
        fast, plain = both(client)
    assert fast == plain
    assert len(fast["Contents"]) == 1


@pytest.mark.parametrize(
    "body",
    [
        "<Contents><Key><![CDATA[a]]></Key>{}</Contents>",
        "<!-- <Contents>{}</Contents> --><Contents><Key>a</Key>{}</Contents>",
        "<Contents><Key>a&#x41;b</Key>{}</Contents>",
        '<Contents id="1"><Key>a</Key>{}</Contents><Contents><Key>b</Key>{}</Contents>',
        "<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes><Contents><Key>c</Key>{}</Contents>"
        "<CommonPrefixes><Prefix>d/</Prefix></CommonPrefixes><Contents><Key>e</Key>{}</Contents>",
        "<Contents><Key>a</Key></Contents>",
        "",
    ],
)
def test_xml_that_s3_does_not_write_is_read_as_botocore_reads_it(client: "S3Client", body: str) -> None:
    fields = "<Size>1</Size><ETag>e</ETag><LastModified>2018-04-08T03:54:00+00:00</LastModified>"
    with far(client, []) as side:
        answering(side, body.replace("{}", fields))
        fast, plain = both(client)
    assert fast == plain


@pytest.mark.parametrize("cut", [150, 600, 900])
def test_a_page_that_was_cut_on_its_way_is_asked_for_again(client: "S3Client", cut: int) -> None:
    with far(client, [f"x/{number}" for number in range(4)]) as side:
        side.after = lambda _, answer: answer._replace(body=answer.body[:cut]) if len(side.asked) == 1 else answer
        assert list(side.listed("x/")) == side.keys
    assert len(side.asked) == 2


def test_an_error_that_came_as_a_success_is_one(client: "S3Client") -> None:
    with far(client, ["x"]) as side:
        side.before = lambda _: Answer(200, {}, b"<Error><Code>InternalError</Code><Message>x</Message></Error>")
        with pytest.raises(ClientError, match="InternalError"):
            list(side.listed())
