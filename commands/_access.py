"""How AWS is reached, from the shared options of a command line."""

from collections.abc import Mapping
from typing import Any

from cncbops.aws import AwsAccess

from ._options import General


def access_of(general: General, before: Mapping[str, Any]) -> AwsAccess:
    """How AWS is reached: as typed, else as it was before; a profile is a matter of this machine."""
    return AwsAccess(
        region=general.region or before.get("region"),
        profile=general.profile,
        role_arn=general.role_arn or before.get("role_arn"),
        endpoint_url=general.endpoint_url or before.get("endpoint_url"),
        source_role_arn=general.source_role_arn or before.get("source_role_arn"),
    )
