"""`cncbops sandbox start | stop | status`, and a replay on what it leaves running."""

import socket
import subprocess
from collections.abc import Iterator

import pytest

from cncbops.faults.decoding import decode_fault
from cncbops.sandbox.clients import connect
from cncbops.sandbox.regions import REGIONS, ask_check
from tests.e2e.servers import Cncbops, client
from tests.e2e.warm import Warm

LAKE = "s3://cncb-data-lake-s3-john-bucket-sandbox/john-cncb-event-stream-s1/"
LISTENER = "cncb-replaying-events-john-listener"
FAULT_BUCKET = "cncb-resubmitting-faults-monitor-john-bucket-sandbox"
FAULTS = f"s3://{FAULT_BUCKET}/"


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory, warm: Warm) -> Iterator[Cncbops]:
    """The command in one home for the whole module, so that its sandbox is started once."""
    command = Cncbops(tmp_path_factory.mktemp("home"), warm=warm)
    yield command
    command.close()


class Sandbox:
    """The sandbox of the module, whatever order its tests come in: several workers share them."""

    def __init__(self, command: Cncbops) -> None:
        self._command, self._said = command, ""

    def start(self) -> str:
        """What `sandbox start` printed, which is run unless it runs already."""
        if not self._said:
            result = self._command("sandbox", "start")
            assert result.code == 0, result.err
            self._said = result.out
        return self._said

    def stop(self) -> None:
        self._said = ""
        assert self._command("sandbox", "stop").code == 0


@pytest.fixture(scope="module")
def sandbox(command: Cncbops) -> Iterator[Sandbox]:
    sandbox = Sandbox(command)
    try:
        yield sandbox
    finally:
        sandbox.stop()


@pytest.fixture
def started(sandbox: Sandbox) -> str:
    """The standard output of `sandbox start`."""
    return sandbox.start()


def exported(lines: str) -> dict[str, str]:
    return dict(line.removeprefix("export ").split("=", 1) for line in lines.splitlines() if line.startswith("export "))


def test_what_start_prints_lets_a_replay_reach_its_lake(command: Cncbops, started: str) -> None:
    done = command("replay", LAKE, "-f", LISTENER, "--execute", "-o", "json", env=exported(started))
    assert (done.code, done.json["status"]) == (0, "succeeded")
    assert done.json["events"]["delivered"] == done.json["events"]["matched"] == 300
    assert done.json["events"]["faults"] > 0  # the lake has them, and a replay leaves them out


def test_its_stage_is_all_that_need_be_typed(command: Cncbops, started: str) -> None:
    planned = command("replay", "--stage", "john", "--type", "thing-*", "-o", "json", env=exported(started)).json
    assert (planned["source"], planned["function"]) == ([LAKE], LISTENER)
    # Another test may have sent them.
    faults = command("resubmit", "--stage", "john", "--again", "-o", "json", env=exported(started)).json
    assert (faults["source"], list(faults["functions"])) == ([FAULTS], [LISTENER])


def test_the_lake_of_its_stage_is_counted_of_shards_that_its_lines_do_not_name(command: Cncbops, started: str) -> None:
    shown = command("lake", "stats", "--stage", "john", env=exported(started))
    assert (shown.code, "300 matched" in shown.out, "(none)  300" in shown.out) == (0, True, True), shown


def test_start_leaves_faults_that_the_function_can_be_sent_again(command: Cncbops, started: str) -> None:
    s3 = client("s3", exported(started)["AWS_ENDPOINT_URL"])
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket=FAULT_BUCKET)["Contents"]]
    decoded = [decode_fault(s3.get_object(Bucket=FAULT_BUCKET, Key=key)["Body"].read()) for key in keys]
    assert {fault.function for faults in decoded if isinstance(faults, list) for fault in faults} == {LISTENER}
    done = command("resubmit", FAULTS, "--execute", "-o", "json", env=exported(started))
    assert (done.code, done.json["status"], done.json["events"]["delivered"]) == (0, "succeeded", len(keys))


def test_status_tells_what_there_is_to_try(command: Cncbops, started: str) -> None:
    status = command("sandbox", "status", "-o", "json")
    assert (status.json["lake"], status.json["faults"], status.json["function"]) == (LAKE, FAULTS, LISTENER)
    assert (status.json["stage"], status.json["regions"]) == ("john", ["us-east-1", "us-west-2"])
    said = command("sandbox", "status").err
    typed = [line.strip() for line in said.splitlines() if line.startswith("  cncbops ")]
    assert typed == [
        "cncbops lake stats --stage john",
        "cncbops replay --stage john",
        "cncbops faults stats --stage john",
        "cncbops resubmit --stage john",
        "cncbops health us-east-1 us-west-2 --stage john",
        "cncbops failover status us-east-1 us-west-2 --stage john",
        "cncbops invalidate --stage john '/things/*'",
    ]


def test_start_leaves_a_cdn_that_status_names_and_regions_that_are_healthy(command: Cncbops, started: str) -> None:
    url = exported(started)["AWS_ENDPOINT_URL"]
    [distribution] = client("cloudfront", url).list_distributions()["DistributionList"]["Items"]
    assert command("sandbox", "status", "-o", "json").json["distribution"] == distribution["Id"]
    clients = connect(url)
    assert [ask_check(clients.of(region))[0] for region in REGIONS] == [200, 200]


def test_a_shell_takes_what_start_prints(started: str) -> None:
    shell = f'{started}\necho "$AWS_ENDPOINT_URL|${{AWS_PROFILE-unset}}"'
    said = subprocess.run(["sh", "-ec", shell], env={"AWS_PROFILE": "prod"}, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == f"{exported(started)['AWS_ENDPOINT_URL']}|unset"


def test_status_tells_of_a_running_sandbox_and_a_second_start_is_refused(command: Cncbops, started: str) -> None:
    status = command("sandbox", "status", "-o", "json")
    assert (status.code, status.json["status"]) == (0, "running")
    assert status.json["environment"] == exported(started)
    again = command("sandbox", "start")
    assert (again.code, again.out) == (1, "")
    assert "running already" in again.err
    assert "cncbops sandbox stop" in again.err


def test_stop_ends_it_and_what_it_keeps_is_private(command: Cncbops, sandbox: Sandbox, started: str) -> None:
    port = command("sandbox", "status", "-o", "json").json["port"]
    files = [path for path in command.state_dir.rglob("sandbox*") if path.is_file()]
    assert files
    assert {path.stat().st_mode & 0o077 for path in files} == {0}
    sandbox.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    stopped = command("sandbox", "status", "-o", "json")
    assert (stopped.code, stopped.json["status"]) == (4, "stopped")


def test_without_a_sandbox_stop_is_content_and_status_says_how_to_start_one(cncbops: Cncbops) -> None:
    assert cncbops("sandbox", "stop").code == 0
    status = cncbops("sandbox", "status")
    assert (status.code, status.out) == (4, "")
    assert "cncbops sandbox start" in status.err
