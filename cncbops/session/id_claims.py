"""Which event an id belongs to, as it crosses between processes and is kept: in places and digests alone."""

from collections.abc import Iterator, Sequence

from cncbops.formats.event import LakeEvent
from cncbops.session.digest import DIGEST_BYTES, digest_of

PLACE_BYTES = 8
CLAIM_BYTES = PLACE_BYTES + DIGEST_BYTES
"""Claims are such pieces end to end: a place, big endian, and the digest of an id."""
NO_ID = bytes(DIGEST_BYTES)
"""In the place of the digest of an event that has none."""


def claims_of(events: Sequence[LakeEvent], places: Sequence[int]) -> bytes:
    """The claims of events, in their order."""
    return b"".join(
        [place.to_bytes(PLACE_BYTES) + _digest(each.event_id) for each, place in zip(events, places, strict=True)]
    )


def first_place(claims: bytes, start: int = 0) -> int:
    """The place of the first of some claims, or of the one that begins there."""
    return int.from_bytes(claims[start : start + PLACE_BYTES])


def _digest(event_id: str | None) -> bytes:
    return digest_of(event_id) if event_id else NO_ID


def apart(claims: bytes) -> Iterator[tuple[int, bytes]]:
    """The claims one by one: the place, and the digest of the id."""
    for start in range(0, len(claims), CLAIM_BYTES):
        yield first_place(claims, start), claims[start + PLACE_BYTES : start + CLAIM_BYTES]
