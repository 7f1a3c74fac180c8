"""What is to be looked at: regions, and the names of what is watched in each, from a file, options and stacks.

An option's text is `VALUE`, for every region, or `REGION=VALUE`, for one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cncbops.config.files import FILE_NAME, Config
from cncbops.config.names import names_in
from cncbops.config.watched import REGION, watched_in
from cncbops.errors import BadInput
from cncbops.health.registry import require_subjects
from cncbops.health.running import Region
from cncbops.stage import Stage
from cncbops.watched import Watched

_HINT = f"Write {FILE_NAME} with [health.us-east-1], or give options such as --check URL, or --stage NAME"


@dataclass(frozen=True)
class Naming:
    """Regions and names as they were typed; `texts` are options by the fields of `Watched`."""

    regions: Sequence[str]
    config: Config
    stage: str | None
    texts: Mapping[str, Sequence[str]]

    def of(self, regions: Sequence[str]) -> "Naming":
        """The same names for other regions."""
        return replace(self, regions=regions)

    @property
    def known_stage(self) -> Stage | None:
        """The stage with the names of its things. Raises BadInput."""
        return Stage(self.stage, names_in(self.config)) if self.stage else None


def regions_of(naming: Naming, in_force: Callable[[], str]) -> list[Region]:
    """The regions to be looked at, in the order in which they were named; asks nobody.

    `in_force` gives the region for names that came without any. Raises BadInput.
    """
    in_file = watched_in(naming.config)
    everywhere, in_one = _apart(naming.texts)
    for watched in (everywhere, *in_one.values(), *in_file.values()):
        require_subjects(watched)
    names = _chosen(naming, [*in_file, *in_one], bool(everywhere), in_force)
    known = {name: in_one.get(name, Watched()) | everywhere | in_file.get(name, Watched()) for name in names}
    if not names or not (naming.stage or all(known.values())):
        raise _nothing(next((name for name in names if not known[name]), None), naming.config)
    stage = naming.known_stage
    return [_region(name, known[name], stage) for name in names]


def regions_named(naming: Naming) -> list[str]:
    """The regions that file and options speak of by name, in that order. Raises BadInput."""
    _, in_one = _apart(naming.texts)
    return list(dict.fromkeys([*watched_in(naming.config), *in_one]))


def _region(name: str, known: Watched, stage: Stage | None) -> Region:
    if stage is None:
        return Region(name, known)
    return Region(name, known, stage.looks(), f"stage {stage.name}")


def _chosen(naming: Naming, named: Iterable[str], everywhere: bool, in_force: Callable[[], str]) -> list[str]:
    """The names of regions, each once: as asked for, else as named, else the one in force if there are names for it."""
    for region in naming.regions:
        if not REGION.fullmatch(region):
            raise BadInput(f"{region!r} is no region", "Write it as us-east-1")
    chosen = list(dict.fromkeys(naming.regions or named))
    return chosen or ([in_force()] if naming.stage or everywhere else [])


def _apart(texts: Mapping[str, Sequence[str]]) -> tuple[Watched, Mapping[str, Watched]]:
    """What is named for every region, and what for one. Raises BadInput."""
    everywhere, in_one = Watched(), dict[str, Watched]()
    for field, values in texts.items():
        for text in values:
            region, value = _region_and_value(text)
            named = Watched.of({field: [value]})
            if region is None:
                everywhere |= named
            else:
                in_one[region] = in_one.get(region, Watched()) | named
    return everywhere, in_one


def _region_and_value(text: str) -> tuple[str | None, str]:
    head, _, tail = text.partition("=")
    region, value = (head, tail) if REGION.fullmatch(head) and head != text else (None, text)
    if not value:
        raise BadInput(f"{text!r} names nothing", "Write VALUE, or REGION=VALUE")
    return region, value


def _nothing(region: str | None, config: Config) -> BadInput:
    where = f" of {region}" if region else ""
    files = ", ".join(str(file.path) for file in config.files)
    looked = f" in {files}" if files else f": there is no {FILE_NAME} here or above"
    return BadInput(f"nothing{where} is named to look at{looked}", _HINT)
