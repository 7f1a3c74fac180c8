"""How much there is to read, found out beside a run so that its end can be foreseen.

Costs the listing of the lake once more, so it is for runs that are told of as they go, and that are not over at once.
"""

import threading
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.errors import CncbopsError
from cncbops.lake.layout import skip_reason
from cncbops.lake.listing import list_objects
from cncbops.queues.source import QueueSource
from cncbops.request import Request

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PATIENCE_S = 1.0
"""A run that is over by then shows no end that it could be asked for."""


class Survey:
    """Adds up the bytes of a request's objects, in a thread of its own while in its block.

    `done_bytes` are those that earlier sessions of the run have done. `total_bytes`, what is left for
    this one, is None until all objects are listed, and for ever if they cannot be.
    """

    def __init__(self, request: Request, s3: "S3Client | None", done_bytes: int = 0) -> None:
        self._request, self._s3, self._done_bytes = request, s3, done_bytes
        self._left = threading.Event()
        self.total_bytes: int | None = None

    def __enter__(self) -> "Survey":
        threading.Thread(target=self._run, name="survey", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()

    def _run(self) -> None:
        if self._left.wait(PATIENCE_S):
            return
        try:
            self.total_bytes = self._add_up()
        except (CncbopsError, BotoCoreError, ClientError):
            # The run itself lists the same objects, and says what is wrong with them.
            return

    def _add_up(self) -> int | None:
        total = -self._done_bytes
        for source in self._request.sources:
            if isinstance(source, QueueSource):
                return None
            for lake_object in list_objects(source, self._s3, self._request.window, at_once=1):
                if self._left.is_set():
                    return None
                total += 0 if skip_reason(lake_object) else lake_object.size
        return total
