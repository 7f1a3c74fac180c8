from collections.abc import Callable, Sequence

import msgspec

from cncbops.formats.event import LakeEvent
from cncbops.kinesis.record import Record
from cncbops.lake.objects import LakeObject

# The events of lines, numbered from `first_line`; in place of one that is not usual, the line. Its UTF-8 is valid.
def read_envelopes(make: type[LakeEvent], data: bytes, first_line: int, /) -> list[LakeEvent | bytes]: ...
def read_eventbridge(make: type[LakeEvent], data: bytes, first_line: int, /) -> list[LakeEvent | bytes]: ...
def read_raw(make: type[LakeEvent], data: bytes, first_line: int, /) -> list[LakeEvent | bytes]: ...

# The records of complete events of one object; `body_of` is asked for a body that is not usual.
def make_records(
    make: type[Record],
    body_of: Callable[[LakeEvent, msgspec.Raw], bytes],
    events: Sequence[LakeEvent],
    places: Sequence[int],
    lake_object: LakeObject,
    names: Sequence[msgspec.Raw],
    /,
) -> list[Record]: ...
