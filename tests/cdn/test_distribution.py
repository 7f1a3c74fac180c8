"""What a distribution is called, and what is taken for the name of one."""

from types import SimpleNamespace
from typing import Any

import pytest

from cncbops.cdn.distribution import find_distribution, looks_like_distribution

LISTED = {
    "Id": "E2EXAMPLE1234X",
    "DomainName": "E2EXAMPLE1234X.cloudfront.net",
    "Status": "Deployed",
    "Aliases": {"Quantity": 1, "Items": ["API.Example.com"]},
}


class _CloudFront:
    """A client that knows one distribution."""

    exceptions = SimpleNamespace(NoSuchDistribution=type("NoSuchDistribution", (Exception,), {}))

    def get_paginator(self, _name: str) -> Any:
        return SimpleNamespace(paginate=lambda: [{"DistributionList": {"Items": [LISTED]}}])

    def get_distribution(self, Id: str) -> Any:
        assert Id == LISTED["Id"]
        return {"Distribution": {**LISTED, "DistributionConfig": LISTED}}


@pytest.mark.parametrize(
    "name", ["E2EXAMPLE1234X.cloudfront.net", "e2example1234x.CloudFront.net", "api.example.COM", "E2EXAMPLE1234X"]
)
def test_names_of_hosts_are_the_same_in_any_case(name: str) -> None:
    assert find_distribution(_CloudFront(), name).id == LISTED["Id"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        ("E2EXAMPLE1234X", True),
        ("e2example1234x", True),
        ("D111111abcdef8.CloudFront.net", True),
        ("api.example.com", True),
        ("API.Example.COM", True),
        ("*.example.com", True),
        ("index.html", True),
        ("/index.html", False),
        ("things/index.html", False),
        ("things", False),
        ("index.html*", False),
        ("#example.com", False),
    ],
)
def test_what_may_be_a_distribution_is_taken_for_no_path(text: str, looks: bool) -> None:
    assert looks_like_distribution(text) is looks
