"""How a region's switch stands, as one more probe: that of `failover status`, and of who would carry the traffic."""

from cncbops.failover.switch import VARIABLE, read_switch
from cncbops.health.access import RegionAccess
from cncbops.health.finding import Finding, Status
from cncbops.health.registry import Probe


def switch(access: RegionAccess, function: str) -> list[Finding]:
    """Whether a check function is switched to answer 503. Raises CncbopsError."""
    found = read_switch(access.client("lambda"), function)
    facts = {"value": found.value, "update": found.update_status}
    if found.is_out:
        return [Finding(function, Status.fail, f"taken out of service: {VARIABLE} is {found.value}", facts)]
    told = "not set" if found.value is None else found.value
    return [Finding(function, Status.ok, f"in service: {VARIABLE} is {told}", facts)]


SWITCH = Probe("switch", "check_functions", switch)
