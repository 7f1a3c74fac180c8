"""Where events are read from: buckets, files, folders, lists; and options that come from the environment."""

from pathlib import Path

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import FarSide
from tests.e2e.replays import Replays, checked
from tests.e2e.servers import Cncbops

EVENTS = [event for _, event in lakes.make_events(40, 5, seed=2)]
BODIES = [lakes.join(EVENTS[start : start + 10]) for start in range(0, 40, 10)]


@pytest.fixture
def lake(far_side: FarSide) -> FarSide:
    """Forty events in four objects: a/1, a/2 and b/1 of one bucket, one of another."""
    far_side.add_bucket("lake", {"a/1": BODIES[0], "a/2": BODIES[1], "b/1": BODIES[2]})
    far_side.add_bucket("other", {"c": BODIES[3]})
    far_side.add_function("fn")
    return far_side


def sent(far_side: FarSide) -> list[bytes]:
    return sorted(far_side.delivered_data())


@pytest.mark.parametrize(
    ("sources", "events"),
    [
        (["s3://other/c", "s3://lake/b/"], EVENTS[20:]),
        (["s3://lake/a/", "s3://lake/", "s3://lake/a/2", "s3://lake/"], EVENTS[:30]),
        (["s3://lake/a"], EVENTS[:20]),
    ],
    ids=["two buckets", "overlapping", "a prefix that ends within a name"],
)
def test_every_source_is_read_and_what_two_share_is_sent_once(
    sources: list[str], events: list[bytes], lake: FarSide, replays: Replays
) -> None:
    run = replays.execute(sources=sources)
    assert sent(lake) == sorted(events)
    assert run.events["delivered"] == len(events)


@pytest.mark.parametrize("options", [["-b", "lake", "-p", "a/"], ["--bucket", "lake"]])
def test_a_source_may_be_told_as_bucket_and_prefix(options: list[str], lake: FarSide, replays: Replays) -> None:
    run = replays.execute(*options, sources=[])
    events = {"a/": EVENTS[:20], "lake": EVENTS[:30]}[options[-1]]
    assert sent(lake) == sorted(events)
    assert run.summary["source"] == [f"s3://lake/{options[3] if len(options) > 2 else ''}"]


def test_sources_may_be_listed_on_standard_input(lake: FarSide, replays: Replays, tmp_path: Path) -> None:
    (tmp_path / "local").write_bytes(BODIES[3])
    listed = f"s3://lake/a/1\n\n  {tmp_path / 'local'}\r\ns3://lake/a/1\n".encode()
    run = replays.execute(sources=["-", "s3://lake/b/"], stdin=listed)
    assert sent(lake) == sorted(EVENTS[:10] + EVENTS[20:])
    assert run.summary["source"] == ["s3://lake/a/1", str(tmp_path / "local"), "s3://lake/b/"]


def test_local_files_and_folders_are_read_without_s3(lake: FarSide, replays: Replays, tmp_path: Path) -> None:
    folder = tmp_path / "a lake" / "50%"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "one").write_bytes(BODIES[0])
    (folder / "deep" / "er" / "two").write_bytes(BODIES[1])
    (tmp_path / "three.json").write_bytes(BODIES[2])
    run = replays.execute(sources=[f"file://{tmp_path}/a%20lake/50%25", "three.json"])
    assert sent(lake) == sorted(EVENTS[:30])
    assert run.summary["objects"].items() >= {"listed": 3, "read": 3}.items()
    assert not [request for request in lake.requests if "/lake" in request]


def test_every_option_may_come_from_the_environment(lake: FarSide, cncbops: Cncbops) -> None:
    env = {
        "CNCBOPS_BUCKET": "lake",
        "CNCBOPS_PREFIX": "a/",
        "CNCBOPS_FUNCTION": "fn:live",
        "CNCBOPS_TYPE": "thing-created thing-updated",
        "CNCBOPS_BATCH_SIZE": "3",
        "CNCBOPS_CONCURRENCY": "1",
        "CNCBOPS_ASYNC": "true",
        "CNCBOPS_OUTPUT": "json",
        "CNCBOPS_EXECUTE": "1",
        "CNCBOPS_ENDPOINT_URL": lake.url,
        "CNCBOPS_REGION": "us-east-1",
        "AWS_REGION": None,
    }
    run = checked(cncbops("replay", env=env))
    lake.wait_until(lambda: lake.in_flight == 0)
    chosen = [event for event in EVENTS[:20] if b"thing-deleted" not in event]
    assert sent(lake) == sorted(chosen)
    sizes = {len(call.records) for call in lake.invocations if call.records}
    assert (max(sizes), run.summary["invocation"], run.summary["function"]) == (3, "async", "fn:live")


def test_an_option_wins_over_the_environment(lake: FarSide, replays: Replays) -> None:
    env = {"CNCBOPS_EXECUTE": "1", "CNCBOPS_LIMIT": "3", "CNCBOPS_BATCH_SIZE": "1", "CNCBOPS_FUNCTION": "none"}
    run = replays.execute("--limit", "5", env=env)
    assert (run.events["delivered"], run.summary["invocations"]["total"]) == (5, 5)
    plan = replays.text("--dry-run", "-o", "json", env=env)
    assert (plan.json["dry_run"], plan.json["events"]["matched"]) == (True, 3)
    assert len(lake.delivered()) == 5


def test_the_environment_of_aws_keeps_its_meaning(lake: FarSide, cncbops: Cncbops) -> None:
    env = dict.fromkeys(("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_LAMBDA"), lake.url)
    run = checked(cncbops("replay", "s3://lake/a/1", "-f", "fn", "--execute", "-o", "json", env=env))
    assert run.events["delivered"] == 10
