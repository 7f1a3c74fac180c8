"""`[health.REGION]` of `cncbops.toml`: what of each region is watched.

    [health.us-east-1]
    checks = ["https://abc123.execute-api.us-east-1.amazonaws.com/john/check"]
    alarms = ["john-*"]

The keys of a region are the fields of `cncbops.watched.Watched`; each holds a list of strings, or one.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from cncbops.config.checks import as_table, as_texts, require_known
from cncbops.config.files import Config
from cncbops.errors import BadInput
from cncbops.watched import NAMES, Watched

REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-\d+")
"""What a region's name looks like: `us-east-1`, `us-gov-west-1`, `eusc-de-east-1`."""


def watched_in(config: Config) -> Mapping[str, Watched]:
    """What of each region is watched, in the order of the nearest file that says it. Raises BadInput."""
    for file, regions in config.sections("health"):
        return {region: _watched(file.path, region, told) for region, told in regions.items()}
    return {}


def _watched(path: Path, region: str, told: object) -> Watched:
    if not REGION.fullmatch(region):
        raise BadInput(f"{path}: {region!r} in [health.{region}] is no region", "Write it as [health.us-east-1]")
    where = f"health.{region}"
    table = as_table(path, where, told)
    require_known(path, where, table, NAMES)
    return Watched.of({name: as_texts(path, f"{where}.{name}", value) for name, value in table.items()})
