"""Which faults are meant: by function, error, type of the failed event, pipeline, time and group."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fnmatch import translate

from cncbops.errors import BadInput
from cncbops.faults.fault import Fault
from cncbops.faults.grouping import fingerprint, function_name
from cncbops.lake.layout import TimeWindow

_FINGERPRINT = re.compile(r"[0-9a-f]{4,12}")


@dataclass(frozen=True)
class FaultSelection:
    """The operator's choice. An empty field chooses all; fields are combined with AND, their values with OR.

    All but `groups` (fingerprints, or their beginnings) are case-sensitive globs; `errors` match the
    error's name or its message. The window is of the fault's own time.
    """

    functions: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    pipelines: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    window: TimeWindow = TimeWindow(None, None)

    def test(self) -> Callable[[Fault], bool]:
        """Whether a fault is chosen, as a function."""
        tests = [
            *_named(self.functions, lambda fault: [function_name(fault)]),
            *_named(self.errors, lambda fault: [fault.error, fault.message]),
            *_named(self.types, lambda fault: fault.event_types),
            *_named(self.pipelines, lambda fault: [fault.pipeline]),
        ]
        if self.groups:
            tests.append(lambda fault: fingerprint(fault).startswith(self.groups))
        if not self.window.is_open:
            tests.append(self._in_window)
        return (lambda fault: all(test(fault) for test in tests)) if tests else lambda _: True

    def test_cause(self) -> Callable[[Fault], bool]:
        """Whether any fault may be chosen that says the same of function, pipeline and error as a fault."""
        return replace(self, types=(), window=TimeWindow(None, None)).test()

    def test_type(self) -> Callable[[str | None], bool] | None:
        """Whether any fault of one event may be chosen whose type it is; None where all are."""
        matches = _matcher(self.types)
        return (lambda name: name is not None and matches(name)) if matches else None

    def test_unread(self) -> Callable[[Fault], bool]:
        """Whether a claim check may turn out to be chosen: of a fault it tells the time, and perhaps the function."""
        known = replace(self, errors=(), types=(), pipelines=(), groups=())
        of_any, of_some = replace(known, functions=()).test(), known.test()
        return lambda fault: of_some(fault) if fault.function else of_any(fault)

    def _in_window(self, fault: Fault) -> bool:
        """Whether a fault's time lies in the window; one that tells no time lies in every window."""
        moment = fault.timestamp_ms
        return moment is None or self.window.overlaps(moment, moment + 1)


def parse_groups(texts: Iterable[str]) -> tuple[str, ...]:
    """Fingerprints as typed, or at least four digits that they begin with. Raises BadInput for anything else."""
    groups = tuple(text.strip().lower() for text in texts)
    for group in groups:
        if not _FINGERPRINT.fullmatch(group):
            raise BadInput(f"{group!r} is no fingerprint of a group", "Take one from `cncbops faults stats`")
    return groups


def _named(globs: tuple[str, ...], names: Callable[[Fault], Iterable[str | None]]) -> list[Callable[[Fault], bool]]:
    matches = _matcher(globs)
    return [lambda fault: any(matches(name or "") for name in names(fault))] if matches else []


def _matcher(globs: tuple[str, ...]) -> Callable[[str], bool] | None:
    """Whether a name matches one of some globs; None where there are none."""
    if not globs:
        return None
    pattern = re.compile("|".join(map(translate, globs)))
    return lambda name: pattern.match(name) is not None
