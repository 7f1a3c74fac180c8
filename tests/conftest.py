"""What all tests share: a machine with other work to do is no reason for a property to fail."""

from hypothesis import settings

settings.register_profile("cncbops", deadline=None, max_examples=45)
settings.load_profile("cncbops")
