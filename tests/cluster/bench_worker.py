"""What a worker loads first to be one at which tests are done: its stations do as they are told."""

from cncbops.execution import crew
from tests.execution.bench import Bench

crew.Station = Bench  # type: ignore[misc,assignment]
