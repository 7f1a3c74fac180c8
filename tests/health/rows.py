"""Rows as tests need them."""

from cncbops.health.finding import Finding, Row, Status
from tests.health.conftest import NOW


def row(status: Status | str, *, region: str = "us-east-1", subject: str = "t1", decides: bool = True) -> Row:
    """A row of a probe called `table read`."""
    finding = Finding(subject, Status(status), f"it is {status}")
    return Row(region, "table read", finding, NOW, 0.2, decides)
