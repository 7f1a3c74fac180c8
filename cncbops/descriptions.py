"""Descriptions of AWS's services, found and read faster than botocore does it: they are most of what a client costs."""

import gzip
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
from botocore.loaders import JSONFileLoader, Loader


class Descriptions(Loader):
    """botocore's loader, which looks into all services' folders before it loads one; this looks at their names."""

    def __init__(self, search_paths: list[str]) -> None:
        super().__init__(search_paths, FileReader(), include_default_search_paths=False)

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002  whether it has one is seen when it is loaded
        """The names of all services."""
        return self._services

    @cached_property
    def _services(self) -> list[str]:
        folders = [Path(path) for path in self.search_paths if Path(path).is_dir()]
        return sorted({entry.name for folder in folders for entry in folder.iterdir()})


class FileReader(JSONFileLoader):
    """Reads a file that botocore names without its ending, plain or compressed."""

    def load_file(self, file_path: str) -> Any:
        """What it holds; None if there is none."""
        for ending, unpacked in ((".json", bytes), (".json.gz", gzip.decompress)):
            path = Path(f"{file_path}{ending}")
            if path.is_file():
                return orjson.loads(unpacked(path.read_bytes()))
        return None
