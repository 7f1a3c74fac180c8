"""A region of an embedded AWS is taken out of service and put back: by its function, its alarm, its health check."""

from collections.abc import Iterator

import pytest

from cncbops.sandbox.clients import Clients, connect
from cncbops.sandbox.regions import CHECK, REGIONS, seed_regions
from cncbops.sandbox.server import running
from tests.e2e.servers import Cncbops

pytestmark = pytest.mark.rehearsal

EAST, WEST = REGIONS


@pytest.fixture
def east(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    """The clients of us-east-1, in a sandbox of two regions."""
    with running(tmp_path_factory.mktemp("sandbox")) as server:
        clients = connect(server.endpoint_url)
        seed_regions(clients)
        yield clients


def environment(clients: Clients) -> dict[str, str]:
    return clients.lambda_.get_function_configuration(FunctionName=CHECK)["Environment"]["Variables"]


def test_the_stage_of_the_book_is_enough_to_take_a_region_out_and_put_it_back(east: Clients, cncbops: Cncbops) -> None:
    def failover(*arguments: str) -> None:
        done = cncbops("failover", *arguments, "--stage", "john", "--execute", endpoint=east.endpoint_url)
        assert done.code == 0, done.err

    before = environment(east)
    failover("out", EAST, "--other", WEST)
    assert environment(east) == {**before, "UNHEALTHY": "true"}
    assert environment(east.of(WEST)) == before
    status = cncbops("health", *REGIONS, "--stage", "john", "-o", "json", endpoint=east.endpoint_url)
    assert {name: region["verdict"] for name, region in status.json["regions"].items()} == {
        EAST: "unhealthy",
        WEST: "healthy",
    }
    failover("back", EAST)
    assert environment(east) == before
