"""Where faults are read from: what events are, and queues besides."""

from cncbops.lake.sources import LocalSource, S3Source, Source, parse_source
from cncbops.queues.source import SCHEME, QueueSource, parse_queue

FaultSource = Source | QueueSource


def parse_fault_source(text: str) -> FaultSource:
    """What `text` names, without looking whether it exists. Raises BadInput."""
    return parse_queue(text) if text.startswith(SCHEME) else parse_source(text)


def source_text(source: FaultSource) -> str:
    """What `parse_fault_source` takes for this source: a Path's own text, which never holds `://`."""
    if isinstance(source, QueueSource):
        return SCHEME + source.queue
    return source.uri if isinstance(source, S3Source) else str(source.path)


def stored(sources: tuple[FaultSource, ...]) -> list[Source]:
    """Those of the sources that hold objects."""
    return [source for source in sources if isinstance(source, S3Source | LocalSource)]
