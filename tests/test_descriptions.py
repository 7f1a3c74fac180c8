"""Descriptions of services are the same as botocore's own reader finds them."""

from pathlib import Path

import botocore
import pytest
from botocore.loaders import JSONFileLoader

from cncbops.descriptions import Descriptions

DATA = Path(botocore.__file__).parent / "data"


@pytest.mark.parametrize("name", ["endpoints", "dynamodb/2012-08-10/service-2", "s3/2006-03-01/endpoint-rule-set-1"])
def test_a_file_is_read_whether_plain_or_compressed(name: str) -> None:
    told = Descriptions().load_file(str(DATA / name))
    assert told
    assert told == JSONFileLoader().load_file(str(DATA / name))
    assert list(told) == list(JSONFileLoader().load_file(str(DATA / name)))


def test_a_file_that_is_not_there_is_nothing() -> None:
    assert Descriptions().load_file(str(DATA / "none")) is None
