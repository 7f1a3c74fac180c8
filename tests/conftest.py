"""What all tests share: a machine with other work to do is no reason for a property to fail, nor to wait idly."""

import os

import pytest
from hypothesis import settings

settings.register_profile("cncbops", deadline=None, max_examples=45)
settings.load_profile("cncbops")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are processors: end-to-end tests wait for servers a third of their time."""
    return (os.cpu_count() or 1) + 1
