"""What a command line names, as far as a policy can be narrowed to it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cncbops.function_name import FunctionName
from cncbops.lake.sources import S3Source
from cncbops.queues.source import QueueSource
from cncbops.watched import NAMES, Watched

ANY = "*"
"""Stands for a name that is not said."""

ANY_PLACE = S3Source(ANY, "")
ANY_QUEUE = QueueSource(ANY)
ANY_FUNCTION = FunctionName(ANY, ANY, None, None)
ANYTHING = Watched.of({name: [ANY] for name in NAMES})


@dataclass(frozen=True, kw_only=True)
class Named:
    """Names by their kind, none where the command line has no use for such.

    `role_arn` is the role that the command works under, if it does, `reader_arn` another under which alone it reads
    S3. `streams` are those whose records faults may stand for. `looks_up` says whether the distribution is named
    otherwise than by its id, `finds_function` whether a part of a function's name is looked for. `alarms` is whether
    some are to stop a run. Stacks, by region and name, are asked for outputs (`stacks`) or for a resource
    (`resources`). `regions` are those that are watched, each with what of it; `switched` is the one whose check
    functions are to be changed. `keys` are ARNs of KMS keys with which any of it is encrypted.
    """

    region: str = ANY
    account: str = ANY
    role_arn: str | None = None
    reader_arn: str | None = None
    sources: tuple[S3Source, ...] = ()
    queues: tuple[QueueSource, ...] = ()
    functions: tuple[FunctionName, ...] = ()
    streams: tuple[str, ...] = ()
    distribution: str | None = None
    looks_up: bool = False
    alarms: bool = False
    stacks: tuple[tuple[str, str], ...] = ()
    resources: tuple[tuple[str, str], ...] = ()
    finds_function: bool = False
    regions: Mapping[str, Watched] = field(default_factory=dict)
    switched: str = ANY
    keys: tuple[str, ...] = ()

    def watched(self, what: str) -> Iterator[tuple[str, str]]:
        """Each region with each of the names in one field of `Watched`; of a region that has ANY nothing else."""
        for region, watched in self.regions.items():
            names = getattr(watched, what)
            yield from ((region, name) for name in ((ANY,) if ANY in names else names))

    @property
    def unsaid(self) -> list[str]:
        """The kinds of names of which any is meant, as none is said; streams cannot be."""
        kinds = {
            "bucket": ANY_PLACE in self.sources,
            "queue": ANY_QUEUE in self.queues,
            "function": any(each.name == ANY for each in self.functions),
            "distribution": self.distribution == ANY,
            "what is watched": any(
                ANY in getattr(watched, name) for watched in self.regions.values() for name in NAMES
            ),
        }
        return [kind for kind, is_any in kinds.items() if is_any]
