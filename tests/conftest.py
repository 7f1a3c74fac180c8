"""What all tests share: a machine with other work to do is no reason for a property to fail."""

import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

# The benchmarks are no part of what is installed. Last, as the sources of the package lie there, too, and what is
# installed is to be tested.
sys.path.append(str(Path(__file__).parents[1]))

settings.register_profile("cncbops", deadline=None, max_examples=45)
settings.load_profile("cncbops")


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """As many workers for `-n auto` as are said, else two for each processor.

    Most tests wait for a command, or for a server of their own: on two processors four workers take 4:12, two 5:15.
    """
    workers = yield
    return workers if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS") else 2 * workers
