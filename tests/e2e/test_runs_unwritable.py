"""Where the ledger cannot be written nothing is sent, or nothing more."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e import lakes
from tests.e2e.far_side import FarSide, ok
from tests.e2e.runs import Runs, assert_in_order, data_of, repeats
from tests.e2e.servers import BIN, Cncbops
from tests.e2e.warm import Warm

IN_FLIGHT, BATCH = 8, 20
MOST_REPEATS = IN_FLIGHT * BATCH
FAST = ("--concurrency", str(IN_FLIGHT), "--batch-size", str(BATCH))

LAKE = lakes.make_lake(300, 30, 50, seed=3)


def with_room(kilobytes: int, home: Path) -> Cncbops:
    """The command, unable to let any file grow beyond that."""
    return Cncbops(home, ("bash", "-c", f'ulimit -f {kilobytes}; exec "$0" "$@"', str(BIN / "cncbops")))


def a_file_in_its_way(home: Path, warm: Warm) -> Cncbops:
    (home / "file").touch()
    command = Cncbops(home, warm=warm)
    command.state_dir = home / "file" / "state"
    return command


def a_folder_in_its_place(home: Path, warm: Warm) -> Cncbops:
    (home / "state" / "ledger.db").mkdir(parents=True)
    return Cncbops(home, warm=warm)


def another_file_in_its_place(home: Path, warm: Warm) -> Cncbops:
    (home / "state").mkdir()
    (home / "state" / "ledger.db").write_bytes(b"what somebody else keeps here\n" * 200)
    return Cncbops(home, warm=warm)


@pytest.mark.parametrize(
    "trouble",
    [lambda home, _: with_room(0, home), a_file_in_its_way, a_folder_in_its_place, another_file_in_its_place],
    ids=["no room", "file in its way", "folder in its place", "another file"],
)
def test_nothing_is_sent_where_there_can_be_no_ledger(
    trouble: Callable[[Path, Warm], Cncbops], far_side: FarSide, tmp_path: Path, warm: Warm
) -> None:
    far_side.add_bucket("lake", LAKE)
    far_side.add_function("fn")
    runs = Runs(trouble(tmp_path, warm), far_side)
    files = contents_of(tmp_path)
    run = runs.execute()
    assert (run.code, run.status) == (1, "failed")
    assert str(runs.command.state_dir) in run.err
    assert runs.sent == []
    assert contents_of(tmp_path) == files


def contents_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kilobytes", [256, 288])  # of which the second had room for the run's end alone
def test_a_run_ends_where_its_ledger_has_no_more_room_and_goes_on_later(
    kilobytes: int, far_side: FarSide, tmp_path: Path, warm: Warm
) -> None:
    events = lakes.make_events(2000, 50, seed=11)
    far_side.add_bucket("lake", lakes.lake_of(events, 100))
    far_side.add_function("fn", lambda _payload, _context: ok().after(0.01))
    run = Runs(with_room(kilobytes, tmp_path), far_side).execute(*FAST)
    assert (run.code, run.status) == (1, "failed")
    assert "cannot be written" in run.err
    assert "Make room" in run.err
    assert 0 < run.events["delivered"] == len(far_side.delivered()) < 2000
    runs = Runs(Cncbops(tmp_path, warm=warm), far_side)
    run = runs.resume()
    assert (run.status, run.summary["run"]["delivered"]) == ("succeeded", 2000)
    assert set(far_side.delivered_data()) == set(data_of(events))
    assert repeats(far_side.delivered_data()) <= MOST_REPEATS
    assert_in_order(far_side, events)
