"""The newest runs, by as much as helps to choose one: read without all that a ledger needs."""

from contextlib import closing
from pathlib import Path

from cncbops.ledger.database import guarded, open_for_reading


def recent_runs(folder: Path, most: int, command: str | None = None) -> list[tuple[str, str]]:
    """Id of each run, of a command if one is given, and a few words on it, the newest first; none without a ledger.

    Raises CannotRun.
    """
    connection = open_for_reading(folder)
    if connection is None:
        return []
    with closing(connection), guarded(folder):
        which = "command = ifnull(?, command) ORDER BY id DESC LIMIT ?"
        query = f"SELECT run_id, command, status, function FROM runs WHERE {which}"  # noqa: S608
        return [(row["run_id"], _words(*tuple(row)[1:])) for row in connection.execute(query, (command, most))]


def _words(command: str, status: str, function: str) -> str:
    return " ".join(filter(None, [command, function, status]))
