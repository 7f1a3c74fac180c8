"""Faults that were too large for their bus, fetched from the object that their claim check names."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from msgspec.structs import replace

from cncbops.aws_errors import blames_credentials, explain
from cncbops.faults.decoding import decode_fault
from cncbops.faults.documents import documents
from cncbops.faults.fault import ClaimCheck, Fault, Nothing
from cncbops.lake.look_again import look_again
from cncbops.lake.objects import LakeObject, ObjectUnreadable
from cncbops.lake.reading import open_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def fetched(fault: Fault, s3: "S3Client | None") -> list[Fault]:
    """The fault with its unit of work: itself, unless it is a claim check; several as a document's can be.

    A claim check that cannot be read is one fault with Nothing, and why. Without a client none is read.
    Raises CncbopsError where AWS refuses the credentials.
    """
    if not isinstance(fault.unit, ClaimCheck):
        return [fault]
    name = f"its claim check s3://{fault.unit.bucket}/{fault.unit.key}"
    if s3 is None:
        return [_without(fault, f"{name} is not read, as all sources are on this machine; a resubmit reads it")]
    try:
        return _claimed(fault, fault.unit, name, s3)
    except ObjectUnreadable as error:
        return [_without(fault, f"{name} cannot be read: {error.message}")]
    except (BotoCoreError, ClientError) as error:
        return [_without(fault, _refused(error, name))]


def _claimed(fault: Fault, check: ClaimCheck, name: str, s3: "S3Client") -> list[Fault]:
    named = LakeObject(
        f"s3://{check.bucket}/{check.key}", check.bucket, check.key, 0, "", datetime.fromtimestamp(0, UTC)
    )
    found = look_again(named, s3)
    if found is None:
        return [_without(fault, f"{name} is gone")]
    claimed = next(_faults_in(found, s3), None)
    if claimed is None:
        return [_without(fault, f"{name} holds no fault")]
    if any(isinstance(inner.unit, ClaimCheck) for inner in claimed):
        return [_without(fault, f"{name} holds another claim check")]
    return [
        replace(
            inner,
            id=inner.id or fault.id,
            function=inner.function or fault.function,
            pipeline=inner.pipeline or fault.pipeline,
            timestamp_ms=fault.timestamp_ms if inner.timestamp_ms is None else inner.timestamp_ms,
        )
        for inner in claimed
    ]


def _refused(error: BotoCoreError | ClientError, name: str) -> str:
    explained = explain(error, f"read {name}")
    if isinstance(error, ClientError) and blames_credentials(error):
        raise explained from error
    return explained.what


def _without(fault: Fault, reason: str) -> Fault:
    return replace(fault, unit=Nothing(reason))


def _faults_in(found: LakeObject, s3: "S3Client") -> Iterator[list[Fault]]:
    """The faults of each document of an object that holds some."""
    with open_object(found, s3) as opened:
        for document in documents(opened.blocks()):
            decoded = decode_fault(document.text)
            if isinstance(decoded, list) and decoded:
                yield decoded
