"""The book's domain-event metric of a lake's events, as the lines that Datadog reads from logs.

`MONITORING|<seconds>|<count>|count|domain.event|#account:…,region:…,stream:…,shard:…,source:…,type:…`

The book's function logs a line of value 1 for each event, with its time in milliseconds, against Datadog's rule. A lake
is read at one go, so here is a line for all events alike of an hour, of that hour's first second. Source: the book,
"Monitoring domain events"; DanteInc/js-cloud-native-cookbook ch7/event-metrics/handler.js; Datadog documentation,
"AWS Lambda integration".
"""

import re
from collections import Counter
from collections.abc import Iterator

from cncbops.inspection.columns import Columns
from cncbops.inspection.reading import Chunk
from cncbops.inspection.statistics import LONGEST_NAME, NOT_SPECIFIED
from cncbops.tally import HOUR_MS

_ACCOUNT = "demo"
"""As the book calls an account without a name."""
_TAGS = ("account", "region", "stream", "shard", "source", "type")
_MOST_LINES = 20_000
_TOGETHER = 4_096
_RESERVED = re.compile(r"[|,#\s\x00-\x20\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What parts a line, and what is no text but an order to a terminal."""

_Series = tuple[float, tuple[str | None, ...]]
"""An hour since the epoch, and the values of _TAGS."""


class DomainEvents:
    """Counts the events of chunks. Of more than `most_lines` series the oldest are written, and begin anew."""

    def __init__(self, most_lines: int = _MOST_LINES) -> None:
        self._most = most_lines
        self._waiting = Columns()
        self._counts: Counter[_Series] = Counter()

    def add(self, chunk: Chunk) -> Iterator[str]:
        """Count a chunk; gives the lines that memory has no more room for: values of equal lines add up."""
        if chunk.events:
            self._waiting.take(chunk)
        if len(self._waiting) >= _TOGETHER:
            self._count()
        if len(self._counts) > self._most:
            yield from self._lines(self._most // 2)

    def finish(self) -> Iterator[str]:
        """All lines that are left, in order."""
        self._count()
        yield from self._lines(len(self._counts))

    def _count(self) -> None:
        events, self._waiting = self._waiting, Columns()
        hours = [time // HOUR_MS for time in events.times]
        named = (events.accounts, events.regions, events.streams, events.shards, events.sources, events.types)
        for (hour, *names), count in Counter(zip(hours, *named, strict=True)).items():
            self._counts[hour, tuple(name and name[:LONGEST_NAME] for name in names)] += count

    def _lines(self, most: int) -> Iterator[str]:
        for series in sorted(self._counts, key=lambda each: (each[0], *map(str, each[1])))[:most]:
            yield _line(series, self._counts.pop(series))


def _line(series: _Series, count: int) -> str:
    hour, (account, region, stream, shard, source, event_type) = series
    number = (shard or "").rpartition("-")[2]
    named = (account or _ACCOUNT, *(each or NOT_SPECIFIED for each in (region, stream, number, source, event_type)))
    tags = ",".join(f"{tag}:{_RESERVED.sub('_', name)}" for tag, name in zip(_TAGS, named, strict=True))
    return f"MONITORING|{int(hour) * HOUR_MS // 1_000}|{count}|count|domain.event|#{tags}"
