"""The sandbox's stacks: what they are asked for is what there is."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from cncbops.sandbox.clients import Clients, connect
from cncbops.sandbox.seed import SandboxContents, seed
from cncbops.sandbox.server import running
from cncbops.sandbox.stacks import create_stack, outputs, stack_name


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    with running(tmp_path_factory.mktemp("sandbox")) as server:
        yield connect(server.endpoint_url)


@pytest.fixture(scope="module")
def contents(clients: Clients) -> SandboxContents:
    return seed(clients)


def test_the_stacks_of_the_lake_and_of_the_faults_tell_what_was_seeded(
    clients: Clients, contents: SandboxContents
) -> None:
    told = {"streamName": contents.stream, "streamArn": contents.stream_arn}
    assert outputs(clients, "cncb-event-stream") == told
    assert outputs(clients, "cncb-data-lake-s3") == {"DataLakeBucketName": contents.bucket}
    assert outputs(clients, "cncb-resubmitting-faults-monitor") == {"BucketName": contents.fault_bucket}
    assert outputs(clients, "cncb-replaying-events") == {}
    assert stack_name("cncb-replaying-events") == "cncb-replaying-events-john"


def test_a_stack_is_of_one_region(clients: Clients, contents: SandboxContents) -> None:
    other = clients.of("us-west-2")
    with pytest.raises(ClientError, match=r"ValidationError.*does not exist"):
        outputs(other, "cncb-event-stream")
    made = create_stack(other, "cncb-event-stream")
    assert made == outputs(other, "cncb-event-stream")
    assert made == {
        "streamName": contents.stream,
        "streamArn": contents.stream_arn.replace(":us-east-1:", ":us-west-2:"),
    }
