"""The book's metric lines: their values add up to the events, however little is kept in memory."""

import random
from collections import Counter

from cncbops.inspection.metrics import DomainEvents
from tests.inspection.chunks import chunk_of

HOUR_MS = 3_600_000


def lines_of(hours: list[int], most_lines: int) -> list[str]:
    events, lines = DomainEvents(most_lines), []
    for start in range(0, len(hours), 500):
        some = [b'{"type":"t","timestamp":%d}' % (hour * HOUR_MS + 5) for hour in hours[start : start + 500]]
        lines += events.add(chunk_of("stream/2023/11/22/00/name", *some))
    return [*lines, *events.finish()]


def test_the_values_of_equal_lines_add_up_to_the_events() -> None:
    chance = random.Random(7)
    hours = [chance.randrange(40) for _ in range(10_000)]
    lines, added = lines_of(hours, 4), Counter[int]()
    for line in lines:
        _, moment, value, *_ = line.split("|")
        added[int(moment) // 3_600] += int(value)
    assert added == Counter(hours)
    assert len(lines) > len(added)
    assert len(lines_of(hours, 1_000)) == len(added)


def test_what_is_not_known_is_called_as_the_book_calls_it() -> None:
    events = DomainEvents()
    assert list(events.add(chunk_of("name", b'{"type":"t","timestamp":1700611200123}'))) == []
    (line,) = events.finish()
    assert line == (
        "MONITORING|1700611200|1|count|domain.event|#account:demo,region:not-specified,stream:not-specified,"
        "shard:not-specified,source:not-specified,type:t"
    )


def test_nothing_gives_no_line() -> None:
    assert list(DomainEvents().finish()) == []
