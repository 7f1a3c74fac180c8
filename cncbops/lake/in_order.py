"""Calls made several at a time, ahead of what is taken, and what they found in the order it belongs.

A call's answer may say what else to ask in its place, before what was next in line: so a tree is listed
of which nobody knows the branches. The line is only touched in the thread that takes; others make calls.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from typing import Any, ClassVar

from cncbops.lake.objects import LakeObject


def most_held(at_once: int) -> int:
    """Answers that wait or are asked for, at most, but for what is taken next.

    With 16 calls at a time 24, which is 15 MB, as a page has a thousand objects.
    """
    return at_once * 3 // 2


def nothing() -> None:
    """What is to be done before threads begin, for those whom they do not concern."""


class Call(ABC):
    """Something to ask, and what to make of the answer."""

    is_alone: ClassVar[bool] = True
    """Whether nothing else is asked with it."""

    @abstractmethod
    def ask(self) -> Any:
        """Find out, in some thread."""

    def submitted(self, submit: "Submit") -> Future[Any]:
        """Have it asked; it may have been already, and others that will be wanted may be asked with it."""
        return submit(self.ask)

    @abstractmethod
    def answer(self, found: Any) -> "Iterator[Item]":
        """What stands in the call's place, lazily, told in the thread that takes."""


Item = list[LakeObject] | Call

Submit = Callable[[Callable[[], Any]], Future[Any]]

Items = Generator[Item, None, Item | None]
"""What it returns is the last of them, and stands in its place: so calls that each answer with another, page after
page, do not pile up."""


def in_order(items: Iterator[Item], at_once: int, before_threads: Callable[[], None] = nothing) -> Iterator[LakeObject]:
    """The objects among `items` and in all answers, in order; with up to `at_once` calls at a time.

    With 1 nothing is asked before its turn. Else the calls ahead double with each answer that was taken, so
    what ends soon costs little more: the first, if it is alone, is asked by who takes. An error comes where the objects
    would have.
    """
    if at_once == 1:
        yield from _one_by_one(items)
        return
    with closing(_Askers(at_once, before_threads)) as askers:
        line = _Line(items, askers, at_once)
        while (objects := line.take()) is not None:
            yield from objects


def _one_by_one(items: Iterator[Item]) -> Iterator[LakeObject]:
    waiting = [items]
    while waiting:
        item, is_last = _next_of(waiting[-1])
        if is_last:
            waiting.pop()
        if isinstance(item, Call):
            waiting.append(item.answer(item.ask()))
        elif item:
            yield from item


def _next_of(items: Iterator[Item]) -> tuple[Item | None, bool]:
    """The next item, and whether nothing comes after it; None where there was no more."""
    try:
        return next(items), False
    except StopIteration as end:
        return end.value, True


class _Further:
    """Items not looked at yet."""

    def __init__(self, items: Iterator[Item]) -> None:
        self.items = items


class _Askers:
    """Who makes calls: so many threads, begun once there is one for them."""

    def __init__(self, count: int, before: Callable[[], None]) -> None:
        self._count, self._before = count, before
        self._threads: ThreadPoolExecutor | None = None
        self._has_asked = False

    def begin(self, call: Call) -> Future[Any]:
        """Have a call made. The first, beside which nothing else can be asked, at once: most lakes are small."""
        is_first, self._has_asked = not self._has_asked, True
        return call.submitted(self._here if is_first and call.is_alone else self._submit)

    def _here(self, ask: Callable[[], Any]) -> Future[Any]:
        future = Future[Any]()
        try:
            future.set_result(ask())
        except Exception as error:  # noqa: BLE001  it is raised where the answer is taken
            future.set_exception(error)
        return future

    def _submit(self, ask: Callable[[], Any]) -> Future[Any]:
        if self._threads is None:
            self._before()
            self._threads = ThreadPoolExecutor(self._count, thread_name_prefix="list")
        return self._threads.submit(ask)

    def close(self) -> None:
        """Let calls under way come to their end, and no other begin."""
        if self._threads:
            self._threads.shutdown(wait=True, cancel_futures=True)


class _Asked:
    """A call under way."""

    def __init__(self, call: Call, askers: _Askers) -> None:
        self._call = call
        self.future = askers.begin(call)

    @property
    def is_answered(self) -> bool:
        return self.future.done() and self.future.exception() is None

    def answer(self) -> _Further:
        """Raises what the call raised."""
        return _Further(self._call.answer(self.future.result()))


class _Line:
    """What is to come, in order."""

    def __init__(self, items: Iterator[Item], askers: _Askers, at_once: int) -> None:
        self._entries: list[list[LakeObject] | _Asked | _Further] = [_Further(items)]
        self._askers, self._at_once = askers, at_once
        self._taken = 0

    def take(self) -> list[LakeObject] | None:
        """The next objects; None at the end."""
        self._look_ahead()
        while self._entries:
            match self._entries[0]:
                case list(objects):
                    self._taken += 1
                    del self._entries[0]
                    return objects
                case _Further():
                    self._advance(0)
                case _Asked(future=future) as asked if future.done():
                    self._open(0, asked)
                case _Asked(future=future):  # which may have ended just now
                    wait([future, *self._under_way()], return_when=FIRST_COMPLETED)
            self._look_ahead()
        return None

    def _look_ahead(self) -> None:
        """Put what the answers say in their place, then ask what is next in line, as far as that is allowed."""
        for at, entry in reversed(list(enumerate(self._entries))):
            if isinstance(entry, _Asked) and entry.is_answered:
                self._open(at, entry)
        while (following := self._next_to_ask()) is not None:
            self._advance(following)

    def _next_to_ask(self) -> int | None:
        """Where there is something to ask; None if there is nothing, or no room for an answer.

        No further ahead than calls may be under way: that many answers before it are still to be taken at most.
        What is further away than a call leaves room for it: where little was expected there may be much.
        """
        held = [not isinstance(entry, _Further) for entry in self._entries]
        if False not in held or sum(held) >= most_held(self._at_once) or len(self._under_way()) >= self._at_once:
            return None
        at = held.index(False)
        return at if at < min(2 ** min(self._taken, 8), self._at_once) else None

    def _open(self, at: int, asked: _Asked) -> None:
        """Its objects come into the line, so that they are counted; where it has none, it is taken with this."""
        self._entries[at] = asked.answer()
        if not isinstance(self._advance(at), list):
            self._taken += 1

    def _advance(self, at: int) -> Item | None:
        further = self._entries[at]
        assert isinstance(further, _Further)
        item, is_last = _next_of(further.items)
        if is_last:
            del self._entries[at]
        if isinstance(item, Call):
            self._entries.insert(at, _Asked(item, self._askers))
        elif item:
            self._entries.insert(at, item)
        return item or None

    def _under_way(self) -> list[Future[Any]]:
        asked = (entry.future for entry in self._entries if isinstance(entry, _Asked))
        return [future for future in asked if not future.done()]
