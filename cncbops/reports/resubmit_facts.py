"""What became of a resubmit beside its counts: its queues, and what keeps coming back."""

from typing import Any

from cncbops.faults.grouping import Groups
from cncbops.reports.fault_facts import group_facts
from cncbops.session.means import Means
from cncbops.session.queued import facts_of_queues

MOST_GROUPS = 20


def facts_at_end(means: Means) -> dict[str, Any]:
    """Members of the summary of an executed session."""
    return {"queues": facts_of_queues(means.queues), "came_back": first_groups(means.came_back)}


def first_groups(groups: Groups) -> list[dict[str, Any]]:
    """The largest groups."""
    return [group_facts(group) for group in groups.ranked()[:MOST_GROUPS]]
