"""What a session of a resubmit undertakes, and what is written down of its run."""

from collections.abc import Sequence
from typing import Any

from cncbops.aws import Aws
from cncbops.delivery.sender import MAX_ATTEMPTS
from cncbops.faults.selection import FaultSelection
from cncbops.faults.sources import stored
from cncbops.frozen_resubmit import freeze_resubmit, thaw_resubmit
from cncbops.inventory.listed import inventory_in
from cncbops.lake.sources import extent_of
from cncbops.lake.visits import OBJECTS_AHEAD
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import NewRun, Run
from cncbops.likeness import Likeness, likeness_of_faults
from cncbops.queues.source import QueueSource
from cncbops.request import ResubmitRequest
from cncbops.session.agenda import Agenda
from cncbops.session.claims import FaultRegister
from cncbops.session.means import Means
from cncbops.session.memory import Memory
from cncbops.session.progress import Progress
from cncbops.session.unit_readers import UnitReaders
from cncbops.terms import BATCH_SIZE, Room, lanes_for
from cncbops.undertaking import Places, Undertaking, is_read_one_by_one

BYTES_A_BYTE = 1.6
"""Of faults' lines for a portion's records: the cookbook's hold the event once more beside it, and the error.

There they come to 2.1. A quarter less keeps a resubmit in 150 MB, where more was not seen to be quicker.
"""

PULLED_BYTES = 10 * 1024 * 1024
"""Less than of a replay, as what is read of faults takes more: enough for 14 batches of a thousand at two places."""

EACH_ITS_OWN = "(as each fault says)"
"""What a run says of its function where faults go to those that raised them."""


def faults_undertaking(
    means: Means,
    memory: Memory,
    run: int | None,
    agenda: Agenda,
    progress: Progress = Progress(),
    *,
    places: Places = Places(),
) -> Undertaking:
    """The units of work of an agenda's faults, each to its function."""
    request, terms = means.request, terms_of(means.request, means.room)
    one_by_one = is_read_one_by_one(request) or (places.workers < 2 and places.cluster is None)
    readers = UnitReaders(means, memory, run)
    return Undertaking(
        request=request,
        recipients=means.recipients,
        agenda=agenda,
        reader=readers.only(progress.chosen) if one_by_one else readers.claiming,
        concurrency=terms["concurrency"],
        batch_size=terms["limits"]["records"],
        lanes=terms["lanes"],
        objects_ahead=OBJECTS_AHEAD,
        bytes_a_byte=BYTES_A_BYTE,
        pulled_bytes=PULLED_BYTES,
        progress=progress,
        spreads=not one_by_one,
        workers=places.workers,
        cluster=places.cluster,
        register=FaultRegister(means),
    )


def terms_of(request: ResubmitRequest, room: Room) -> dict[str, Any]:
    """The terms of a whole resubmit, as a run has them; each function has its own besides."""
    concurrency = request.concurrency or room.invocations
    size, size_from = _batch_size(request)
    return {
        "batch_size_from": size_from,
        "concurrency": concurrency,
        "concurrency_from": "option" if request.concurrency else room.reason,
        "lanes": lanes_for(concurrency) if request.keeps_order else 0,
        "limits": {"records": size},
        "policy": {"max_attempts": request.max_attempts or MAX_ATTEMPTS},
    }


def _batch_size(request: ResubmitRequest) -> tuple[int, str]:
    if request.one_by_one:
        return 1, "one by one"
    return (request.batch_size, "option") if request.batch_size else (BATCH_SIZE, "at most, each function's own")


def likeness_here(request: ResubmitRequest, aws: Aws) -> Likeness:
    """The likeness of a resubmit from here."""
    return likeness_of_faults(request, region=aws.region, endpoint_url=aws.endpoint)


def under_way(ledger: Ledger, alike: Likeness) -> list[Run]:
    """The runs that are sending faults of the same sources right now."""
    return [run for run in _of_the_same(ledger, alike) if ledger.is_active(run)]


def beside(ledger: Ledger, alike: Likeness) -> list[Run]:
    """The runs that are sending faults of other sources right now, which may hold the same ones."""
    same = {run.id for run in _of_the_same(ledger, alike)}
    return [run for run in ledger.alike(alike.key) if run.id not in same and ledger.is_active(run)]


def killed(ledger: Ledger, alike: Likeness) -> list[Run]:
    """The runs over the same sources that were killed: neither taken up since, nor gone over by another."""
    return killed_among(_of_the_same(ledger, alike), ledger)


def killed_among(runs: Sequence[Run], ledger: Ledger) -> list[Run]:
    """Those of some resubmits that were killed: neither taken up since, nor gone over by another of them."""
    dead = [run for run in runs if run.status == "running" and not ledger.is_active(run)]
    return [run for run in dead if not any(_has_gone_over(other, run, ledger) for other in runs)]


def _has_gone_over(other: Run, run: Run, ledger: Ledger) -> bool:
    """Whether another has sent, or found sent, all that was under way when a run was killed: none comes again."""
    is_later = other.id > run.id and other.started_ms >= ledger.sessions(run)[-1].seen_ms
    is_whole = other.status in ("succeeded", "nothing")
    return is_later and is_whole and _covers(thaw_resubmit(other.arguments), thaw_resubmit(run.arguments))


def _covers(wide: ResubmitRequest, narrow: ResubmitRequest) -> bool:
    """Whether one resubmit is for all faults that another is for."""
    if wide.limit is not None or wide.choice not in (FaultSelection(), narrow.choice):
        return False
    if _recipients_of(wide) != _recipients_of(narrow) or (narrow.again and not wide.again):
        return False
    if inventory_in(wide.sources) not in (None, inventory_in(narrow.sources)):
        return False
    extents = tuple(map(extent_of, stored(wide.sources)))
    # What is on a queue may have been held back from it.
    return all(
        not isinstance(source, QueueSource) and extent_of(source).startswith(extents) for source in narrow.sources
    )


def _recipients_of(request: ResubmitRequest) -> tuple[object, ...]:
    """To which functions faults go: they are remembered by these."""
    return request.function, frozenset(request.renames), request.qualifier


def _of_the_same(ledger: Ledger, alike: Likeness) -> list[Run]:
    return [run for run in ledger.alike(alike.key) if _likeness_of_run(run, alike.key).overlaps(alike)]


def _likeness_of_run(run: Run, key: str) -> Likeness:
    found = likeness_of_faults(thaw_resubmit(run.arguments), region="", endpoint_url=None)
    return Likeness(key, found.sources, found.start_ms, found.end_ms)


def new_resubmit(run_id: str, means: Means) -> NewRun:
    """A run as it is written down. Its functions are looked at anew in each session."""
    request, aws, identity = means.request, means.aws, means.identity
    return NewRun(
        run_id=run_id,
        command="resubmit",
        function=str(request.function) if request.function else EACH_ITS_OWN,
        sources=[source.uri for source in request.sources],
        account=identity.account if identity else None,
        arguments=freeze_resubmit(request),
        terms=terms_of(request, means.room),
        target={},
        access=aws.access.kept(),
        likeness=likeness_here(request, aws).key,
    )
