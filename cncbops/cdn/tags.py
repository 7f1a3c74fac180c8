"""Cache tags: whether this SDK and a distribution know them. Without, an invalidation of tags would do nothing."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from botocore.model import StructureShape

from cncbops.cdn.distribution import Distribution
from cncbops.cdn.paths import is_tag
from cncbops.errors import BadInput, CannotRun

if TYPE_CHECKING:
    from mypy_boto3_cloudfront import CloudFrontClient


def require_tags(items: Iterable[str], distribution: Distribution, client: "CloudFrontClient") -> None:
    """Raises CncbopsError if tags are among the items and would not be taken for such."""
    if not any(map(is_tag, items)):
        return
    if not _sdk_knows_tags(client):
        raise BadInput("the installed botocore knows no cache tags", "Upgrade it: pip install -U boto3 botocore")
    if distribution.domain is None:
        what = f"cannot tell whether {distribution.id} takes cache tags: access denied"
        raise CannotRun(what, "Ask for cloudfront:GetDistribution, or use --role-arn")
    if distribution.tag_header is None:
        what = f"distribution {distribution.id} takes no cache tags: it has no CacheTagConfig"
        raise BadInput(what, "Invalidate paths, or let it take tags first: what is cached before that has none")


def _sdk_knows_tags(client: "CloudFrontClient") -> bool:
    config = client.meta.service_model.shape_for("DistributionConfig")
    return isinstance(config, StructureShape) and "CacheTagConfig" in config.members
