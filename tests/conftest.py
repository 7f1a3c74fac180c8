"""What all tests share: a machine with other work to do is no reason for a property to fail."""

import gc
import os
import sys
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings

# The benchmarks are no part of what is installed. Last, as the sources of the package lie there, too, and what is
# installed is to be tested.
sys.path.append(str(Path(__file__).parents[1]))

TESTS = Path(__file__).parent
SHARING_A_SANDBOX = TESTS / "sandbox", TESTS / "e2e/test_sandbox_command.py"
MEMORY, ROOM_BYTES = Path("/dev/shm"), 2 * 1024**3

# Few examples in each run, as there are many runs; `--hypothesis-profile=thorough` comes after this, and before tests
# are collected: one that needs more than others takes so many times what `settings()` says then.
settings.register_profile("cncbops", deadline=None, max_examples=10)
settings.register_profile("thorough", deadline=None, max_examples=60)
settings.load_profile("cncbops")


def pytest_configure() -> None:
    """Have tests write to memory where it has room and runs programs: a ledger waits for a disk 50 ms."""
    with suppress(OSError):
        shared = os.statvfs(MEMORY)
        if not shared.f_flag & os.ST_NOEXEC and shared.f_bavail * shared.f_frsize >= ROOM_BYTES:
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """As many workers for `-n auto` as are said, else two for each processor.

    Most tests wait for a command, or for a server of their own: on two processors four workers take a fifth less time.
    """
    workers = yield
    return workers if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS") else 2 * workers


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests whose module shares a sandbox come first, so that one worker has all of a module.

    To start one takes 9 s of a processor, and of what comes last each takes some that has nothing left to do.
    """
    items.sort(key=lambda item: not any(map(item.path.is_relative_to, SHARING_A_SANDBOX)))


def pytest_collection_finish() -> None:
    """Have botocore keep what it works out, and leave what was imported out of searches for garbage, in each worker."""
    from tests import botocore_once

    botocore_once.keep()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Rewrite the asserts of a worker's share of the files, which each worker would do for all of them: 6 s of a core.

    What is imported now stays, so no garbage is searched for. A file that is not yet kept when it is wanted is
    rewritten there and then; so are all, if pytest moves this.
    """
    if not (share := getattr(session.config, "workerinput", None)):
        return
    gc.disable()
    with suppress(ImportError, AttributeError):
        from _pytest.assertion import rewrite

        state = session.config.stash[rewrite.assertstate_key]
        number, workers = int(share["workerid"].removeprefix("gw")), share["workercount"]
        for path in sorted(TESTS.rglob("test_*.py"))[number::workers]:
            kept = rewrite.get_cache_dir(path) / f"{path.stem}{rewrite.PYC_TAIL}"
            if rewrite._read_pyc(path, kept) is None and rewrite.try_makedirs(kept.parent):
                source, code = rewrite._rewrite_test(path, session.config)
                rewrite._write_pyc(state, code, source, kept)
