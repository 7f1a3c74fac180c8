"""Descriptions of services are the same as botocore's own loader finds them."""

import inspect
from pathlib import Path

import botocore
import pytest
from botocore.exceptions import DataNotFoundError, UnknownServiceError
from botocore.loaders import JSONFileLoader, Loader

from cncbops.descriptions import Descriptions, FileReader

DATA = Path(botocore.__file__).parent / "data"


@pytest.fixture(autouse=True)
def read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept of them (see `botocore_once.py`) clients have changed."""
    for reader in (FileReader, JSONFileLoader):
        monkeypatch.setattr(reader, "load_file", inspect.unwrap(reader.load_file))


@pytest.fixture
def descriptions() -> Descriptions:
    return Descriptions(["/nowhere", str(DATA)])


@pytest.mark.parametrize("kind", ["service-2", "paginators-1", "endpoint-rule-set-1"])
@pytest.mark.parametrize("service", ["dynamodb", "s3", "cloudwatch"])
def test_a_service_is_described_alike(descriptions: Descriptions, service: str, kind: str) -> None:
    theirs = Loader().load_service_model(service, kind)
    ours = descriptions.load_service_model(service, kind)
    assert ours == theirs
    assert list(ours) == list(theirs)


def test_plain_files_are_read_too(descriptions: Descriptions) -> None:
    assert descriptions.load_data("endpoints") == Loader().load_data("endpoints")


def test_no_service_is_missed(descriptions: Descriptions) -> None:
    assert set(Loader().list_available_services("service-2")) <= set(descriptions.list_available_services("service-2"))


def test_what_is_not_there_is_told_as_botocore_tells_it(descriptions: Descriptions) -> None:
    with pytest.raises(UnknownServiceError):
        descriptions.load_service_model("dynamo", "service-2")
    with pytest.raises(DataNotFoundError):
        descriptions.load_service_model("dynamodb", "service-3")
    assert FileReader().load_file(str(DATA / "none")) is None
