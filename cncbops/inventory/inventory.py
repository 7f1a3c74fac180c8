"""An S3 Inventory that is read once, and listed from as often as it takes."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from cncbops.errors import BadInput, CannotRun
from cncbops.inventory.files import Row, content_of, fetched, require_reader, rows_of
from cncbops.inventory.keys import SortedKeys
from cncbops.inventory.manifest import Manifest, read_manifest
from cncbops.lake.ahead import ahead
from cncbops.lake.sources import S3Source

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FILES_AHEAD = 2
"""Data files fetched beforehand, of some hundred megabytes each."""


class Inventory:
    """The keys of a bucket as its inventory names them; `keys_read` tells how far reading is."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.keys_read = 0
        self._held: tuple[str, ...] = ()
        self._reading = threading.Lock()
        self._keys = SortedKeys(manifest.source_bucket)

    @property
    def created(self) -> datetime:
        """When AWS began to look through the bucket."""
        return self.manifest.created

    def under(self, prefixes: Sequence[str], s3: "S3Client") -> SortedKeys:
        """The objects whose keys begin with one of these, at least; reads those that were not asked for before.

        Raises CannotRun where the inventory cannot be read, or has nothing under one of them.
        """
        with self._reading:
            if new := tuple(each for each in prefixes if not each.startswith(self._held)):
                held, self._held = self._held, ()
                try:
                    self._keys.put(self._batches(new, s3))
                except BaseException:
                    self._keys = SortedKeys(self.manifest.source_bucket)
                    raise
                self._held = (*held, *new)
            for prefix in prefixes:
                self._require_some(prefix)
        return self._keys

    def _batches(self, prefixes: tuple[str, ...], s3: "S3Client") -> Iterator[list[Row]]:
        fetch = partial(fetched, manifest=self.manifest, s3=s3)
        with closing(ahead(fetch, self.manifest.files, FILES_AHEAD, lambda copy: copy.close())) as copies:
            for file, copy in zip(self.manifest.files, copies, strict=True):
                for batch in rows_of(copy, file, self.manifest):
                    self.keys_read += len(batch)
                    yield [row for row in batch if row[0].startswith(prefixes)]

    def _require_some(self, prefix: str) -> None:
        """An inventory may be configured for one prefix alone, and does not say so."""
        if next(self._keys.flat(prefix), None) is None:
            what = (
                f"the inventory {self.manifest.uri} names no object under s3://{self.manifest.source_bucket}/{prefix}"
            )
            raise CannotRun(what, "Check the prefix, and the one that the inventory is configured for")


_KNOWN: "WeakKeyDictionary[S3Client, dict[str, Inventory]]" = WeakKeyDictionary()
"""What was read is kept for as long as its client lives."""
_LOOKING = threading.Lock()


def inventory_of(source: S3Source, s3: "S3Client") -> Inventory:
    """The inventory that a source is listed from. Raises CncbopsError if it cannot be used, or is another bucket's."""
    assert source.inventory, "a source that is listed by calls has none"
    with _LOOKING:
        known = _KNOWN.setdefault(s3, {})
        if source.inventory not in known:
            manifest = read_manifest(source.inventory, lambda place, most: content_of(place, s3, most))
            require_reader(manifest)
            known[source.inventory] = Inventory(manifest)
    found = known[source.inventory]
    if found.manifest.source_bucket != source.bucket:
        what = f"{source.inventory} is the inventory of s3://{found.manifest.source_bucket}, not of {source.uri}"
        raise BadInput(what, "Give that of the bucket to be read")
    return found
