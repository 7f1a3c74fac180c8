"""What has to be the same at a scheduler, at its workers, and here: what is sent are objects of this very code."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

PACKAGES = ("cncbops", "distributed")


@dataclass(frozen=True)
class Versions:
    """Of Python, without its patch level, and of the packages; None where one is not installed."""

    python: str
    cncbops: str | None
    distributed: str | None

    def __str__(self) -> str:
        packages = (("cncbops", self.cncbops), ("distributed", self.distributed))
        said = [f"{name} {found}" if found else f"no {name}" for name, found in packages]
        return f"{said[0]}, Python {self.python}, {said[1]}"


def versions_here() -> Versions:
    """What this process has."""
    return Versions(_minor(platform.python_version()), _installed("cncbops"), _installed("distributed"))


def versions_of(told: Mapping[str, Any]) -> Versions:
    """What another process has, as `distributed.versions.get_versions` tells."""
    packages = told["packages"]
    return Versions(_minor(told["host"]["python"]), packages.get("cncbops"), packages.get("distributed"))


def _minor(python: str) -> str:
    return ".".join(python.split(".")[:2])


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
