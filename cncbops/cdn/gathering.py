"""What is to be invalidated, gathered from where an operator says that it is to be found."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cncbops.cdn.distribution import Origin
from cncbops.cdn.notifications import ChangedObject
from cncbops.cdn.paths import path_of_key

FIRST_FAILURES = 20


@dataclass(frozen=True, slots=True)
class NotNamed:
    """An object of which no path can be sent, and why."""

    object: str
    error: str
    message: str


@dataclass
class Gathering:
    """Items by and by. `sources` counts them by where they came from.

    `others` are notifications that change no object; `not_served` objects of an origin's bucket outside what the
    distribution serves of it; `failed` those that have no path of their own, `failures` the first of them;
    `foreign_buckets` have objects in it and are no origin by their names.
    """

    origins: Sequence[Origin] = ()
    items: list[str] = field(default_factory=list)
    sources: dict[str, int] = field(default_factory=dict)
    others: int = 0
    not_served: int = 0
    failed: int = 0
    failures: list[NotNamed] = field(default_factory=list)
    foreign_buckets: list[str] = field(default_factory=list)

    def take_objects(self, source: str, objects: Iterable[ChangedObject]) -> None:
        """The paths of objects."""
        self.take(source, [path for changed in objects for path in self._paths_of(changed)])

    def take(self, source: str, items: Sequence[str]) -> None:
        """Paths and tags as CloudFront takes them."""
        self.items += items
        self.sources[source] = self.sources.get(source, 0) + len(items)

    def _paths_of(self, changed: ChangedObject) -> list[str]:
        """Where viewers find an object: one path, but for a bucket that is several origins with paths of their own."""
        keys = self._served_keys(changed)
        if not keys:
            self.not_served += 1
        paths = [path for key in keys if (path := path_of_key(key)) is not None]
        if len(paths) < len(keys):
            self._fail(changed)
        return paths

    def _served_keys(self, changed: ChangedObject) -> list[str]:
        """The key without the path of its origin, which CloudFront puts before a viewer's path.

        A bucket that is no origin by its name may be one by another: its keys are taken as they are.
        """
        paths = {origin.path for origin in self.origins if origin.domain.startswith(f"{changed.bucket}.s3")}
        if self.origins and not paths and changed.bucket not in self.foreign_buckets:
            self.foreign_buckets.append(changed.bucket)
        served = [path for path in sorted(paths or {""}) if f"/{changed.key}".startswith(f"{path}/")]
        return [changed.key[len(path) :] for path in served]

    def _fail(self, changed: ChangedObject) -> None:
        self.failed += 1
        if len(self.failures) < FIRST_FAILURES:
            message = "a * in its key would stand for other objects, too; invalidate a wildcard that covers it"
            self.failures.append(NotNamed(changed.uri, "NotNameable", message))
