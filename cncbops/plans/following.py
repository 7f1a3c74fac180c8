"""Doing what a plan's file says: its objects as an agenda, once nothing has moved since."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from itertools import takewhile

from cncbops.errors import CannotRun
from cncbops.frozen import freeze_target, freeze_terms
from cncbops.lake.in_order import nothing
from cncbops.lake.layout import skip_reason
from cncbops.lake.objects import LakeObject
from cncbops.lake.sources import printable
from cncbops.plans.differences import function_differences, in_order, lake_differences
from cncbops.plans.plan_reading import PlanFile
from cncbops.recipients import Recipient
from cncbops.session.agenda import Agenda, Item, WholeLake
from cncbops.session.entry import Entry


class Planned(Agenda):
    """An agenda of the objects that a plan names."""

    def __init__(self, plan: PlanFile) -> None:
        self._plan = plan

    def items(self, _stop: threading.Event, _before_threads: Callable[[], None] = nothing) -> Iterator[Item]:
        """The objects, in the plan's order."""
        return (Item(source, lake_object) for source, lake_object in self._plan.objects())

    def entries(self) -> Iterator[Entry]:
        """The objects as a run about to begin has them."""
        return (Entry(number, *each) for number, each in enumerate(self._plan.objects()))


def require_unmoved(plan: PlanFile, now: Recipient, lake: WholeLake) -> None:
    """Raise CannotRun, with the differences, if lake or function are not as they were when planned."""
    differences = function_differences(
        plan.header.function, freeze_target(now.target), plan.header.terms, freeze_terms(now.terms)
    )
    lake_difference = lake_differences(plan.objects(), _found(plan, lake))
    if lake_difference:
        differences.append(lake_difference.text())
    if differences:
        what = f"what {printable(str(plan.path))} plans has moved since: {'; '.join(differences)}"
        raise CannotRun(what, "Plan anew with --save-plan, and look at it")


def _found(plan: PlanFile, lake: WholeLake) -> Iterator[tuple[int, LakeObject]]:
    """The lake's objects as they are now, no further than a limit on events let the plan read."""
    wanted = (item for item in lake.objects() if not (item.passed_over or skip_reason(item.object)))
    found = ((item.source, item.object) for item in wanted)
    limit = plan.header.request.reading_limit
    if limit is None or plan.counts.get("matched", 0) < limit:
        return found
    last = deque(plan.objects(), maxlen=1)
    return takewhile(lambda each: in_order(each) <= in_order(last[0]), found) if last else iter(())
