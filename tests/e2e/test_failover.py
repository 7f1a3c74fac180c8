"""`cncbops failover` in two regions of an embedded AWS: what is changed, what is refused, and how it goes on."""

import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from cncbops.sandbox.clients import Clients, connect
from cncbops.sandbox.functions import reconfigure
from cncbops.sandbox.regions import CHECK, REGIONS, seed_regions, turn
from cncbops.sandbox.server import running
from tests.e2e.servers import Cncbops, Microburst, Result

EAST, WEST = REGIONS
SECRET = "s3cret-of-the-check"
ENVIRONMENT = {"STAGE": "john", "SERVICE": "cncb-regional-failover-check", "API_KEY": SECRET}
OUT = ("failover", "out", EAST, "--stage", "john", "--other", WEST)
BACK = ("failover", "back", EAST, "--stage", "john")
# Never turns, so that what follows it does not end by itself.
DEAF = ("--alarm", f"{EAST}=no-such-alarm")
STATUS = ("failover", "status", *REGIONS, "--stage", "john")


@pytest.fixture(scope="module")
def east(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    """The clients of us-east-1, in a sandbox of two regions."""
    with running(tmp_path_factory.mktemp("sandbox")) as server:
        clients = connect(server.endpoint_url)
        seed_regions(clients)
        yield clients


@pytest.fixture
def in_service(east: Clients) -> Clients:
    """us-east-1, both regions in service, their check functions with a secret among their variables."""
    for region in (east, east.of(WEST)):
        if environment(region) != ENVIRONMENT:
            reconfigure(region, CHECK, ENVIRONMENT)
            turn(region, healthy=True)
    return east


Run = Callable[..., Result]


@pytest.fixture
def run(cncbops: Cncbops, in_service: Clients) -> Run:
    """The command, against the sandbox."""
    return lambda *arguments, **more: cncbops(
        *arguments, endpoint=more.pop("endpoint", in_service.endpoint_url), **more
    )


def configuration(clients: Clients) -> Mapping[str, Any]:
    return clients.lambda_.get_function_configuration(FunctionName=CHECK)


def environment(clients: Clients) -> Mapping[str, str]:
    return configuration(clients)["Environment"]["Variables"]


def started(cncbops: Cncbops, clients: Clients, until: str, *arguments: str) -> "subprocess.Popen[bytes]":
    """A failover that is under way, and has told of `until`."""
    process = cncbops.start(*arguments, endpoint=clients.endpoint_url)
    assert process.stderr
    for line in process.stderr:
        if until in line.decode():
            return process
    raise AssertionError(f"it ended without {until!r}")


def test_a_plan_shows_the_exact_change_and_who_carries_the_traffic_and_changes_nothing(
    run: Run, in_service: Clients, cncbops: Cncbops
) -> None:
    before = configuration(in_service)["RevisionId"]
    planned = run(*OUT, "-o", "json")
    assert planned.code == 0
    told = planned.json
    assert (told["status"], told["dry_run"], told["carried_by"], told["rule"]) == ("planned", True, [WEST], None)
    hidden = dict.fromkeys(ENVIRONMENT, "***")
    assert told["change"] == {
        "function": CHECK,
        "variable": "UNHEALTHY",
        "before": None,
        "after": "true",
        "needed": True,
        "environment": {"before": hidden, "after": {**hidden, "UNHEALTHY": "true"}},
    }
    assert [(each["kind"], each["shown"]) for each in told["followed"]] == [
        ("check", "200"),
        ("alarm", "OK"),
        ("health check", "healthy"),
    ]
    text = run(*OUT)
    assert (text.code, SECRET in text.out + text.err) == (0, False)
    assert "UNHEALTHY from not set to true; the other 3 variables stay as they are" in " ".join(text.out.split())
    assert "Add --execute" in text.out
    assert configuration(in_service)["RevisionId"] == before
    assert not cncbops.state_dir.exists()


def test_out_and_back_change_one_variable_and_are_followed_to_the_health_check(
    run: Run, in_service: Clients, cncbops: Cncbops
) -> None:
    taken = run(*OUT, "--reason", "bad deploy", "--execute", "-o", "json")
    assert (taken.code, taken.json["status"], taken.json["changed"]) == (0, "succeeded", True)
    assert environment(in_service) == {**ENVIRONMENT, "UNHEALTHY": "true"}
    assert environment(in_service.of(WEST)).get("UNHEALTHY") is None
    assert [(each["shown"], each["as_wanted"]) for each in taken.json["followed"]] == [
        ("503", True),
        ("ALARM", True),
        ("unhealthy", True),
    ]
    times = taken.json["result"]
    assert 0 < times["changed_s"] <= times["check_s"] <= times["alarm_s"] <= times["recovery_s"]
    (again,) = taken.json["next_steps"]
    assert again == f"cncbops failover back {EAST} --stage john --execute"

    stands = run(*STATUS, "-o", "json")
    assert (stands.code, stands.json["regions"][EAST]["verdict"]) == (4, "unhealthy")
    last = stands.json["last"][EAST]
    assert (last["command"], last["status"], last["why"]) == ("failover out", "succeeded", "bad deploy")

    put = run(*BACK, "--execute")
    assert put.code == 0, put.err
    assert environment(in_service) == ENVIRONMENT
    assert run(*STATUS, "-o", "json").code == 0

    shown = run("runs", "show", taken.json["run_id"], "-o", "json").json
    assert (shown["subject"], shown["arguments"]["why"]) == (EAST, "bad deploy")
    assert shown["sessions"][0]["summary"]["result"] == times
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in cncbops.state_dir.iterdir())


