"""What a session of each kind undertakes: who reads, to whom it is sent, and how many at a time."""

from functools import partial

from cncbops.recipients import Recipient, Recipients
from cncbops.request import ReplayRequest
from cncbops.sending import Undertaking
from cncbops.session.agenda import Agenda
from cncbops.session.events import EventReader
from cncbops.session.progress import Progress


def events_undertaking(
    request: ReplayRequest, recipient: Recipient, agenda: Agenda, progress: Progress = Progress()
) -> Undertaking:
    """A replay: the events of a lake to one function."""
    return Undertaking(
        request=request,
        recipients=Recipients(("", recipient)),
        agenda=agenda,
        reader=partial(EventReader, request, recipient.terms),
        concurrency=recipient.terms.concurrency,
        lanes=recipient.terms.lanes,
        progress=progress,
    )
