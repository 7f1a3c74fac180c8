"""A chunk of objects that is being read somewhere, and what was taken in of it."""

from collections.abc import Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from cncbops.delivery.lanes import NOWHERE
from cncbops.errors import CannotRun
from cncbops.execution.tasks import Chunk, Portion, Taken
from cncbops.session.entry import Entry
from cncbops.session.recovery import require_few


class BegunChunk(Struct):
    """A chunk that is being read: where, and the entries of its objects that were not opened yet.

    `taken` are its portions that were taken in; the last of them may still be being cut (`is_cut` is False). Where the
    chunk's place was lost so many times, it is read again from its beginning.
    """

    chunk: Chunk
    place: int
    entries: dict[int, Entry]
    portion: Portion | None = None
    taken: list[Taken] = field(default_factory=list)
    is_cut: bool = True
    losses: int = 0

    @property
    def again(self) -> Chunk:
        """What is left of it, to be read once more: what was not cut."""
        return replace(self.chunk, taken=self.taken if self.is_cut else self.taken[:-1])

    def take(self, portion: Portion, repeated: Sequence[int]) -> None:
        """A portion is taken in, to be cut; `repeated` are the indices of its claims that were made before."""
        self.taken.append(Taken(portion.records, portion.last, repeated))
        self.is_cut = False

    def require_known(self, portion: Portion) -> None:
        """Raise CannotRun if the portion that was taken in last, and lost, is another when it is read again."""
        if portion.broken:
            raise portion.broken
        if (portion.records, portion.last) != self.taken[-1][:2]:
            what = f"the objects from {self.chunk.items[0][0].object.uri} on changed while they were read"
            raise CannotRun(what, "Have them read again, which tells what changed")

    def lose(self) -> None:
        """Its place is gone. Raises CannotRun if that was so too often."""
        self.place, self.portion, self.losses = NOWHERE, None, self.losses + 1
        require_few(self.losses)
