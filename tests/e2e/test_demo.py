"""`cncbops demo`: the README's first command."""

import re

import pytest

from tests.e2e.servers import Cncbops

pytestmark = pytest.mark.rehearsal


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the demo prints, which takes a quiet machine less than a minute."""
    home = tmp_path_factory.mktemp("home")
    (home / "cncbops").mkdir()  # as in a clone, where a folder of that name is not the installed package
    (home / "cncbops" / "__init__.py").touch()
    played = Cncbops(home)("demo", timeout_s=300)
    assert played.code == 0, played.out + played.err
    return played.out


def typed(told: str) -> list[str]:
    return [line.removeprefix("$ ") for line in told.splitlines() if line.startswith("$ ")]


def test_the_demo_breaks_a_view_and_repairs_it_twice(told: str) -> None:
    stale = [int(number) for number in re.findall(r"(\d+)(?: of \d+)? things (?:of the view )?are stale", told)]
    healthy, broken, mended, replayed, faulted, resubmitted = stale
    assert (healthy, replayed, resubmitted) == (0, 0, 0)
    assert broken == mended > 0
    assert faulted > 0


def test_the_demo_shows_the_commands_one_would_type(told: str) -> None:
    assert (typed(told)[0], typed(told)[-1]) == ("cncbops sandbox start", "cncbops sandbox stop")
    replays = [line for line in typed(told) if line.startswith("cncbops replay s3://")]
    assert replays == [replays[0], f"{replays[0]} --execute"]


def test_the_demo_looks_at_the_faults_and_resubmits_them_once(told: str) -> None:
    acts = [line for line in typed(told) if line.startswith(("cncbops faults", "cncbops resubmit"))]
    (bucket,) = set(re.findall(r"s3://\S+", " ".join(acts)))
    again = f"cncbops resubmit {bucket} --execute"
    assert acts == [f"cncbops faults stats {bucket}", f"cncbops resubmit {bucket}", again, again]
    published = int(re.findall(r"published (\d+) faults", told)[0])
    first, second = (said.partition("\n$ ")[0] for said in told.split(f"$ {again}\n")[1:])
    assert f"{published} delivered" in first
    assert f"{published} delivered" not in second
    assert "nothing" in second.lower()


def test_the_demo_takes_a_region_out_puts_it_back_and_clears_a_view_from_the_cdn(told: str) -> None:
    planned, out, back = [line for line in typed(told) if line.startswith("cncbops failover")]
    assert out.startswith(planned)
    assert "done: us-west-2 is out of service" in told.split(f"$ {out}\n")[1]
    assert "us-east-1 healthy, us-west-2 NOT healthy (check: 503" in told
    assert "done: us-west-2 is back in service" in told.split(f"$ {back}\n")[1]
    plan, run = [line for line in typed(told) if line.startswith("cncbops invalidate")]
    assert run == f"{plan} --execute --wait"
    assert "1 of 1 sent, 1 completed" in told.split(f"$ {run}\n")[1]


def test_what_commands_advise_in_the_demo_names_nothing_of_the_demo_s_own(told: str) -> None:
    assert "next: cncbops failover back us-west-2 --stage john" in told
    assert "Once the cause is mended: cncbops resubmit s3://" in told
    assert "--state-dir" not in told
    assert "cncbops-demo-" not in told
    assert "What was advised above was for this sandbox." in told.rpartition("cncbops sandbox stop")[2]
