"""Which table counts: by the profile, of the command, in the nearest file, before all others."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from cncbops.config.files import Config, ConfigFile, Origin
from cncbops.config.profiles import layers, profiles_in
from cncbops.errors import BadInput

SCOPES = (("profiles", "prod"), ("defaults",))
PARTS = (("faults", "ls"), ("faults",), ())
PLACES = list(product(SCOPES, PARTS, range(2)))
"""Every place that can say a key to `faults ls`, in the order in which they count; the last is the file."""


def files(places: set[tuple[tuple[str, ...], tuple[str, ...], int]]) -> Config:
    """Two files that say `limit` at these places: each which of PLACES it is."""
    told: list[dict[str, Any]] = [{"profiles": {"prod": {}}}, {}]
    for scope, part, number in places:
        table = told[number]
        for name in (*scope, *part):
            table = table.setdefault(name, {})
        table["limit"] = PLACES.index((scope, part, number))
    return Config(tuple(ConfigFile(Path(f"/{number}"), Origin.named, each) for number, each in enumerate(told)))


def counts(config: Config, profile: str | None, *command: str) -> Any:
    return next((layer.said["limit"] for layer in layers(config, profile, command) if "limit" in layer.said), None)


@given(some.sets(some.sampled_from(PLACES)))
def test_what_is_said_closest_to_what_was_typed_counts(
    places: set[tuple[tuple[str, ...], tuple[str, ...], int]],
) -> None:
    config = files(places)
    ranks = sorted(map(PLACES.index, places))
    assert counts(config, "prod", "faults", "ls") == (ranks[0] if ranks else None)
    defaults = [rank for rank in ranks if PLACES[rank][0] == ("defaults",)]
    assert counts(config, None, "faults", "ls") == (defaults[0] if defaults else None)
    of_all = [rank for rank in ranks if PLACES[rank][1] == ()]
    assert counts(config, "prod", "replay") == (of_all[0] if of_all else None)


def test_a_table_tells_where_it_is() -> None:
    config = files({(("profiles", "prod"), ("faults", "ls"), 0), (("defaults",), (), 1)})
    told = [(layer.where, layer.profile, str(layer.file.path)) for layer in layers(config, "prod", ("faults", "ls"))]
    assert ("profiles.prod.faults.ls", "prod", "/0") in told
    assert ("defaults", None, "/1") in told


def test_a_profile_that_there_is_not_is_told_with_the_nearest() -> None:
    config = files(set())
    assert profiles_in(config) == ["prod"]
    with pytest.raises(BadInput, match=r"there is no profile prd in /0, /1\. Did you mean prod\?") as told:
        layers(config, "prd", ("replay",))
    assert told.value.exit_code == 2
    with pytest.raises(BadInput, match=r"there is no cncbops\.toml"):
        layers(Config(), "prd", ("replay",))


@pytest.mark.parametrize("told", [{"profiles": {"prod": 5}}, {"profiles": []}, {"defaults": {"faults": "x"}}])
def test_what_is_no_table_is_told(told: dict[str, Any]) -> None:
    config = Config((ConfigFile(Path("/0"), Origin.named, {"profiles": {"prod": {}}, **told}),))
    with pytest.raises(BadInput, match="no table"):
        layers(config, "prod", ("faults", "ls"))
