"""Claim checks: faults that lie in an object of their own."""

import gzip
from typing import TYPE_CHECKING

import pytest

from cncbops.errors import CannotRun
from cncbops.faults.decoding import decode_fault
from cncbops.faults.fault import Fault, Nothing, Payload, Records
from cncbops.faults.fetching import fetched
from tests.e2e.far_side import FarSide
from tests.e2e.far_side_s3 import error
from tests.e2e.lakes import eventbridge
from tests.e2e.servers import client as client_of
from tests.faults import fault_texts
from tests.lake.conftest import client, s3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["client", "s3"]  # fixtures
KEY = "us-east-1/claimchecks/f-1"


def check(bucket: str = "lake") -> Fault:
    decoded = decode_fault(fault_texts.claim_check(bucket, KEY))
    assert isinstance(decoded, list)
    return decoded[0]


def reason(faults: list[Fault]) -> str:
    (fault,) = faults
    assert isinstance(fault.unit, Nothing)
    assert fault.id == "f-1"
    return fault.unit.reason


def test_a_fault_that_is_no_claim_check_is_left_as_it_is() -> None:
    faults = decode_fault(fault_texts.of_record(fault_texts.record()))
    assert isinstance(faults, list)
    assert fetched(faults[0], None) == faults


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("wrap", sorted(fault_texts.WRAPS))
def test_a_claim_check_becomes_the_fault_in_its_object(s3: "S3Client", pack: type[bytes], wrap: str) -> None:
    text = fault_texts.WRAPS[wrap](fault_texts.of_record(fault_texts.record(b"1.50")))
    s3.put_object(Bucket="lake", Key=KEY, Body=pack(text))
    (fault,) = fetched(check(), s3)
    assert isinstance(fault.unit, Records)
    assert fault.unit.records[0].body == fault_texts.record(b"1.50")
    assert (fault.id, fault.function, fault.pipeline) == ("f-1", fault_texts.FUNCTION, "m1")


def test_a_claim_check_of_several_invocations_becomes_as_many_faults(s3: "S3Client") -> None:
    events = [eventbridge(b'{"type":"t"}', "t", f"e-{number}") for number in range(2)]
    s3.put_object(Bucket="lake", Key=KEY, Body=fault_texts.of_batch(events))
    found = fetched(check(), s3)
    assert [fault.unit.body for fault in found if isinstance(fault.unit, Payload)] == events
    assert len({fault.id for fault in found}) == 2


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (None, "is gone"),
        (b"", "holds no fault"),
        (b"{", "holds no fault"),
        (b'{"type":"thing-created"}', "holds no fault"),
        (fault_texts.claim_check(), "holds another claim check"),
        (gzip.compress(b" " * 100_000)[:-9], "cannot be read"),
    ],
    ids=["missing", "empty", "broken", "an event", "nested", "cut off"],
)
def test_a_claim_check_that_leads_to_no_fault_says_why(s3: "S3Client", body: bytes | None, why: str) -> None:
    if body is not None:
        s3.put_object(Bucket="lake", Key=KEY, Body=body)
    assert reason(fetched(check(), s3)).startswith(f"its claim check s3://lake/{KEY} {why}")


def test_a_bucket_that_is_not_there_or_can_be_none_is_told(s3: "S3Client") -> None:
    assert "does not exist" in reason(fetched(check("no-such-bucket"), s3))
    assert "Invalid bucket name" in reason(fetched(check("{x}/../y"), s3))


def test_without_a_client_no_claim_check_is_read() -> None:
    assert "is not read, as all sources are on this machine; a resubmit reads it" in reason(fetched(check(), None))


def test_what_may_not_be_read_is_told_and_credentials_that_are_refused_end_the_run() -> None:
    with FarSide() as far_side:
        far_side.add_bucket("lake", {KEY: fault_texts.of_record(fault_texts.record())})
        far_side.refuse("GET /lake", error(403, "AccessDenied", "no"))
        assert "with these permissions" in reason(fetched(check(), client_of("s3", far_side.url)))
        far_side.refuse("GET /lake", error(400, "ExpiredToken", "old"))
        with pytest.raises(CannotRun, match="expired"):
            fetched(check(), client_of("s3", far_side.url))
