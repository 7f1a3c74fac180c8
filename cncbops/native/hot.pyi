from collections.abc import Callable, Sequence
from typing import final

import msgspec

from cncbops.formats.event import LakeEvent
from cncbops.kinesis.record import Record
from cncbops.lake.objects import LakeObject

# The events of lines, numbered from `first_line`; in place of one that is not usual, the line. Its UTF-8 is valid.
def read_envelopes(make: type[LakeEvent], data: bytes, first_line: int, /) -> list[LakeEvent | bytes]: ...
def read_eventbridge(make: type[LakeEvent], data: bytes, first_line: int, /) -> list[LakeEvent | bytes]: ...
def read_raw(make: type[LakeEvent], data: bytes, first_line: int, /) -> list[LakeEvent | bytes]: ...

# The JSON of a record, of which only the length is known until it is written: as a buffer, or in a payload.
@final
class Unwritten:
    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

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

# The bodies between commas, behind `head` and before `tail`.
def payload(head: bytes, bodies: Sequence[bytes | Unwritten], tail: bytes, /) -> bytes: ...

# Send a request, in two parts, over a socket by its descriptor, and receive what comes first of the answer, b"" at its
# end. And whether all was sent: what closes before that may have answered. None where the other side had closed it
# before: nothing was sent. No step takes longer than the seconds, None for ever, to send and to receive; raises
# BlockingIOError if what is sent is not taken, TimeoutError if nothing comes, and OSError.
def ask(
    socket: int, head: bytes, body: bytes, most: int, send_s: float | None, read_s: float | None, /
) -> tuple[bytes, bool] | None: ...

# Receive that many bytes at least, if there are, and at most. Raises as `ask` does.
def receive(socket: int, least: int, most: int, read_s: float | None, /) -> bytes: ...
