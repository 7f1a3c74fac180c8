"""Whether two objects of one size hold the same bytes, as far as can be told without reading them.

An ETag is the MD5 of the bytes only of what was put whole and is not encrypted with a key of KMS; one with a hyphen
is of the parts of an upload, so equal bytes may have different ones. A checksum is of all bytes, or, with a hyphen
too, of the checksums of parts. Sources: Amazon S3 API Reference, "Object" (ETag) and "HeadObject"; Amazon S3 User
Guide, "Checking object integrity" and "Getting replication status information".
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cncbops.aws_errors import blames_credentials, says_missing
from cncbops.lake.objects import LakeObject, ObjectUnreadable
from cncbops.lake.reading import open_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MD5 = re.compile(r"[0-9a-f]{32}")
_CHECKSUM = re.compile(r"Checksum(?:CRC|SHA)\w+")
_WITH_OTHER_ETAGS = ("aws:kms", "aws:kms:dsse")


@dataclass(frozen=True)
class Facts:
    """What is known of an object's bytes; `md5` is None where its ETag is something else."""

    md5: str | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)


def facts_of(lake_object: LakeObject, s3: "S3Client | None") -> Facts | None:
    """What HeadObject says of an object's bytes, or the file itself; None if there is none any more.

    Of what is encrypted with a key of KMS it tells checksums only to who may use that. Raises ObjectUnreadable, and
    botocore's errors where no other object would fare better.
    """
    if not lake_object.bucket:
        return _facts_of_file(lake_object)
    head = _head(lake_object, s3, ChecksumMode="ENABLED")
    if head is None:
        return None
    etag = head["ETag"].strip('"')
    is_md5 = _MD5.fullmatch(etag) and head.get("ServerSideEncryption") not in _WITH_OTHER_ETAGS
    return Facts(etag if is_md5 else None, {name: head[name] for name in head if _CHECKSUM.fullmatch(name)})


def _facts_of_file(lake_object: LakeObject) -> Facts | None:
    try:
        return Facts(md5=_digest(lake_object, None, "md5"))
    except ObjectUnreadable as error:
        if error.error == "NoSuchKey":
            return None
        raise


def replication_of(lake_object: LakeObject, s3: "S3Client | None") -> str | None:
    """What S3 says of the replication of one of its objects, "" if nothing; None if there is no such object any more.

    Raises as `facts_of` does.
    """
    head = _head(lake_object, s3)
    return None if head is None else head.get("ReplicationStatus", "")


def _head(lake_object: LakeObject, s3: "S3Client | None", **asked: Any) -> Mapping[str, Any] | None:
    assert s3 is not None, "an object in S3 needs a client"
    try:
        return s3.head_object(Bucket=lake_object.bucket, Key=lake_object.key, **asked)
    except ClientError as error:
        if says_missing(error):
            return None
        if blames_credentials(error):
            raise
        raise ObjectUnreadable("HeadObject", str(error)) from error


def tell_same(one: Facts, other: Facts) -> bool | None:
    """Whether objects of one size hold the same bytes; None where nothing of theirs can be compared."""
    if one.md5 and other.md5:
        return one.md5 == other.md5
    common = [(one.checksums[name], other.checksums[name]) for name in one.checksums.keys() & other.checksums.keys()]
    if any(ours != theirs and "-" not in ours + theirs for ours, theirs in common):
        return False
    return True if any(ours == theirs for ours, theirs in common) else None


def sha256_of(lake_object: LakeObject, s3: "S3Client | None") -> str:
    """A digest of all bytes of an object, which is read to its end. Raises ObjectUnreadable, and botocore's errors."""
    return _digest(lake_object, s3, "sha256")


def _digest(lake_object: LakeObject, s3: "S3Client | None", algorithm: str) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with open_object(lake_object, s3) as opened:
        for chunk in opened.stored():
            digest.update(chunk)
    return digest.hexdigest()