def test_back_restores_what_the_variable_held(run: Run, in_service: Clients) -> None:
    reconfigure(in_service, CHECK, {**ENVIRONMENT, "UNHEALTHY": "no"})
    assert run(*OUT, "--execute").code == 0
    assert environment(in_service)["UNHEALTHY"] == "true"
    assert run(*BACK, "--execute").code == 0
    assert environment(in_service) == {**ENVIRONMENT, "UNHEALTHY": "no"}


def test_back_without_a_ledger_gives_the_variable_the_books_value(run: Run, in_service: Clients) -> None:
    reconfigure(in_service, CHECK, {**ENVIRONMENT, "UNHEALTHY": "true"})
    assert run(*BACK, "-o", "json").json["change"]["after"] == "false"
    assert run(*BACK, "--execute").code == 0
    assert environment(in_service) == {**ENVIRONMENT, "UNHEALTHY": "false"}


def test_what_is_so_already_is_nothing_to_do(run: Run, in_service: Clients) -> None:
    before = configuration(in_service)["RevisionId"]
    planned = run(*BACK, "-o", "json")
    assert (planned.code, planned.json["status"], planned.json["change"]["needed"]) == (0, "nothing", False)
    assert run(*BACK, "--execute").code == 0
    assert configuration(in_service)["RevisionId"] == before


REFUSALS = [
    pytest.param((), "others-unknown", id="no-other-region"),
    pytest.param(("--other", "eu-west-1"), "others-unknown", id="nothing-known-of-the-other"),
    pytest.param(("--other", WEST), "last-healthy-region", id="the-other-is-unhealthy"),
]


@pytest.mark.parametrize(("others", "rule"), REFUSALS)
def test_the_last_region_known_to_be_healthy_stays_unless_it_is_forced(
    run: Run, in_service: Clients, others: Sequence[str], rule: str
) -> None:
    reconfigure(in_service.of(WEST), CHECK, {**ENVIRONMENT, "UNHEALTHY": "true"})
    take_out = ("failover", "out", EAST, "--stage", "john", *others)
    planned = run(*take_out, "-o", "json")
    assert (planned.code, planned.json["status"], planned.json["rule"]["name"]) == (1, "failed", rule)
    refused = run(*take_out, "--execute")
    assert (refused.code, refused.out) == (1, "")
    assert f"(rule {rule})" in refused.err
    assert "--force" in refused.err
    assert environment(in_service) == ENVIRONMENT


