"""Listing of S3 that asks side by side for what a walk through the date folders of some hours will ask for.

Year, month, day and hour one after the other are four answers of a region that may be slow. Where a listing shows the
folder of a year, all that lies on the way to the hours is asked for at once. That is a guess which decides nothing:
the walk takes from it what it needs, and asks for itself what was not guessed.
"""

from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from cncbops.health.lane import Lane
from cncbops.lake.layout import FolderDate, TimeWindow, reading_range

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef

    Page = ListObjectsV2OutputTypeDef


class HoursAhead:
    """Stands in for a client of S3 in one listing of the hours from some time to now."""

    def __init__(self, s3: "S3Client", since: datetime, now: datetime) -> None:
        self.window = TimeWindow(round(since.timestamp() * 1000), None)
        self._s3 = s3
        self._listed = reading_range(self.window)
        first = datetime.fromtimestamp((self._listed.start_ms or 0) / 1000, UTC)
        self._hours = [first + timedelta(hours=hour) for hour in range((now - first) // timedelta(hours=1) + 1)]
        self._ahead: dict[str, Future[Page]] = {}
        self._begun: set[str] = set()
        self._lane = Lane()

    @property
    def meta(self) -> Any:
        """What a client tells of itself."""
        return self._s3.meta

    def list_objects_v2(self, **asked: Any) -> "Page":
        """A page, as a client of botocore gives it. botocore's errors pass."""
        ahead = self._ahead.pop(repr(asked), None)
        page = ahead.result() if ahead else self._s3.list_objects_v2(**asked)
        asked.pop("ContinuationToken", None)
        for each in page.get("CommonPrefixes", ()):
            self._look_ahead(asked, each["Prefix"])
        return page

    def _look_ahead(self, asked: dict[str, Any], folder: str) -> None:
        """From the folder of a year ask for what lies on the way to those of the hours that are in it."""
        for hour in self._hours:
            if folder.endswith(f"{hour:%Y}/"):
                self._look_ahead_to(hour, asked, folder)

    def _look_ahead_to(self, hour: datetime, asked: dict[str, Any], year: str) -> None:
        """Ask for a level after the other, and for all below the first of which everything is wanted."""
        parts = (hour.year, hour.month, hour.day, hour.hour)
        for length, below in enumerate(("", f"{hour:%m/}", f"{hour:%m/%d/}", f"{hour:%m/%d/%H/}"), 1):
            date = FolderDate(parts[:length])
            if date.is_hour or self._listed.covers(*date.span):
                self._ask({"Bucket": asked["Bucket"], "Prefix": year + below})
                return
            self._ask({**asked, "Prefix": year + below})

    def _ask(self, asked: dict[str, Any]) -> None:
        key = repr(asked)
        if key not in self._begun:
            self._begun.add(key)
            answer = self._ahead[key] = Future()
            self._lane.add(partial(self._answer, asked, answer))

    def _answer(self, asked: dict[str, Any], answer: "Future[Page]") -> None:
        try:
            answer.set_result(self._s3.list_objects_v2(**asked))
        except BaseException as error:  # noqa: BLE001  raised again where it is taken
            answer.set_exception(error)
