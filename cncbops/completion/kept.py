"""Names that were found, kept for a while beside the ones of other askers.

A file for each question and asker, `HASH.json`: `{"until": 1732600000.0, "names": [["name", "words"], …]}`, 0600.
What cannot be read or written is as if it had never been kept.
"""

import json
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

Names = Sequence[tuple[str, str]]
LONGEST_S = 60.0


class Kept:
    """The kept names of one question of one asker, which are told apart by any text."""

    def __init__(self, folder: Path, question: str) -> None:
        self._folder = folder
        self._path = folder / f"{sha256(question.encode(errors='surrogateescape')).hexdigest()}.json"

    def names(self) -> Names | None:
        """The names, as long as they are kept. None if there are none; no names at all is an answer, too."""
        try:
            told = json.loads(self._path.read_bytes())
            if 0 < told["until"] - time.time() <= LONGEST_S:
                return [(str(name), str(words)) for name, words in told["names"]]
        except (OSError, ValueError, TypeError, KeyError):
            pass
        return None

    def keep(self, names: Names, for_s: float) -> None:
        """Keep these names for a time, LONGEST_S at most, and no longer those whose time is over."""
        told = json.dumps({"until": time.time() + for_s, "names": names})
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sweep()
            descriptor, draft = tempfile.mkstemp(dir=self._folder, suffix=".json")  # 0600
            with os.fdopen(descriptor, "w") as file:
                file.write(told)
            Path(draft).replace(self._path)

    def _sweep(self) -> None:
        oldest = time.time() - LONGEST_S
        for path in self._folder.glob("*.json"):
            if path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)
