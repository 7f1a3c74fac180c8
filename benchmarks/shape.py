"""What a generated lake looks like: the numbers that it is made from."""

from dataclasses import dataclass

FORMATS = ("envelope", "eventbridge", "raw", "fault", "fault-document")
FUNCTION = "cncb-benchmark-john-listener"
STREAM = "john-cncb-event-stream-s1"
START_MS = 1_700_611_200_000  # 2023-11-22T00:00Z


@dataclass(frozen=True, slots=True)
class Shape:
    """A lake's measure.

    `events` are those of one object. A line has `line_bytes`, one of a fault what its event takes in an
    envelope of so many. With `distinct`, so many bodies repeat, as hard links: a lake of any size then
    takes their room and their time, and its repeated events keep their ids and times. `function` is the one
    that faults name.
    """

    objects: int = 1_000
    events: int = 250
    line_bytes: int = 1_130
    keys: int = 1_000
    shards: int = 2
    hours: int = 1
    format: str = "envelope"
    gzip: bool = False
    distinct: int | None = None
    function: str = FUNCTION

    @property
    def total(self) -> int:
        """All of its events."""
        return self.objects * self.events

    @property
    def bodies(self) -> int:
        """How many objects are written; the others are links to them."""
        return min(self.objects, self.distinct or self.objects)

    def time_ms(self, number: int) -> int:
        """When the event of that number arrived: they are spread evenly over the hours."""
        return START_MS + number * self.hours * 3_600_000 // self.total
