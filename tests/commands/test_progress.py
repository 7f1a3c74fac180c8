"""The line that is drawn while a run is under way."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from cncbops.delivery.pace import Pace
from cncbops.session.journal import Journal
from cncbops.session.keeper import NoKeeper
from commands._progress import _fitted, _Line

_PARTS = st.lists(st.text("ab1,", min_size=1, max_size=12), min_size=1, max_size=9)


@given(_PARTS, st.integers(1, 80))
def test_parts_are_shown_whole_and_as_many_as_fit(parts: list[str], width: int) -> None:
    shown = _fitted(parts, width).split("  ")
    assert shown == parts[: len(shown)]
    assert len(shown) == 1 or len("  ".join(shown)) <= width
    assert len(shown) == len(parts) or len("  ".join(parts[: len(shown) + 1])) > width


def test_what_is_in_flight_is_told_unless_nothing_shall_be() -> None:
    pace = Pace(4, None)
    request = SimpleNamespace(limit=None)
    sending = SimpleNamespace(journal=Journal(NoKeeper()), pace=pace, request=request, workers_now=None, looks=False)
    line = _Line(sending, None, executes=True)  # type: ignore[arg-type]  # as much of one as a line tells
    assert "0 of 4 in flight" in line._parts()
    pace.set_paused(True)
    told = line._parts()
    assert told[0] == "paused"
    assert not [part for part in told if "in flight" in part]
