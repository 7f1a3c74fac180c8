"""What probes ask with: for each region clients of its own, so that credentials and STS are that region's too.

Probes run side by side, and a session of boto3 must not be used by two threads at once. A region's clients are
made under a lock of that region, for finding credentials may hang there; the descriptions of services are read
under one lock for all, and once. Nothing is made before a probe asks for it.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import urllib3
from botocore.httpsession import ProxyConfiguration
from botocore.utils import get_environ_proxies

from cncbops import __version__
from cncbops.aws import Aws


def utc_now() -> datetime:
    """The clock by which ages are told."""
    return datetime.now(UTC)


class _Http(urllib3.PoolManager):
    """Heeds HTTPS_PROXY, NO_PROXY and their kin as botocore does."""

    def urlopen(self, method: str, url: str, redirect: bool = True, **more: Any) -> urllib3.BaseHTTPResponse:  # type: ignore[override]
        proxies = ProxyConfiguration(get_environ_proxies(url))
        proxy = proxies.proxy_url_for(url)
        if not proxy:
            return super().urlopen(method, url, redirect, **more)
        through = urllib3.ProxyManager(proxy, proxy_headers=proxies.proxy_headers_for(proxy))
        return through.urlopen(method, url, redirect, **more)


class Accesses:
    """The access to every region that is asked for."""

    def __init__(self, aws: Aws, now: Callable[[], datetime] = utc_now) -> None:
        self._aws = aws
        self.now = now
        self._regions: dict[str, RegionAccess] = {}
        self._lock = threading.Lock()
        self.making = threading.Lock()

    def of(self, region: str) -> "RegionAccess":
        """The access to one region, the same one each time. Asks nobody."""
        with self._lock:
            if region not in self._regions:
                self._regions[region] = RegionAccess(region, self._aws.in_region(region), self)
            return self._regions[region]

    @cached_property
    def http(self) -> urllib3.PoolManager:
        """For check endpoints; may be used by many threads."""
        return _Http(maxsize=8, headers={"User-Agent": f"cncbops/{__version__}"})


@dataclass(eq=False)
class RegionAccess:
    """The access to one region, for the threads of its probes."""

    region: str
    aws: Aws
    all: Accesses
    _clients: dict[str, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self, service: str) -> Any:
        """A client of the region's service that gives up soon. Raises BotoCoreError, CncbopsError."""
        with self._lock:
            if service not in self._clients:
                self.aws.require_credentials()
                with self.all.making:
                    self._clients[service] = self.aws.probing(service)
            return self._clients[service]
