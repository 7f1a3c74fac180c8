"""Threads that do tasks: a place's, and what is done ahead."""

import threading
from functools import partial

import pytest

from cncbops.pool import Pool
from tests.wire.scripted import soon


def test_there_are_as_many_threads_as_are_needed_and_no_more_than_the_most() -> None:
    pool, names, lock = Pool(3, "some"), set[str](), threading.Lock()

    def submit(at_a_time: int) -> None:
        """Have so many tasks done, all of them at once as far as there are threads."""
        met = threading.Barrier(min(at_a_time, 3) + 1)
        ended = threading.Semaphore(0)

        def task(meets: bool) -> None:
            with lock:
                names.add(threading.current_thread().name)
            if meets:
                met.wait(60)
            ended.release()

        for number in range(at_a_time):
            pool.submit(lambda meets=number < 3: task(meets))  # type: ignore[misc]
        met.wait(60)
        for _ in range(at_a_time):
            assert ended.acquire(timeout=60)

    submit(1)
    assert names == {"some_0"}
    assert soon(lambda: len(pool._free) == 1)
    submit(2)
    assert len(names) == 2
    submit(9)
    assert names == {"some_0", "some_1", "some_2"}
    pool.close()
    assert not names & {thread.name for thread in threading.enumerate()}


def test_what_waits_is_not_begun_any_more_and_what_is_under_way_is_waited_for() -> None:
    pool, begun, may_end, done = Pool(1, "one"), threading.Event(), threading.Event(), list[str]()

    def first() -> None:
        begun.set()
        may_end.wait(60)
        done.append("first")

    pool.submit(first)
    assert begun.wait(60)
    for _ in range(3):
        pool.submit(lambda: done.append("another"))
    closing = threading.Thread(target=pool.close)
    closing.start()
    assert soon(lambda: pool._tasks.qsize() == 1)  # what tells the thread to end
    may_end.set()
    closing.join()
    assert done == ["first"]


def test_a_thread_that_is_in_no_list_as_an_interrupt_came_between_holds_up_no_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        raise KeyboardInterrupt

    pool, held = Pool(2, "pool"), dict[threading.Thread, threading.Event]()

    def hold() -> None:
        held[threading.current_thread()] = go_on = threading.Event()
        go_on.wait(60)

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pool.submit(lambda: None)
    assert soon(lambda: bool(pool._free))
    pool.submit(hold)
    pool.submit(hold)
    assert soon(lambda: len(held) == 2)
    closing = threading.Thread(target=pool.close, daemon=True)
    closing.start()
    assert soon(lambda: pool._tasks.qsize() == 1)  # what tells a thread to end
    for thread in sorted(held, key=pool._threads.__contains__):  # the one in no list is the first to hear it
        held[thread].set()
        thread.join(60)
    closing.join(60)
    assert not closing.is_alive()


def test_tasks_that_many_threads_give_are_all_done_in_the_order_in_which_each_gave_them() -> None:
    pool, done = Pool(1, "one"), list[tuple[int, int]]()

    def give(giver: int) -> None:
        for number in range(500):
            pool.submit(partial(done.append, (giver, number)))

    givers = [threading.Thread(target=give, args=(giver,)) for giver in range(4)]
    for each in givers:
        each.start()
    for each in givers:
        each.join()
    assert soon(lambda: len(done) == 4 * 500)
    assert [[number for each, number in done if each == giver] for giver in range(4)] == [list(range(500))] * 4
    pool.close()


def test_tasks_that_many_threads_give_to_several_are_all_done_by_no_more_than_the_most() -> None:
    pool, done, names = Pool(3, "few"), list[int](), set[str]()

    def task(number: int) -> None:
        names.add(threading.current_thread().name)
        done.append(number)

    def give() -> None:
        for number in range(500):
            pool.submit(partial(task, number))

    givers = [threading.Thread(target=give) for _ in range(4)]
    for each in givers:
        each.start()
    for each in givers:
        each.join()
    assert soon(lambda: len(done) == 4 * 500)
    assert sorted(done) == sorted(4 * list(range(500)))
    assert names <= {"few_0", "few_1", "few_2"}
    assert len(pool._threads) <= 3
    pool.close()
