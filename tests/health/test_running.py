"""Rounds: everything side by side, an end at the deadline, and nothing that hangs begun again."""

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from cncbops.config.files import read_config
from cncbops.config.watched import watched_in
from cncbops.errors import CannotRun
from cncbops.health.access import Accesses, RegionAccess
from cncbops.health.finding import Finding, Status
from cncbops.health.lane import WIDTH, Lane
from cncbops.health.registry import Ask, Probe, probes_for
from cncbops.health.running import Region, Round, Rounds
from cncbops.stacks import Stacks
from cncbops.watched import Watched
from tests.e2e.far_side_health import DENIED, HANG_UP, HealthSide, checked, stack

SOON_S, LATER_S = 1.0, 2.0
LONG_S = 20.0


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """Lets go at the end of the test what has waited for it."""
    event = threading.Event()
    yield event
    event.set()


def ok(_: RegionAccess, subject: str) -> Sequence[Finding]:
    return [Finding(subject, Status.ok, "well")]


def waiting(held: threading.Event) -> Ask:
    def ask(access: RegionAccess, subject: str) -> Sequence[Finding]:
        held.wait()
        return ok(access, subject)

    return ask


def rounds(accesses: Accesses, asks: dict[str, Ask], *regions: Region, timeout_s: float = LONG_S) -> Rounds:
    """Rounds of probes of the fields of `Watched` that `asks` names."""
    probes = [Probe(f"{field} probe", field, ask) for field, ask in asks.items()]
    return Rounds(accesses, regions, probes, timeout_s)


def told(found: Round) -> list[tuple[str, str, str, str]]:
    return [(row.region, row.finding.subject, row.finding.status, row.finding.why) for row in found.rows]


def test_all_that_is_watched_is_asked_for_once_in_the_order_of_regions_probes_and_names(accesses: Accesses) -> None:
    west = Region("us-west-2", Watched(tables=("b", "a", "b"), streams=("s",)))
    east = Region("us-east-1", Watched(tables=("c",)))
    found = rounds(accesses, {"tables": ok, "streams": ok}, west, east).run()
    assert [(row.region, row.probe, row.finding.subject) for row in found.rows] == [
        ("us-west-2", "tables probe", "a"),
        ("us-west-2", "tables probe", "b"),
        ("us-west-2", "streams probe", "s"),
        ("us-east-1", "tables probe", "c"),
    ]
    assert found.watched == {"us-west-2": Watched(tables=("b", "a"), streams=("s",)), "us-east-1": east.known}


def test_everything_is_under_way_at_once(accesses: Accesses) -> None:
    meeting = threading.Barrier(6)

    def meet(access: RegionAccess, subject: str) -> Sequence[Finding]:
        meeting.wait(LONG_S)
        return ok(access, subject)

    known = Watched(tables=("a", "b"), streams=("s",))
    found = rounds(accesses, {"tables": meet, "streams": meet}, Region("us-east-1", known), Region("us-west-2", known))
    assert {row.finding.status for row in found.run().rows} == {Status.ok}


def test_no_probe_of_any_region_waits_for_the_answer_to_another(
    accesses: Accesses, side: HealthSide, tmp_path: Path
) -> None:
    side.on("check", checked(200, statusCode=200))
    probes, names = probes_for(executes=True), ("us-east-1", "us-west-2")
    config = tmp_path / "cncbops.toml"
    config.write_text("".join(map(side.toml, names)))
    regions = [Region(name, watched) for name, watched in watched_in(read_config(tmp_path, tmp_path, config)).items()]
    looked = Rounds(accesses, regions, probes, LONG_S)
    assert {row.finding.status for row in looked.run().rows} == {Status.ok}  # and now all clients are made
    side.gather(len(probes) * len(names))
    assert {row.finding.status for row in looked.run().rows} == {Status.ok}


