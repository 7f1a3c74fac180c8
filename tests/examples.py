"""How many examples a property is tried with: the profile in use says it for all of them (see `conftest.py`)."""

from hypothesis import settings


def more_examples(times: int) -> settings:
    """So many times as many, for a property of which few of them meet what it is about."""
    return settings(max_examples=times * settings().max_examples)
