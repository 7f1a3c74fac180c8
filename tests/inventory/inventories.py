"""S3 Inventories as AWS writes them: a manifest, its checksum, and data files in CSV or Parquet.

Sources: Amazon S3 User Guide, "Locating your inventory list" and "Amazon S3 Inventory list".
"""

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

from tests.e2e.far_side_s3 import StoredObject

CREATED = datetime(2018, 4, 9, tzinfo=UTC)
FOLDER = "inv/lake/daily"
URI = f"s3://inventories/{FOLDER}/2018-04-09T00-00Z/manifest.json"
FIELDS = ("Size", "LastModifiedDate", "ETag", "StorageClass")
VERSIONS = ("VersionId", "IsLatest", "IsDeleteMarker")
_PARQUET = {
    "Bucket": ("bucket", "required binary {} (UTF8)"),
    "Key": ("key", "required binary {} (UTF8)"),
    "VersionId": ("version_id", "optional binary {} (UTF8)"),
    "IsLatest": ("is_latest", "optional boolean {}"),
    "IsDeleteMarker": ("is_delete_marker", "optional boolean {}"),
    "Size": ("size", "optional int64 {}"),
    "LastModifiedDate": ("last_modified_date", "optional int64 {} (TIMESTAMP_MILLIS)"),
    "ETag": ("e_tag", "optional binary {} (UTF8)"),
    "StorageClass": ("storage_class", "optional binary {} (UTF8)"),
}


@dataclass(frozen=True)
class Entry:
    """A version of an object, or a mark that it was deleted."""

    key: str
    size: int | None = 1
    etag: str = "d41d8cd98f00b204e9800998ecf8427e"
    modified: datetime = datetime(2018, 4, 8, 3, 54, tzinfo=UTC)
    storage_class: str = "STANDARD"
    is_latest: bool = True
    is_delete_marker: bool = False

    def value(self, name: str) -> Any:
        return {
            "Bucket": "lake",
            "Key": self.key,
            "VersionId": "3sL4kqtJlcpXroDTDmJ",
            "IsLatest": self.is_latest,
            "IsDeleteMarker": self.is_delete_marker,
            "Size": self.size,
            "LastModifiedDate": self.modified,
            "ETag": self.etag,
            "StorageClass": self.storage_class,
        }[name]


@dataclass(frozen=True)
class Written:
    """How an inventory is written; `safe` characters of a key are left as they are in CSV."""

    form: str = "CSV"
    fields: Sequence[str] = FIELDS
    bucket: str = "lake"
    created: datetime = CREATED
    uri: str = URI
    safe: str = "/"
    manifest: Mapping[str, Any] = field(default_factory=dict)

    def objects(self, *files: Iterable[Entry]) -> dict[str, StoredObject]:
        """What lies in the destination bucket, by key; each of `files` is a data file's content, in its order."""
        folder = self.uri.removeprefix("s3://inventories/").removesuffix("manifest.json")
        ending = {"CSV": "csv.gz", "Parquet": "parquet", "ORC": "orc"}[self.form]
        data = {f"{FOLDER}/data/{number:08}.{ending}": self._data(list(each)) for number, each in enumerate(files)}
        manifest = json.dumps(self._manifest(data), indent=2).encode()
        stored = {**data, f"{folder}manifest.json": manifest, f"{folder}manifest.checksum": _md5(manifest).encode()}
        return {key: StoredObject(content) for key, content in stored.items()}

    @property
    def columns(self) -> list[str]:
        return ["Bucket", "Key", *self.fields]

    def _manifest(self, data: Mapping[str, bytes]) -> dict[str, Any]:
        return {
            "sourceBucket": self.bucket,
            "destinationBucket": "arn:aws:s3:::inventories",
            "version": "2016-11-30",
            "creationTimestamp": str(int(self.created.timestamp() * 1000)),
            "fileFormat": self.form,
            "fileSchema": self._schema(),
            "files": [{"key": key, "size": len(each), "MD5checksum": _md5(each)} for key, each in data.items()],
            **self.manifest,
        }

    def _schema(self) -> str:
        if self.form == "CSV":
            return ", ".join(self.columns)
        inner = " ".join(f"{_PARQUET[name][1].format(_PARQUET[name][0])};" for name in self.columns)
        return f"message s3.inventory {{ {inner} }}"

    def _data(self, entries: Sequence[Entry]) -> bytes:
        return {"CSV": self._csv, "Parquet": self._parquet, "ORC": lambda _: b"ORC"}[self.form](entries)

    def _csv(self, entries: Sequence[Entry]) -> bytes:
        text = io.StringIO()
        lines = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
        lines.writerows([self._text(each.value(name), name) for name in self.columns] for each in entries)
        return gzip.compress(text.getvalue().encode(), 1)

    def _text(self, value: Any, name: str) -> str:
        if name == "Key":
            return quote_plus(value, safe=self.safe)
        if isinstance(value, bool):
            return str(value).lower()
        return f"{value:%Y-%m-%dT%H:%M:%S}.000Z" if isinstance(value, datetime) else "" if value is None else str(value)

    def _parquet(self, entries: Sequence[Entry]) -> bytes:
        import pyarrow as arrow
        import pyarrow.parquet as parquet

        moment = arrow.timestamp("ms")
        types = {"Size": arrow.int64(), "LastModifiedDate": moment}
        types |= dict.fromkeys(("IsLatest", "IsDeleteMarker"), arrow.bool_())
        columns = {
            _PARQUET[name][0]: arrow.array(
                [
                    each.value(name).replace(tzinfo=None) if name == "LastModifiedDate" else each.value(name)
                    for each in entries
                ],
                types.get(name, arrow.string()),
            )
            for name in self.columns
        }
        packed = io.BytesIO()
        parquet.write_table(arrow.table(columns), packed, compression="snappy")
        return packed.getvalue()


def entries_of(stored: Mapping[str, StoredObject]) -> list[Entry]:
    """What an inventory says of the objects of a bucket of the far side."""
    return [
        Entry(key, each.size, each.etag.strip('"'), each.last_modified, each.storage_class)
        for key, each in stored.items()
    ]


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