def test_what_hangs_is_unknown_at_the_deadline_and_holds_up_nothing(accesses: Accesses, held: threading.Event) -> None:
    known = Watched(tables=tuple(f"t{number}" for number in range(2 * WIDTH)), streams=("s",))
    looked = rounds(accesses, {"tables": waiting(held), "streams": ok}, Region("us-east-1", known), timeout_s=SOON_S)
    found = looked.run()
    assert told(found)[-1] == ("us-east-1", "s", "ok", "well")
    assert {line[2:] for line in told(found)[:-1]} == {("unknown", "no answer within 1 s")}
    assert len(found.rows) == 2 * WIDTH + 1


def test_what_still_hangs_is_not_begun_again(accesses: Accesses, held: threading.Event) -> None:
    begun: list[str] = []

    def ask(access: RegionAccess, subject: str) -> Sequence[Finding]:
        begun.append(subject)
        if subject == "hangs":
            held.wait()
        return ok(access, subject)

    looked = rounds(accesses, {"tables": ask}, Region("us-east-1", Watched(tables=("hangs", "well"))), timeout_s=SOON_S)
    for _ in range(3):
        assert [line[2] for line in told(looked.run())] == ["unknown", "ok"]
    assert sorted(begun) == ["hangs", "well", "well", "well"]


def test_a_hung_probe_is_asked_again_once_it_came_back(accesses: Accesses, held: threading.Event) -> None:
    returned = threading.Event()

    def ask(access: RegionAccess, subject: str) -> Sequence[Finding]:
        held.wait()
        return ok(access, subject)

    looked = rounds(accesses, {"tables": ask}, Region("us-east-1", Watched(tables=("t",))), timeout_s=SOON_S)
    assert told(looked.run())[0][2] == "unknown"
    held.set()
    assert eventually(lambda: told(looked.run())[0][2] == "ok", returned)


def eventually(condition: Callable[[], bool], pause: threading.Event) -> bool:
    """Whether a condition comes to hold."""
    return any(condition() or pause.wait(0.01) for _ in range(1000))


def test_what_is_refused_is_unknown_and_what_does_not_exist_fails(accesses: Accesses, side: HealthSide) -> None:
    def refuse(_: RegionAccess, subject: str) -> Sequence[Finding]:
        raise CannotRun(f"{subject} is refused", "Ask for it")

    def read(access: RegionAccess, subject: str) -> Sequence[Finding]:
        access.client("dynamodb").get_item(TableName=subject, Key={"id": {"S": "1"}})
        return ok(access, subject)

    side.on("dynamodb", DENIED)
    found = rounds(
        accesses, {"streams": refuse, "tables": read}, Region("us-east-1", Watched(tables=("t1",), streams=("s",)))
    ).run()
    assert told(found) == [
        ("us-east-1", "s", "unknown", "s is refused. Ask for it"),
        ("us-east-1", "t1", "unknown", "access denied. Ask for dynamodb:GetItem, or use --role-arn"),
    ]


def test_a_defect_of_a_probe_is_raised_after_the_others_are_done(accesses: Accesses) -> None:
    done: list[str] = []

    def ask(access: RegionAccess, subject: str) -> Sequence[Finding]:
        if subject == "broken":
            raise ZeroDivisionError("a defect")
        done.append(subject)
        return ok(access, subject)

    looked = rounds(accesses, {"tables": ask}, Region("us-east-1", Watched(tables=("broken", "a", "b"))))
    with pytest.raises(ZeroDivisionError, match="a defect"):
        looked.run()
    assert sorted(done) == ["a", "b"]


def test_names_that_are_found_are_asked_for_beside_those_that_are_known(accesses: Accesses) -> None:
    looks = (lambda _: Watched(tables=("t2", "t1")), lambda _: Watched(streams=("s",)), lambda _: Watched())
    region = Region("us-east-1", Watched(tables=("t1",)), looks, "stage john")
    found = rounds(accesses, {"tables": ok, "streams": ok}, region).run()
    assert [line[1] for line in told(found)] == ["t1", "t2", "s"]
    assert found.watched["us-east-1"] == Watched(tables=("t1", "t2"), streams=("s",))
    assert found.nameless == frozenset()


