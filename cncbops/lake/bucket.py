"""A bucket's listing, a page at a time."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cncbops.lake.objects import LakeObject
from cncbops.lake.pages import Page, pages_of
from cncbops.lake.walk import Folder

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Bucket:
    """Asks S3, in whichever thread. botocore's errors pass."""

    def __init__(self, s3: "S3Client", name: str) -> None:
        self._pages, self._name = pages_of(s3), name
        self.can_seek = True
        """Whether it lists from any key on, as far as is known: not all that speaks like S3 does."""
        self.can_narrow = True
        """Whether it lists a folder by its own prefix, as far as is known: rights may hang on the one given."""

    def page(self, prefix: str, token: str | None = None) -> Page:
        """The first page of a prefix, or the one that `token` stands for."""
        return self._ask(Prefix=prefix, **_further(token))

    def page_from(self, prefix: str, begin: str) -> Page:
        """A page of a prefix that begins with the first key from `begin` on; some before it may come, too."""
        after = _just_before(begin)
        page = self._ask(Prefix=prefix, StartAfter=after)
        while page.objects and page.objects[0].key <= after:
            self.can_seek = False
            if page.last >= begin or not page.token:
                break
            page = self.page(prefix, page.token)
        return page

    def level(self, folder: str) -> Iterator[LakeObject | Folder]:
        """Objects and folders directly in `folder`, lazily and in key order."""
        token = None
        while True:
            page = self._ask(Prefix=folder, Delimiter="/", **_further(token))
            entries: dict[str, LakeObject | Folder] = {path: _folder(path) for path in page.folders}
            entries.update((obj.key, obj) for obj in page.objects)
            for key in sorted(entries):
                yield entries[key]
            if (token := page.token) is None:
                return

    def level_from(self, folder: str, begin: str) -> Page:
        """A page of the objects and folders directly in `folder`, from `begin` on, which lies in none of them."""
        return self._ask(Prefix=folder, Delimiter="/", StartAfter=_just_before(begin))

    def _ask(self, **asked: str) -> Page:
        return self._pages.page(self._name, asked)


def _further(token: str | None) -> dict[str, str]:
    return {"ContinuationToken": token} if token else {}


def _folder(path: str) -> Folder:
    return Folder(path, path[:-1].rpartition("/")[2])


def _just_before(begin: str) -> str:
    """A key that lies before `begin`, with hardly any between: S3 lists what comes after a key, not from one on."""
    shorter, last = begin[:-1], ord(begin[-1])
    return f"{shorter}{chr(last - 1)}\U0010ffff" if last else shorter
