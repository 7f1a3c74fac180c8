"""What of a region is watched, by name: the health probes' subjects, and what a failover switches."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Watched:
    """What there is of one region.

    `checks` are URLs of its check endpoint, `alarms` names or `prefix*`, `health_checks` ids of Route 53, `tables`
    check tables of DynamoDB, `queues` names or URLs of dead-letter queues, `faults` places such as `s3://bucket/`.
    `check_functions` are the functions behind the check endpoint, which a failover switches.
    """

    checks: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    health_checks: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    check_functions: tuple[str, ...] = ()

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """From lists by name, as a file or options tell them."""
        return cls(**{name: tuple(values) for name, values in told.items()})

    def __or__(self, other: "Watched") -> "Watched":
        """All of both, each once."""
        return self._each(lambda name: dict.fromkeys((*getattr(self, name), *getattr(other, name))))

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in NAMES)

    def _each(self, values: Callable[[str], Iterable[str]]) -> "Watched":
        return Watched(**{name: tuple(values(name)) for name in NAMES})


NAMES = tuple(field.name for field in fields(Watched))
