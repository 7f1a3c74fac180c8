"""What is told of objects and events of a lake, as data."""

from typing import Any

from cncbops.formats.event import LakeEvent
from cncbops.inspection.lines import on_one_line
from cncbops.inspection.reading import Chunk
from cncbops.lake.layout import object_time
from cncbops.lake.objects import LakeObject
from cncbops.reports.summary import iso
from cncbops.selection.selection import time_of


def object_facts(lake_object: LakeObject) -> dict[str, Any]:
    """An object: `from` is the time that its key names, None if it names none, `to` when it was written.

    Its events arrived in between, as far as a listing tells. Firehose names an object after its oldest event.
    """
    return {
        "object": lake_object.uri,
        "from": iso(object_time(lake_object.key)),
        "to": iso(lake_object.last_modified.timestamp() * 1000),
        "bytes": lake_object.size,
        "storage_class": lake_object.storage_class,
    }


def event_facts(chunk: Chunk, event: LakeEvent) -> dict[str, Any]:
    """An event, as bytes, where it lies, and its record in the stream; `synthesized`: the lake did not keep that."""
    return {
        "object": chunk.object.uri,
        "line": event.line,
        "part": event.part,
        "event_id": event.event_id,
        "type": event.type,
        "time": iso(time_of(event)),
        "partition_key": event.partition_key,
        "sequence_number": event.sequence_number,
        "shard": event.shard_id,
        "arrival": iso(event.arrival_ms),
        "synthesized": event.synthesized,
        "event": on_one_line(event.data),
    }
