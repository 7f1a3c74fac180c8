"""`cncbops demo`: the README's first command."""

import re

import pytest

from tests.e2e.servers import Cncbops


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the demo prints; it has a minute."""
    home = tmp_path_factory.mktemp("home")
    (home / "cncbops").mkdir()  # as in a clone, where a folder of that name is not the installed package
    (home / "cncbops" / "__init__.py").touch()
    played = Cncbops(home)("demo", timeout_s=60)
    assert played.code == 0, played.out + played.err
    return played.out


def test_the_demo_breaks_a_view_and_repairs_it(told: str) -> None:
    stale = [int(number) for number in re.findall(r"(\d+)(?: of \d+)? things (?:of the view )?are stale", told)]
    healthy, broken, mended, replayed = stale
    assert (healthy, replayed) == (0, 0)
    assert broken == mended > 0


def test_the_demo_shows_the_commands_one_would_type(told: str) -> None:
    typed = [line.removeprefix("$ ") for line in told.splitlines() if line.startswith("$ ")]
    replays = [line for line in typed if line.startswith("cncbops replay s3://")]
    assert (typed[0], typed[-1]) == ("cncbops sandbox start", "cncbops sandbox stop")
    assert [line.endswith(" --execute") for line in replays] == [False, True]
    assert replays[1] == f"{replays[0]} --execute"
