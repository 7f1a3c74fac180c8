"""What a command line of `health` or `failover` names in each region, for its policy."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cncbops.config.watched import watched_in
from cncbops.health.naming import Naming, regions_named, regions_of
from cncbops.policy.named import ANY, ANYTHING, Named
from cncbops.stage import OF_SWITCH
from cncbops.watched import NAMES, Watched

from ._configured import configured
from ._policy_staged import Staged
from ._watched import texts_of


def by_regions(named: Named, params: Mapping[str, Any], stage: Staged | None) -> Named:
    """What is watched in each region, which may be anything where nothing says what. Raises BadInput."""
    texts = texts_of(**{name: params[name] for name in NAMES if name in params})
    naming = Naming(_typed(params), configured(params["config"]), params["stage"], texts)
    named = replace(named, switched=params.get("name") or ANY)
    if not (texts or stage or watched_in(naming.config)):
        return replace(named, regions=dict.fromkeys(naming.regions or [named.region], ANYTHING))
    if "tables" in params and "name" not in params:
        return _with(named, naming, stage, NAMES)
    named = _with(named, naming, stage and replace(stage, firsts=True), OF_SWITCH)
    carriers = _carriers(params, naming)
    return _with(named, naming.of(carriers), stage, NAMES) if carriers else named


def _typed(params: Mapping[str, Any]) -> Sequence[str]:
    """The regions that are typed; of a failover the one that is meant."""
    return params.get("regions") or [each for each in [params.get("name")] if each]


def _carriers(params: Mapping[str, Any], naming: Naming) -> list[str]:
    """The regions that may carry the traffic of the one that is taken out."""
    if "others" not in params:
        return []
    return [name for name in params["others"] or regions_named(naming) if name not in naming.regions]


def _with(named: Named, naming: Naming, stage: Staged | None, fields: Sequence[str]) -> Named:
    """With what is watched in these regions, by these fields, and the stacks that tell of it."""
    in_force = named.region
    for region in regions_of(naming, lambda: in_force):
        known = Watched.of({field: getattr(region.known, field) for field in fields})
        if stage:
            known |= stage.watched(region.name, fields)
            named = stage.asking(named, fields, region.name)
        named = replace(named, regions={**named.regions, region.name: known})
    return named