def test_an_override_names_the_rule_that_it_overrides(run: Run, in_service: Clients) -> None:
    forced = run("failover", "out", EAST, "--stage", "john", "--force", "--execute")
    assert forced.code == 0
    assert "--force overrides the rule others-unknown" in forced.err
    (row,) = run("runs", "ls", "-o", "json").json["runs"]
    assert "overrides others-unknown" in run("runs", "show", row["run_id"]).out
    assert environment(in_service)["UNHEALTHY"] == "true"


def test_an_interrupt_leaves_the_region_out_and_the_same_command_goes_on(
    run: Run, in_service: Clients, cncbops: Cncbops
) -> None:
    process = started(cncbops, in_service, "the change is made", *OUT, *DEAF, "--execute")
    process.send_signal(signal.SIGINT)
    interrupted = cncbops.finish(process)
    assert interrupted.code == 130
    typed = f"{EAST} --stage john --other {WEST} {' '.join(DEAF)} --execute"
    assert f"next: cncbops failover out {typed}" in interrupted.err
    assert f"next: cncbops failover back {typed.replace(f'--other {WEST} ', '')}" in interrupted.err
    assert environment(in_service) == {**ENVIRONMENT, "UNHEALTHY": "true"}
    (row,) = run("runs", "ls", "-o", "json").json["runs"]
    assert (row["command"], row["status"]) == ("failover out", "interrupted")

    before = configuration(in_service)["RevisionId"]
    went_on = run(*OUT, "--execute", "-o", "json")
    assert (went_on.code, went_on.json["status"], went_on.json["changed"]) == (0, "succeeded", False)
    assert configuration(in_service)["RevisionId"] == before
    assert run(*BACK, "--execute").code == 0
    assert environment(in_service) == ENVIRONMENT


def test_what_does_not_turn_in_time_is_told_and_can_be_gone_on_with(run: Run, in_service: Clients) -> None:
    stopped = run(*OUT, *DEAF, "--timeout", "1s", "--execute", "-o", "json")
    assert (stopped.code, stopped.json["status"]) == (5, "stopped")
    assert "alarm no-such-alarm: there is no such alarm" in stopped.json["reason"]
    assert environment(in_service)["UNHEALTHY"] == "true"
    assert [step.split()[2] for step in stopped.json["next_steps"]] == ["out", "back"]


def test_it_can_be_stopped_from_another_terminal(run: Run, in_service: Clients, cncbops: Cncbops) -> None:
    process = started(cncbops, in_service, "the change is made", *OUT, *DEAF, "--execute")
    (row,) = run("runs", "ls", "-o", "json").json["runs"]
    assert run("runs", "stop", row["run_id"]).code == 0
    ended = cncbops.finish(process)
    assert (ended.code, "stopped by" in ended.err) == (5, True)


Faults = Callable[[str, Sequence[Mapping[str, Any]]], Microburst]
UPDATE = {"service": "lambda", "operation": "UpdateFunctionConfiguration"}


def test_a_change_that_lambda_refuses_leaves_all_as_it_was(run: Run, in_service: Clients, microburst: Faults) -> None:
    denied = {"error": {"code": "AccessDeniedException", "status": 403}}
    proxy = microburst(in_service.endpoint_url, [{**UPDATE, **denied}])
    refused = run(*OUT, "--execute", endpoint=proxy.url)
    assert (refused.code, "lambda:UpdateFunctionConfiguration" in refused.err) == (1, True)
    assert environment(in_service) == ENVIRONMENT
    (row,) = run("runs", "ls", "-o", "json").json["runs"]
    assert row["status"] == "failed"


def test_regions_of_a_file_need_not_be_typed(run: Run, in_service: Clients, cncbops: Cncbops) -> None:
    written = "".join(f'[health.{region}]\ncheck_functions = ["{CHECK}"]\n' for region in REGIONS)
    Path(cncbops.home, "cncbops.toml").write_text(written)
    planned = run("failover", "out", EAST, "--stage", "john", "-o", "json")
    assert (planned.code, planned.json["carried_by"]) == (0, [WEST])


def test_without_a_check_function_it_says_how_to_name_one(run: Run) -> None:
    nameless = run("failover", "out", EAST, "--alarm", "a")
    assert (nameless.code, nameless.out) == (2, "")
    assert "--check-function" in nameless.err
