"""A CDN before a bucket of JSON views, as in the book: what is to be invalidated when a view changes."""

import json
from typing import TYPE_CHECKING

from cncbops.book import CDN
from cncbops.sandbox.clients import Clients
from cncbops.sandbox.stacks import STAGE, create_stack

if TYPE_CHECKING:
    from mypy_boto3_cloudfront.type_defs import DistributionConfigTypeDef

VIEW_BUCKET = f"{CDN}-{STAGE}-bucket-sandbox"
ALIAS = "api.example.com"
VIEW_PREFIX = "things/"
# One with a space and one with letters that a path must not hold as they are.
VIEWS = (*(f"{VIEW_PREFIX}thing-{number}" for number in range(1, 11)), "things/red flower", "things/gr\u00fcn")


def seed_cdn(clients: Clients) -> str:
    """Build the distribution with its bucket of views; return the distribution's id."""
    made = clients.cloudfront.create_distribution(DistributionConfig=_distribution_config())["Distribution"]
    create_stack(clients, CDN, DistributionId=made["Id"], DistributionDomainName=made["DomainName"])
    for key in VIEWS:
        put_view(clients, key, "as it was made")
    return made["Id"]


def put_view(clients: Clients, key: str, name: str) -> None:
    """Write a view as its service does. The CDN goes on with the one it has, for a day."""
    thing = {"id": key.removeprefix(VIEW_PREFIX), "name": name}
    clients.s3.put_object(
        Bucket=VIEW_BUCKET,
        Key=key,
        Body=json.dumps(thing, ensure_ascii=False).encode(),
        ContentType="application/json",
        CacheControl="max-age=86400",
    )


def find_distribution(clients: Clients) -> str | None:
    """Return the id of the distribution, or None as long as there is none."""
    found = clients.cloudfront.list_distributions()["DistributionList"].get("Items", [])
    return next((item["Id"] for item in found if ALIAS in item["Aliases"].get("Items", [])), None)


def _distribution_config() -> "DistributionConfigTypeDef":
    origin = f"{VIEW_BUCKET}.s3.amazonaws.com"
    return {
        "CallerReference": f"{CDN}-{STAGE}",
        "Comment": "the views of things",
        "Enabled": True,
        "Aliases": {"Quantity": 1, "Items": [ALIAS]},
        "Origins": {
            "Quantity": 1,
            "Items": [{"Id": "views", "DomainName": origin, "S3OriginConfig": {"OriginAccessIdentity": ""}}],
        },
        "DefaultCacheBehavior": {
            "TargetOriginId": "views",
            "ViewerProtocolPolicy": "https-only",
            "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",  # Managed-CachingOptimized
        },
    }
