"""A far side of services in many regions, and the access of probes to it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from botocore.session import Session

from cncbops.aws import Aws, AwsAccess
from cncbops.descriptions import Descriptions
from cncbops.health.access import Accesses, RegionAccess
from tests.e2e.far_side_health import HealthSide

NOW = datetime(2023, 11, 22, 0, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the machine's own settings of AWS, but credentials."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.fixture
def side() -> Iterator[HealthSide]:
    with HealthSide() as server:
        yield server
    assert server.errors == []


@pytest.fixture(scope="session")
def models() -> Descriptions:
    """The descriptions of AWS's services, which are read once for all tests."""
    return Descriptions(Session().get_component("data_loader").search_paths)


@pytest.fixture
def accesses(side: HealthSide, models: Descriptions) -> Accesses:
    """Access to any region of the far side, at a time that stands still."""
    return Accesses(Aws(AwsAccess(endpoint_url=side.url), models), now=lambda: NOW)


@pytest.fixture
def access(accesses: Accesses) -> RegionAccess:
    return accesses.of("us-east-1")
