"""The ledger's file: private, made whole or not at all, and never made anew over what is there."""

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cncbops.errors import CannotRun
from cncbops.ledger.database import FILE_NAME, at_one_moment, guarded
from cncbops.ledger.ledger import Ledger
from tests.ledger.runs import begin


def use(folder: Path) -> None:
    with Ledger.open(folder) as ledger:
        list(ledger.runs())
        begin(ledger, "run-new")


def look(folder: Path) -> None:
    looked = Ledger.look(folder)
    assert looked
    with looked:
        for run in looked.runs():
            list(looked.known(run).entries())
            list(looked.known(run).failures())


def names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


def garbage(path: Path) -> None:
    path.write_bytes(b"not a database, but longer than the header of one would be" * 100)


def nothing(path: Path) -> None:
    path.touch()


def foreign(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE runs (x)")
    connection.execute("PRAGMA user_version = 1")
    connection.close()


def cut(path: Path) -> None:
    ledger_with_runs(path)
    path.write_bytes(path.read_bytes()[: 4096 * 3])


def overwritten(path: Path) -> None:
    ledger_with_runs(path)
    whole = bytearray(path.read_bytes())
    whole[4096 : 4096 * 4] = os.urandom(4096 * 3)
    path.write_bytes(whole)


def ledger_with_runs(path: Path) -> None:
    with Ledger.open(path.parent) as ledger:
        for number in range(50):
            begin(ledger, f"run-{number}", sources=["s3://lake/" + "x" * 500])


@pytest.mark.parametrize("way", [use, look])
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (garbage, "damaged"),
        (nothing, "not a ledger"),
        (foreign, "not a ledger"),
        (cut, "damaged"),
        (overwritten, "damaged"),
    ],
)
def test_a_file_that_is_no_whole_ledger_is_told_of_and_left_as_it_is(
    tmp_path: Path, make: Callable[[Path], None], words: str, way: Callable[[Path], None]
) -> None:
    path = tmp_path / FILE_NAME
    make(path)
    before = path.read_bytes()
    with pytest.raises(CannotRun, match=words):
        way(tmp_path)
    assert path.read_bytes() == before
    assert not list(tmp_path.glob(".ledger-*"))


def test_the_ledger_and_its_companions_are_for_their_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with Ledger.open(tmp_path / "state") as ledger:
            begin(ledger)
            modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "state").iterdir()}
    finally:
        os.umask(before)
    assert modes == {FILE_NAME: 0o600, f"{FILE_NAME}-wal": 0o600, f"{FILE_NAME}-shm": 0o600}
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_looking_makes_nothing(tmp_path: Path) -> None:
    assert Ledger.look(tmp_path / "none") is None
    assert not (tmp_path / "none").exists()


def test_processes_that_make_the_ledger_at_once_get_the_same_one(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from cncbops.ledger.ledger import Ledger; "
        "from tests.ledger.runs import begin; sys.stdin.readline(); "
        "begin(Ledger.open(Path(sys.argv[1])), sys.argv[2])"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path), f"run-{number}"],
            stdin=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        for number in range(4)
    ]
    for child in children:
        assert child.stdin
        child.stdin.close()
    assert [child.wait(60) for child in children] == [0] * 4
    with Ledger.open(tmp_path) as ledger:
        assert sorted(run.run_id for run in ledger.runs()) == [f"run-{number}" for number in range(4)]
    assert names(tmp_path) == {FILE_NAME}


@pytest.fixture
def read_only() -> Iterator[Path]:
    """A folder that nobody may write to; root may, so a test uses it as somebody else."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o777)
        yield folder
        folder.chmod(0o777)


def told_as_nobody(folder: Path, how: str = "open") -> str:
    """What opening a ledger there says to a user without rights of his own."""
    program = (
        "import os, sys; from pathlib import Path; from cncbops.errors import CannotRun; "
        "from cncbops.ledger.ledger import Ledger\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        f"try: Ledger.{how}(Path(sys.argv[1])).runs()\n"
        "except CannotRun as error: print(error)"
    )
    child = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True)
    return child.stdout


def test_a_read_only_state_directory_is_told_of(read_only: Path) -> None:
    read_only.chmod(0o555)
    assert told_as_nobody(read_only).startswith(f"cannot use the state directory {read_only}: Permission denied")
    assert names(read_only) == set()


def test_a_ledger_that_cannot_be_written_is_told_of(read_only: Path) -> None:
    assert told_as_nobody(read_only) == ""
    read_only.chmod(0o555)
    path = read_only / FILE_NAME
    before = path.read_bytes()
    assert told_as_nobody(read_only).startswith(f"the ledger {path} cannot be opened or written")
    assert path.read_bytes() == before


def test_a_ledger_that_cannot_be_written_can_be_read(read_only: Path) -> None:
    assert told_as_nobody(read_only) == ""
    read_only.chmod(0o555)
    assert told_as_nobody(read_only, "look") == ""
    assert names(read_only) == {FILE_NAME}


def test_looking_at_a_ledger_leaves_nothing_beside_it(tmp_path: Path) -> None:
    Ledger.open(tmp_path).close()
    looked = Ledger.look(tmp_path)
    assert looked
    with looked:
        assert looked.runs() == []
    assert names(tmp_path) == {FILE_NAME}


def test_a_state_directory_that_is_a_file_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotRun, match="state directory"):
        Ledger.open(tmp_path / "file")


def test_a_full_disk_is_told_of_and_nothing_half_is_kept(tmp_path: Path) -> None:
    with Ledger.open(tmp_path) as ledger:
        begin(ledger, "run-1")
        pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
        ledger._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(CannotRun, match=r"cannot be written.*full.*Make room"):
            begin(ledger, "run-2", sources=["x" * 100_000])
        assert [run.run_id for run in ledger.runs()] == ["run-1"]


def test_a_disk_that_fills_up_while_the_ledger_is_made_leaves_a_whole_one_or_none(tmp_path: Path) -> None:
    program = (
        "import resource, sys; from pathlib import Path; from cncbops.errors import CannotRun; "
        "from cncbops.ledger.ledger import Ledger\n"
        "for size in range(0, 64 * 2048, 2048):\n"  # the last are more than an empty ledger takes
        "  resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))\n"
        "  try: Ledger.open(Path(sys.argv[1]) / str(size))\n"
        "  except CannotRun as error: print(error)"
    )
    child = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    told = child.stdout.splitlines()
    assert 0 < len(told) < 64
    assert all("cannot be written" in line for line in told)
    for folder in tmp_path.iterdir():
        assert names(folder) <= {FILE_NAME}
        with Ledger.open(folder) as ledger:
            begin(ledger)


def test_the_file_says_that_it_is_ours(tmp_path: Path) -> None:
    with Ledger.open(tmp_path):
        pass
    assert (tmp_path / FILE_NAME).read_bytes()[68:72] == b"cncb"


def test_what_fails_while_it_is_read_is_told_though_the_reading_is_over_by_that(tmp_path: Path) -> None:
    def read(connection: sqlite3.Connection) -> None:
        with guarded(tmp_path / FILE_NAME), at_one_moment(connection):
            connection.execute("ROLLBACK")  # as SQLite does, if the file fails it
            raise sqlite3.OperationalError("disk I/O error")

    with pytest.raises(CannotRun, match="disk I/O error"):
        read(sqlite3.connect(":memory:", isolation_level=None))
