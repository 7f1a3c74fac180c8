"""The requests of an invalidation in the ledger."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cncbops.cdn.batches import cut
from cncbops.cdn.edge import Invalidation
from cncbops.errors import CannotRun
from cncbops.ledger.ledger import Ledger
from cncbops.reports.run_facts import details
from tests.ledger.runs import begin

WHEN = datetime(2023, 11, 22, tzinfo=UTC)


def test_what_is_planned_is_kept_with_what_became_of_it(tmp_path: Path) -> None:
    batches = cut([f"/{number}" for number in range(3_500)], "E1", "run-1")
    with Ledger.open(tmp_path) as ledger:
        run = begin(ledger, "run-1", command="invalidate")
        kept = ledger.invalidations(run)
        assert kept.requests().all == []
        kept.plan(batches)
        kept.created(0, Invalidation("I1", "InProgress", WHEN))
        kept.created(1, Invalidation("I2", "Completed", WHEN))
        kept.created(2, Invalidation("I3", "InProgress", WHEN))
        kept.completed(2)
    looked = Ledger.look(tmp_path)
    assert looked
    with looked:
        requests = looked.invalidations(looked.find("run-1")).requests()
        (statuses,) = zip(*looked._rows("SELECT status FROM invalidations ORDER BY number"), strict=True)
        states = looked.invalidations(looked.find("run-1")).states()
        told = details(looked, looked.find("run-1"))["requests"]
    assert [(each.id, each.status, each.paths) for each in states] == [
        ("I1", "InProgress", 1_000),
        ("I2", "Completed", 1_000),
        ("I3", "Completed", 1_000),
        (None, None, 500),
    ]
    assert (told["created"], told["total"], told["completed"]) == (3, 4, 2)
    assert (told["paths_sent"], told["paths"]) == (3_000, 3_500)
    assert told["invalidations"][0] == {"id": "I1", "status": "InProgress", "paths": 1_000}
    assert requests.all == batches
    assert requests.invalidations == {0: "I1", 1: "I2", 2: "I3"}
    assert requests.completed == {1, 2}
    assert [batch.number for batch in requests.to_create] == [3]
    assert list(requests.open()) == ["I1"]
    assert statuses == ("InProgress", "Completed", "Completed", None)


def test_requests_are_written_down_all_or_none(tmp_path: Path) -> None:
    first, second = cut([f"/{number}" for number in range(1_500)], "E1", "run-1")
    with Ledger.open(tmp_path) as ledger:
        kept = ledger.invalidations(begin(ledger, "run-1", command="invalidate"))
        with pytest.raises(CannotRun):
            kept.plan([first, second, second])
        assert kept.requests().all == []
