"""All objects below a prefix, in pieces that are listed side by side.

A short prefix is listed page after page. Where that goes on, the rest of it is cut: at the folders on the
way to where the listing is, and in a folder of many objects where guesses say. Each piece is listed from its
begin on until its end is reached, by as many pages as it takes, so that wherever the cuts are, each key is
listed once and in order. What was asked for in vain makes the next cuts fewer, or wider.

A piece that is one folder is asked for by the folder's own prefix, as its last page is then known to be the last.
All other pages have the prefix that was asked for, as rights may hang on it, and so has that of a folder that is
refused. The questions for folders have others, too, and one that is refused leaves a piece uncut. They are asked from
a key on that lies in no folder: what S3 says of a folder that is begun already differs from server to server.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice, pairwise

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.lake.bucket import Bucket
from cncbops.lake.guessing import common_length, cuts
from cncbops.lake.in_order import Call, Item, Items
from cncbops.lake.pages import Page

_WHOLE_PAGES = 2
"""So many are listed one after the other before more is cut: most of what is listed is shorter."""
_MANY_PAGES = 4
"""From so many on one guess is tried even where none was good."""
_MOST_GUESSES = 16
_MOST_LEVELS = 6
"""Folders one in another that are asked for their neighbours; others are not cut."""


class Hopes:
    """How many guesses are worth a try at a time, as those before them were good or not."""

    def __init__(self) -> None:
        self.guesses = 1

    def note(self, *, was_good: bool) -> None:
        """That a guess was tried."""
        self.guesses = min(max(self.guesses * 2, 1), _MOST_GUESSES) if was_good else self.guesses // 2


class Stretch:
    """The objects below one prefix; without `hopes` they are listed page after page."""

    def __init__(self, bucket: Bucket, prefix: str, hopes: Hopes | None = None) -> None:
        self.bucket, self.prefix, self.hopes = bucket, prefix, hopes
        self._last: str | None = None  # no key lies after this

    def pieces(self) -> Iterator[Item]:
        """All of it, as what to ask first."""
        yield _Piece(self, "", None)

    def is_over(self, begin: str) -> bool:
        """Whether nothing is there from `begin` on, as far as is known."""
        return self._last is not None and begin > self._last

    def note_end(self, last: str) -> None:
        """No key is there after this."""
        self._last = last

    def rest(self, piece: "_Piece", page: Page) -> Items:
        """What is left of a piece after its page, which is asked for by the page's token: whatever the keys' order.

        The page is not kept: what is left may be all of a lake.
        """
        rest = _Piece(self, piece.begin, piece.until, page.token, piece.pages + 1)
        if rest.pages < _WHOLE_PAGES or not (self.hopes and self.bucket.can_seek) or not _is_orderly(page):
            return self._guessed(rest, [])
        return self._cut(replace(rest, begin=_next(page.last)), page)

    def _cut(self, rest: "_Piece", page: Page) -> Items:
        """Within the folder that the page does not leave, then from folder to folder towards the prefix."""
        common = self._common_folder(page)
        below = page.last.find("/", len(common)) + 1
        inner = page.last[:below] if below else common
        first = rest.up_to(self._end(inner))
        within = self._guessed(first, [] if below else self._guesses(first, page))
        return _one_after_other(within, list(self._around(inner, rest, page)))

    def _around(self, inner: str, rest: "_Piece", page: Page) -> Iterator[Item]:
        """What lies behind a folder in those around it."""
        for folder, parent in pairwise(self._upwards(inner)):
            outer = _Piece(self, _end(folder), rest.until).up_to(self._end(parent))
            if outer.until is None or outer.begin < outer.until:
                is_next = folder.count("/") - parent.count("/") == 1
                yield _Neighbours(parent, outer, _spanned(parent, page), len(page.objects)) if is_next else outer

    def _common_folder(self, page: Page) -> str:
        common = page.last[: common_length(page.objects[0].key, page.last)]
        return max(common[: common.rfind("/") + 1], self.prefix, key=len)

    def _upwards(self, folder: str) -> Iterator[str]:
        """The folders around one, itself first, the prefix last."""
        levels = 0
        while len(folder) > len(self.prefix) and levels < _MOST_LEVELS:
            yield folder
            folder, levels = folder[: folder[:-1].rfind("/") + 1], levels + 1
        yield self.prefix

    def _end(self, folder: str) -> str | None:
        return None if folder == self.prefix else _end(folder)

    def _guesses(self, rest: "_Piece", page: Page) -> list[str]:
        """Where to cut what is left, as far as it is worth a try."""
        assert self.hopes is not None
        most = max(self.hopes.guesses, int(rest.pages >= _MANY_PAGES))
        return list(islice(cuts([obj.key for obj in page.objects]), most))

    def _guessed(self, rest: "_Piece", guesses: list[str]) -> Items:
        piece = rest
        for cut in guesses:
            if cut <= piece.begin or (rest.until is not None and cut >= rest.until) or not self.bucket.can_seek:
                break
            yield piece.up_to(cut)
            if self.is_over(cut):
                return None
            piece = _Piece(self, cut, rest.until, is_guess=True)
        piece.pages = rest.pages
        return piece


def _one_after_other(first: Items, then: list[Item]) -> Items:
    last = yield from first
    for item in then:
        if last is not None:
            yield last
        last = item
    return last


@dataclass(eq=False)
class _Piece(Call):
    """The keys of [begin, until) of a stretch; without `until`, to its end.

    `token` asks for its first page where that follows another, `pages` are those before it, `is_guess` says
    that nobody knows whether there is a page at all.
    """

    stretch: Stretch
    begin: str
    until: str | None
    token: str | None = None
    pages: int = 0
    is_guess: bool = False
    cut: "_Cut | None" = None

    def up_to(self, end: str | None) -> "_Piece":
        """The first part of it."""
        until = end if self.until is None or (end is not None and end < self.until) else self.until
        return replace(self, until=until)

    def ask(self) -> Page:
        if self.token or not self.begin:
            return self.stretch.bucket.page(self.stretch.prefix, self.token)
        return self.stretch.bucket.page_from(self.stretch.prefix, self.begin)

    def answer(self, page: Page) -> Items:
        goes_on = page.token is not None and (self.until is None or page.last < self.until)
        if page.token is None:
            self.stretch.note_end(page.last or self.begin)
        if self.cut:
            self.cut.learn(self, page)
        inside = page.within(self.begin, self.until)
        if self.is_guess and self.stretch.hopes:
            self.stretch.hopes.note(was_good=len(inside) * 4 > len(page.objects))
        yield inside
        if not goes_on:
            return None
        rest = self.stretch.rest(self, page)
        del inside, page  # whoever waits for the end of this must not hold every page on the way there
        return (yield from rest)


@dataclass(eq=False)
class _Neighbours(Call):
    """Asks for the folders beside one that a page lies in, and so many more of the same parent: where to cut a piece
    behind it. A page holds so many objects.
    """

    parent: str
    piece: _Piece
    spanned: int
    most: int

    def ask(self) -> Page | None:
        try:
            return self.piece.stretch.bucket.level_from(self.parent, self.piece.begin)
        except (BotoCoreError, ClientError):
            return None

    def answer(self, level: Page | None) -> Iterator[Item]:
        begin, until = self.piece.begin, self.piece.until
        folders = [path for path in level.folders if path > begin and (until is None or path < until)] if level else []
        if level is None or (level.token and not folders):
            yield self.piece
        elif folders:
            yield level.within(begin, folders[0])
            yield from _Cut(self.piece, level, folders, _width(self.spanned), self.most).pieces()
        else:
            yield level.within(begin, until)


@dataclass(eq=False)
class _Folder(Call):
    """A piece that is one folder, asked for by its own prefix; as a piece like others, if that is refused."""

    piece: _Piece
    cut: "_Cut"

    def ask(self) -> Page | None:
        try:
            return self.piece.stretch.bucket.page(self.piece.begin)
        except (BotoCoreError, ClientError):
            return None

    def answer(self, page: Page | None) -> Items:
        outer = self.piece.stretch
        if page is None:
            outer.bucket.can_narrow = False
            return self.piece
        self.cut.learn_of_folder(page)
        return (yield from _Piece(Stretch(outer.bucket, self.piece.begin, outer.hopes), "", None).answer(page))


class _Cut:
    """A piece that is cut at folders: at so many at once as a page, of so many objects, is thought to hold."""

    def __init__(self, piece: _Piece, level: Page, folders: list[str], stride: int, most: int) -> None:
        self._level, self._folders, self._stride, self._most = level, folders, stride, most
        self._rest: _Piece | None = replace(piece, begin=folders[0])
        self._newest: _Piece | None = None  # the part given out last, which may still grow

    def pieces(self) -> Iterator[_Piece | _Folder]:
        """The parts, each as wide as is thought when it is asked for."""
        while self._rest and not self._rest.stretch.is_over(self._rest.begin):
            rest, self._rest = self._rest, None
            at = bisect_right(self._folders, rest.begin) + self._stride - 1
            if not rest.stretch.bucket.can_seek:
                at = len(self._folders)
            if at < len(self._folders):
                self._rest = replace(rest, begin=self._folders[at])
            piece = rest.up_to(self._end(at, rest.until))
            if piece.stretch.bucket.can_narrow and self._is_folder(piece):
                self._newest = None  # the one before may not grow into it
                yield _Folder(piece, self)
            else:
                piece.cut, self._newest = self, piece
                yield piece

    def _is_folder(self, piece: _Piece) -> bool:
        """Whether it is one of the folders, and nothing beside it."""
        at = bisect_left(self._folders, piece.begin)
        return self._folders[at : at + 1] == [piece.begin] and piece.until == _end(piece.begin)

    def _end(self, at: int, until: str | None) -> str | None:
        """Where a piece before the folder at a place ends: with its last folder if nothing is between."""
        end = _end(self._folders[min(at, len(self._folders)) - 1])
        is_known = at < len(self._folders) or self._level.token is None
        until = self._folders[at] if at < len(self._folders) else until
        return end if is_known and not self._level.within(end, until) else until

    def learn_of_folder(self, page: Page) -> None:
        """How many folders like the one that begins with this page a page would hold."""
        if page.objects:
            self._stride = 1 if page.token else _width(self._most // len(page.objects) + 1)

    def learn(self, piece: _Piece, page: Page) -> None:
        """How many folders a page holds; and where it goes further than was asked for, that this is known already."""
        if page.token is None:
            return
        here = bisect_right(self._folders, page.last) - bisect_left(self._folders, piece.begin)
        self._stride = _width(here)
        if piece is self._newest and self._rest and page.last >= self._rest.begin:
            rest = replace(self._rest, begin=_next(page.last))
            piece.until = rest.begin if rest.until is None else min(rest.begin, rest.until)
            self._rest = rest if rest.until is None or rest.begin < rest.until else None


def _width(folders: int) -> int:
    """How many folders to ask for at once, where so many are on a page."""
    return max(1, folders * 9 // 10)


def _spanned(folder: str, page: Page) -> int:
    """How many of the folders in one the page holds."""
    keys = (obj.key for obj in page.objects if obj.key.startswith(folder))
    return len({key[: key.find("/", len(folder)) + 1] for key in keys})


def _is_orderly(page: Page) -> bool:
    """Whether it tells where the next keys are: not so in a directory bucket, which has no order."""
    return len(page.objects) > 1 and page.is_sorted


def _next(key: str) -> str:
    """The key right after one."""
    return key + "\0"


def _end(folder: str) -> str:
    """The first key after all that begin with a folder's path: 0 is what comes after the slash."""
    return f"{folder[:-1]}0"
