"""Makes the readers of faults at each place: one that reads all, or one for each chunk, whose claims are judged."""

import os
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from cncbops.execution.notices import NoticeBoard
from cncbops.faults.resolving import Resolver
from cncbops.finding import Finder
from cncbops.session.agenda import READERS
from cncbops.session.candidates import Assessor
from cncbops.session.means import Means, here
from cncbops.session.memory import Emptiness, Memory, Seen
from cncbops.session.units import UnitReader

_MAKING = threading.Lock()


class UnitReaders:
    """Of one session of a resubmit; `run` is the ledger's number of it, if it has one."""

    def __init__(self, means: Means, memory: Memory, run: int | None) -> None:
        self._request, self._aws, self._recipients = means.request, means.aws, means.recipients
        self._account = means.identity.account if means.identity else None
        self._memory, self._emptiness, self._run = memory, Emptiness(memory.is_empty), run
        self._where, self._room = here(means.aws), means.room
        self._finder, self._resolver = means.finder, means.resolver
        self._process: int | None = os.getpid()
        self._notices = NoticeBoard.of_this_system()

    def __getstate__(self) -> dict[str, Any]:
        """It may go to another process, which looks functions up, and fetches, by itself."""
        # Nor has it this number: in two containers processes may well have the same.
        others = dict.fromkeys(("_process", "_finder", "_resolver", "_emptiness", "_notices"))
        return {**vars(self), **others}

    def only(self, chosen: int) -> Callable[[int], UnitReader]:
        """The one reader of a session whose chunks are read one after another."""
        reader = self._reader(Seen(), chosen)
        return lambda _chosen: reader

    def claiming(self, chosen: int) -> UnitReader:
        """A reader of one chunk beside others; called in any thread of any process."""
        return self._reader(None, chosen)

    def _reader(self, seen: Seen | None, chosen: int) -> UnitReader:
        with _MAKING:
            self._settle_in()
        means = self._finder, self._resolver, self._memory, self._emptiness
        assessor = Assessor(self._request, self._where, *means, self._run)
        return UnitReader(self._request, assessor, self._resolver, seen, chosen)

    def _settle_in(self) -> None:
        """What a process was forked with may have connections, which are not its own."""
        if self._process != os.getpid():
            self._process, self._resolver = os.getpid(), Resolver(self._aws, partial(self._aws.s3, READERS))
            self._finder = Finder(self._request, self._aws, self._recipients, self._account, self._room, self._notices)
            self._emptiness = Emptiness(self._memory.is_empty)
