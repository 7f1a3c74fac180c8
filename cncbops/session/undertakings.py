"""What a session of each kind undertakes: who reads, to whom it is sent, and how many at a time."""

import os
from functools import partial

from cncbops.recipients import Recipient, Recipients
from cncbops.request import ReplayRequest
from cncbops.session.agenda import Agenda
from cncbops.session.events import EventReader
from cncbops.session.progress import Progress
from cncbops.undertaking import Undertaking


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def events_undertaking(
    request: ReplayRequest,
    recipient: Recipient,
    agenda: Agenda,
    progress: Progress = Progress(),
    *,
    workers: int,
) -> Undertaking:
    """A replay: the events of a lake to one function."""
    return Undertaking(
        request=request,
        recipients=Recipients(("", recipient)),
        agenda=agenda,
        reader=partial(EventReader, request, recipient.terms, progress),
        concurrency=recipient.terms.concurrency,
        lanes=recipient.terms.lanes,
        progress=progress,
        workers=workers,
    )
