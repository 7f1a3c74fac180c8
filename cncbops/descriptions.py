"""Descriptions of AWS's services, read by a faster reader than botocore's own: they are most of what a client costs."""

import gzip
from pathlib import Path
from typing import Any

import orjson
from botocore.loaders import JSONFileLoader


class Descriptions(JSONFileLoader):
    """Reads a file that botocore names without its ending, plain or compressed."""

    def load_file(self, file_path: str) -> Any:
        """What it holds; None if there is none."""
        for ending, unpacked in ((".json", bytes), (".json.gz", gzip.decompress)):
            path = Path(f"{file_path}{ending}")
            if path.is_file():
                return orjson.loads(unpacked(path.read_bytes()))
        return None
