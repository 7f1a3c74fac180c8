"""What all tests share: a machine with other work to do is no reason for a property to fail."""

import sys
from pathlib import Path

from hypothesis import settings

# The benchmarks are no part of what is installed. Last, as the sources of the package lie there, too, and what is
# installed is to be tested.
sys.path.append(str(Path(__file__).parents[1]))

settings.register_profile("cncbops", deadline=None, max_examples=45)
settings.load_profile("cncbops")
