"""What the ledger remembers of faults is read where they are read, while this session and its pulse write."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from cncbops.delivery.outcome import Outcome, Settled, waybill_of
from cncbops.faults.unit import Unit
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.pulse import Pulse
from cncbops.ledger.rows import Run
from tests.delivery.batches import batch_of
from tests.faults import units
from tests.faults.units import unit_of
from tests.ledger.runs import begin

FAULTS, LOOKS_S = 300, 0.0005


def test_faults_are_looked_up_while_others_are_written_down_and_the_session_beats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cncbops.ledger.database.BUSY_S", 20.0)
    sent = [unit_of(units.kinesis(number), number=number, of=units.fault(id=f"f-{number}")) for number in range(FAULTS)]
    with Ledger.open(tmp_path) as ledger, ThreadPoolExecutor(2) as threads:
        run, memory, done = begin(ledger), ledger.memory(), threading.Event()
        with closing(Pulse(tmp_path, run.id, 1)) as pulse:
            looking = threads.submit(_until, done, lambda: [memory.history(each.records) for each in sent])
            beating = threads.submit(_until, done, lambda: pulse.beat(lambda _: None))
            try:
                for each in sent:
                    _deliver(ledger, run, each)
            finally:
                done.set()
                looking.result()
                beating.result()
        assert set(memory.sent_by([each.fault for each in sent]).values()) == {run.id}


def _deliver(ledger: Ledger, run: Run, unit: Unit) -> None:
    batch = batch_of(unit)
    batch.upto = [unit.place]
    ledger.run_writer(run, 1).write([], [], [Settled(waybill_of(batch, (0, 0)), Outcome(delivered=[unit]))])


def _until(done: threading.Event, repeated: Callable[[], object]) -> None:
    while not done.wait(LOOKS_S):
        repeated()
