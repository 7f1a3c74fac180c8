"""The ledger's schema grows by steps, each taken once and whole."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from cncbops.errors import CannotRun
from cncbops.ledger.database import FILE_NAME
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.schema import STEPS, Step, migrate, version
from cncbops.session.entry import Entry
from cncbops.tally import of_object
from tests.ledger.runs import aged, begin, lake_object

FIRST: Step = ("CREATE TABLE a (x INTEGER)", "INSERT INTO a VALUES (1)")
SECOND: Step = ("ALTER TABLE a ADD COLUMN y INTEGER", "UPDATE a SET y = x + 1")


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    yield connection
    connection.close()


def test_each_step_is_taken_once(database: sqlite3.Connection) -> None:
    migrate(database, [FIRST])
    migrate(database, [FIRST])
    assert (version(database), database.execute("SELECT * FROM a").fetchall()) == (1, [(1,)])
    migrate(database, [FIRST, SECOND])
    migrate(database, [FIRST, SECOND])
    assert (version(database), database.execute("SELECT * FROM a").fetchall()) == (2, [(1, 2)])


def test_a_step_that_fails_leaves_the_version_before_it(database: sqlite3.Connection) -> None:
    broken: Step = ("UPDATE a SET x = 7", "CREATE TABLE b (x INTEGER)", "INSERT INTO nowhere VALUES (1)")
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        migrate(database, [FIRST, broken, SECOND])
    assert (version(database), database.execute("SELECT * FROM a").fetchall()) == (1, [(1,)])
    assert database.execute("SELECT name FROM sqlite_schema").fetchall() == [("a",)]
    migrate(database, [FIRST, SECOND])
    assert version(database) == 2


def test_a_ledger_of_an_older_version_is_read_as_it_is_and_brought_up_to_date_with_its_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger.open(tmp_path) as ledger:
        begin(ledger, "run-1")
    later = (*STEPS, ("CREATE TABLE later (x INTEGER)",))
    monkeypatch.setattr("cncbops.ledger.database.STEPS", later)
    monkeypatch.setattr(migrate, "__defaults__", (later,))
    for door in (Ledger.look, Ledger.open, Ledger.look):
        found = door(tmp_path)
        assert found
        with found:
            assert [run.run_id for run in found.runs()] == ["run-1"]


def test_a_run_of_a_ledger_that_knows_of_no_cluster_is_read_as_one_of_this_machine(tmp_path: Path) -> None:
    with Ledger.open(tmp_path) as ledger:
        begin(ledger, "run-1", cluster="local:2")
    aged(tmp_path, 6)
    for door in (Ledger.look, Ledger.open):
        found = door(tmp_path)
        assert found
        with found:
            assert found.find("run-1").cluster is None


def test_a_ledger_that_knows_not_when_a_record_failed_says_so(tmp_path: Path) -> None:
    entry = Entry(0, 0, lake_object(0), 1, 1, failed=1, ended=True)
    with Ledger.open(tmp_path) as ledger:
        run = begin(ledger, "run-1")
        ledger.run_writer(run, 1).write([entry], [(0, of_object(lake_object(0), "SlowDown", "later"))], [])
        (kept,) = ledger.known(run).failures()
        assert kept.told_ms
        assert kept.told_ms >= run.started_ms
    aged(tmp_path, 7)
    for door in (Ledger.look, Ledger.open):
        found = door(tmp_path)
        assert found
        with found:
            assert [each.told_ms for each in found.known(run).failures()] == [None]


def test_a_ledger_that_knows_of_no_doubt_is_read_as_one_without(tmp_path: Path) -> None:
    with Ledger.open(tmp_path) as ledger:
        begin(ledger, "run-1")
    aged(tmp_path, 8)
    for door in (Ledger.look, Ledger.open):
        found = door(tmp_path)
        assert found
        with found:
            assert [each.doubted for each in found.sessions(found.find("run-1"))] == [0]


@pytest.mark.parametrize("door", [Ledger.open, Ledger.look])
def test_a_ledger_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path, door: type) -> None:
    with Ledger.open(tmp_path):
        pass
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    connection.close()
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(CannotRun, match="newer cncbops"):
        door(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == before