def test_names_that_are_never_told_spoil_only_their_region(
    accesses: Accesses, side: HealthSide, held: threading.Event
) -> None:
    def look(stacks: Stacks) -> Watched:
        if stacks.region == "us-west-2":
            held.wait()
        return Watched(tables=tuple(stacks.outputs("any") or ()))

    side.on("cloudformation", stack(found="x"))
    regions = [
        Region(name, Watched(tables=("known",)), (look, look), "stage john") for name in ("us-east-1", "us-west-2")
    ]
    found = rounds(accesses, {"tables": ok}, *regions, timeout_s=LATER_S).run()
    assert told(found) == [
        ("us-east-1", "found", "ok", "well"),
        ("us-east-1", "known", "ok", "well"),
        ("us-west-2", "stage john", "unknown", "no answer within 2 s"),
        ("us-west-2", "known", "ok", "well"),
    ]


def test_a_stage_without_stacks_is_told(accesses: Accesses) -> None:
    region = Region("us-east-1", Watched(), (lambda _: Watched(), lambda _: Watched()), "stage john")
    found = rounds(accesses, {"tables": ok}, region).run()
    assert told(found) == [
        ("us-east-1", "stage john", "unknown", "stage john: no stack in us-east-1 tells what to look at")
    ]
    assert found.nameless == {"us-east-1"}


def test_stacks_that_cannot_be_looked_at_are_told_in_the_words_of_a_probe(accesses: Accesses, side: HealthSide) -> None:
    def look(stacks: Stacks) -> Watched:
        return Watched(tables=tuple(stacks.outputs("any") or ()))

    side.on("cloudformation", HANG_UP, "us-east-1")
    side.on("cloudformation", DENIED, "us-west-2")
    regions = [Region(name, Watched(), (look, look), "stage john") for name in ("us-east-1", "us-west-2")]
    found = rounds(accesses, {"tables": ok}, *regions).run()
    assert [(row.probe, row.region) for row in found.rows] == [("names", "us-east-1"), ("names", "us-west-2")]
    east, west = (row.finding.why for row in found.rows)
    cannot = "stage john: its stacks do not tell what to look at: "
    assert east.startswith(f"{cannot}Connection was closed")
    assert west == f"{cannot}access denied. Ask for cloudformation:DescribeStacks, or use --role-arn"
    assert found.nameless == frozenset()


def test_names_alone_can_be_looked_for(accesses: Accesses) -> None:
    region = Region("us-east-1", Watched(tables=("t1",)), (lambda _: Watched(alarms=("a",)),), "stage john")
    found = rounds(accesses, {}, region).run()
    assert (found.rows, found.watched) == ([], {"us-east-1": Watched(tables=("t1",), alarms=("a",))})


def test_an_alarm_found_twice_is_one_row(accesses: Accesses) -> None:
    def ask(_: RegionAccess, __: str) -> Sequence[Finding]:
        return [Finding("john-5xx", Status.ok, "OK")]

    found = rounds(accesses, {"alarms": ask}, Region("us-east-1", Watched(alarms=("john-5xx", "john-*")))).run()
    assert [line[1] for line in told(found)] == ["john-5xx"]


def test_a_lane_does_its_work_in_order_a_few_at_a_time(held: threading.Event) -> None:
    lane, begun, full = Lane(), list[int](), threading.Semaphore(0)

    def work(number: int) -> None:
        begun.append(number)
        full.release()
        held.wait()

    for number in range(WIDTH + 3):
        lane.add(partial(work, number))
    for _ in range(WIDTH):
        assert full.acquire(timeout=LONG_S)
    assert sorted(begun) == list(range(WIDTH))
    lane.clear()
    held.set()
    lane.add(partial(work, 99))
    assert full.acquire(timeout=LONG_S)
    assert sorted(begun) == [*range(WIDTH), 99]
