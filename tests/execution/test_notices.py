"""Processes tell one another what they find out, whoever ends in the midst of it."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from multiprocessing.connection import Connection
from typing import Any

import pytest

from cncbops.execution.notices import NoticeBoard
from tests.execution.looks import PATIENCE_S

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no files in memory")

TELLERS, TURNS = 3, 200
FORKING: Any = multiprocessing.get_context("fork")


@contextmanager
def forked(does: Callable[..., None], *arguments: Any) -> Iterator[tuple[Any, Connection]]:
    """A process that does something with a connection to here and the board; ended at the latest with the `with`."""
    here, there = FORKING.Pipe()
    process = FORKING.Process(target=does, args=(there, *arguments), daemon=True)
    process.start()
    try:
        yield process, here
    finally:
        process.kill()
        process.join(PATIENCE_S)


def received(connection: Connection) -> Any:
    assert connection.poll(PATIENCE_S), "nothing came"
    return connection.recv()


def tell_and_hear(there: Connection, board: NoticeBoard, teller: int, all_told: Any) -> None:
    heard = list[Any]()
    for number in range(TURNS):
        with board.turn() as news:
            heard += news
            board.tell((teller, number, "x" * (number * 997 % 9_000)))
    all_told.wait(PATIENCE_S)
    with board.turn() as news:
        heard += news
    there.send(heard)


def test_each_hears_once_and_in_order_what_the_others_tell() -> None:
    board, all_told = NoticeBoard(), FORKING.Barrier(TELLERS)
    first, second, third = (forked(tell_and_hear, board, teller, all_told) for teller in range(TELLERS))
    with first as (_, one), second as (_, two), third as (_, three):
        heard = [received(each) for each in (one, two, three)]
    with board.turn() as told:
        assert sorted(each[:2] for each in told) == [*product(range(TELLERS), range(TURNS))]
        for teller in range(TELLERS):
            assert heard[teller] == [each for each in told if each[0] != teller]
    with board.turn() as news:
        assert news == []


def test_a_python_without_files_in_memory_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as one that was built where the C library was older."""
    monkeypatch.delattr(os, "memfd_create")
    assert NoticeBoard.of_this_system() is None


def hear(there: Connection, board: NoticeBoard) -> None:
    there.recv()
    with board.turn() as news:
        there.send(list(news))


def hold(there: Connection, board: NoticeBoard) -> None:
    with board.turn():
        board.tell("told in time")
        os.pwrite(board._file, b"half of a noti", board._end)  # and no more
        there.send("in turn")
        there.recv()


def test_who_is_killed_in_its_turn_holds_up_nobody_and_what_it_did_not_end_is_no_notice() -> None:
    board = NoticeBoard()
    with forked(hold, board) as (holder, held), forked(hear, board) as (_, heard):
        assert received(held) == "in turn"
        os.kill(holder.pid, signal.SIGKILL)
        with board.turn() as news:
            assert news == ["told in time"]
            board.tell("told behind it")
        heard.send("now")
        assert received(heard) == ["told in time", "told behind it"]
