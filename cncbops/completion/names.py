"""Names that AWS knows, a page at a time, each with a few words on it or none.

Every function makes its own client when the first page is asked for, and raises what botocore raises.
Sources: the APIs' `ListBuckets`, `ListObjectsV2`, `ListFunctions`, `ListStacks`, `ListDistributions`.
"""

import re
from collections.abc import Iterator, Sequence

from cncbops.aws import Aws
from cncbops.book import REGION, STAGE

Name = tuple[str, str]
Pages = Iterator[Sequence[Name]]

_STATUSES = (
    *("CREATE_COMPLETE", "CREATE_IN_PROGRESS", "UPDATE_COMPLETE", "UPDATE_IN_PROGRESS"),
    *("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED", "UPDATE_FAILED"),
    *("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "IMPORT_COMPLETE"),
)


def buckets(aws: Aws) -> Pages:
    """The buckets of the account: AWS tells up to 10,000 at once."""
    yield [(each["Name"], "") for each in aws.hasty("s3").list_buckets()["Buckets"]]


def keys(aws: Aws, bucket: str, prefix: str) -> Pages:
    """The folders, ending in a slash, and objects of a bucket that begin with a prefix: the first thousand."""
    page = aws.hasty("s3").list_objects_v2(Bucket=bucket, Prefix=prefix, Delimiter="/")
    yield [(each["Prefix"], "") for each in page.get("CommonPrefixes", ())]
    yield [(each["Key"], "") for each in page.get("Contents", ()) if each["Key"] != prefix]


def functions(aws: Aws) -> Pages:
    """The functions of the region."""
    for page in aws.hasty("lambda").get_paginator("list_functions").paginate():
        yield [(each["FunctionName"], "") for each in page["Functions"]]


def stages(aws: Aws, *stacks: str) -> Pages:
    """The stages of which there are stacks in the region, by the patterns of `cncbops.book`."""
    named = [_stack(pattern, aws.region) for pattern in stacks]
    for page in aws.hasty("cloudformation").get_paginator("list_stacks").paginate(StackStatusFilter=_STATUSES):
        found = (pattern.fullmatch(each["StackName"]) for each in page["StackSummaries"] for pattern in named)
        yield [(match["stage"], "") for match in found if match]


def _stack(pattern: str, region: str) -> re.Pattern[str]:
    """What the names of stacks look like, each with its stage."""
    before, _, after = (re.escape(part.replace(REGION, region)) for part in pattern.partition(STAGE))
    return re.compile(f"{before}(?P<stage>[A-Za-z0-9-]+){after.replace(re.escape(STAGE), '(?P=stage)')}")


def distributions(aws: Aws) -> Pages:
    """The ids of the distributions, each with what people call it."""
    for page in aws.hasty("cloudfront").get_paginator("list_distributions").paginate():
        for each in page["DistributionList"].get("Items", ()):
            yield [(each["Id"], ", ".join(each["Aliases"].get("Items", ())) or each["DomainName"])]
