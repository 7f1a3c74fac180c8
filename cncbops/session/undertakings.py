"""What a session of each kind undertakes: who reads, to whom it is sent, and how many at a time."""

import os
from collections.abc import Callable, Iterable
from functools import partial

from cncbops.recipients import Recipient, Recipients
from cncbops.request import ReplayRequest
from cncbops.session.agenda import Agenda
from cncbops.session.event_ids import DedupingReader, EventIds
from cncbops.session.events import EventReader
from cncbops.session.newest import NewestReader
from cncbops.session.picking import PicksNewest
from cncbops.session.progress import Progress
from cncbops.session.reading import Reader, Register
from cncbops.undertaking import Places, Undertaking


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def events_undertaking(
    request: ReplayRequest,
    recipient: Recipient,
    agenda: Agenda,
    progress: Progress = Progress(),
    *,
    places: Places,
    claimed: Iterable[bytes] = (),
) -> Undertaking:
    """A replay: the events of a lake to one function.

    `claimed` are the ids of events that earlier sessions of the run chose. Raises CannotRun where they cannot be noted.
    """
    register, reader = _chosen_by(request, agenda, claimed)
    return Undertaking(
        request=request,
        recipients=Recipients(("", recipient)),
        agenda=agenda,
        reader=partial(reader, request, recipient.terms, progress),
        concurrency=recipient.terms.concurrency,
        batch_size=recipient.terms.limits.records,
        lanes=recipient.terms.lanes,
        progress=progress,
        workers=places.workers,
        cluster=places.cluster,
        register=register,
    )


def _chosen_by(
    request: ReplayRequest, agenda: Agenda, claimed: Iterable[bytes]
) -> tuple[Register | None, Callable[..., Reader]]:
    """Who judges which events are sent, if more than one object has to be known for that, and who reads them."""
    if isinstance(agenda, PicksNewest):
        return agenda.register, NewestReader
    if not request.dedupe:
        return None, EventReader
    ids = EventIds(claimed)
    # Where each chunk decides over the next, one reader after another reads in this process and judges by itself.
    return ids, partial(DedupingReader, ids if request.reading_limit is not None else None)
