"""What `cncbops runs` does that sends nothing: look into the ledger, and give orders to a run under way."""

import getpass
import os
import platform
import sys
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path
from typing import Any

from cncbops.early_signals import INTERRUPTED
from cncbops.errors import BadInput, CannotRun, CncbopsError
from cncbops.ledger.ledger import Ledger
from cncbops.ledger.rows import Run
from cncbops.reports.next_step import go_on_with
from cncbops.reports.run_facts import details, failure_facts, headline, object_facts, state_of

from ._acts import require_takes
from ._ending import guarded
from ._flow import say
from ._options import Local
from ._reporting import report_to
from ._runs_view import json_pieces, show_run, show_runs
from ._screen import Screen, screen_for
from ._signals import stop_on_signal
from ._state import state_folder
from ._words import visible

FAILURES_SHOWN = 20
ANSWER_S, LOOK_S = 5.0, 0.1
"""How long an order may wait for its run, which looks twice a second."""


def carry_out_ls(options: Local) -> int:
    """List the runs; the exit code."""
    screen = screen_for(options, {"command": "runs ls"})
    return guarded(screen, lambda: _ls(options, screen))


def carry_out_show(text: str, report: Path | None, options: Local) -> int:
    """Show a run, and write its report if a file is given; the exit code."""
    screen = screen_for(options, {"command": "runs show"})
    return guarded(screen, lambda: _show(text, report, options, screen))


def carry_out_order(text: str, kind: str, value: float | None, options: Local) -> int:
    """Give an order to a run under way, and wait until it is carried out; the exit code."""
    screen = screen_for(options, {"command": f"runs {kind}"})
    return guarded(screen, lambda: _order(text, kind, value, options, screen))


def _ls(options: Local, screen: Screen) -> int:
    with _looked(options) as ledger:
        rows = [headline(ledger, run) for run in ledger.runs()] if ledger else []
    if screen.json:
        screen.show_json({"runs": rows})
    elif not rows:
        screen.note(f"no run yet: none in {state_folder(options.state_dir)}")
    elif not screen.quiet:
        with screen.printing() as out:
            if left_out := show_runs(out, visible(rows)):
                screen.note(f"no room for {' and '.join(left_out)}, which -o json tells, too")
    return 0


def _looked(options: Local) -> AbstractContextManager[Ledger | None]:
    return Ledger.look(state_folder(options.state_dir)) or nullcontext()


def _show(text: str, report: Path | None, options: Local, screen: Screen) -> int:
    with _looked(options) as looked:
        ledger, run = _found(looked, text, options)
        if report:
            report_to(report, ledger, run, screen)
        facts = details(ledger, run)
        if screen.json:
            return _show_json(ledger, run, facts, screen)
        if not screen.quiet:
            unmended = ledger.known(run).failures(unmended=True)
            facts["failures"] = [failure_facts(each) for each in islice(unmended, FAILURES_SHOWN)]
            with screen.printing() as out:
                show_run(out, visible(facts))
    return 0


def _found(ledger: Ledger | None, text: str, options: Local) -> tuple[Ledger, Run]:
    """The run that is meant, and the ledger it is in. Raises BadInput if there is none, or several."""
    if ledger is None:
        what = f"there is no run {text}: no ledger in {state_folder(options.state_dir)}"
        raise BadInput(what, "Give its place with --state-dir")
    return ledger, ledger.find(text)


def _show_json(ledger: Ledger, run: Run, facts: dict[str, Any], screen: Screen) -> int:
    """Write all there is of a run, in memory that does not grow with it; the exit code."""
    known = ledger.known(run)
    lists = {"objects": map(object_facts, known.entries()), "failures": map(failure_facts, known.failures())}
    stop = threading.Event()
    screen.told.set()  # this is the document, however it ends
    try:
        with stop_on_signal(stop, screen), screen.printing():
            sys.stdout.buffer.writelines(json_pieces(facts, lists, stop))
    except CncbopsError as error:
        screen.show_error(error)
        return error.exit_code
    return INTERRUPTED if stop.is_set() else 0


def _order(text: str, kind: str, value: float | None, options: Local, screen: Screen) -> int:
    with _looked(options) as looked:
        ledger, run = _found(looked, text, options)
        require_takes(run, kind)
        _require_active(ledger, run)
    with Ledger.open(ledger.folder) as ledger:
        _await_taken(ledger, run, ledger.order(run, kind, value, _who()))
    if screen.json:
        screen.show_json({"command": f"runs {kind}", "run_id": run.run_id, "status": "done"})
    elif screen.shows_text:
        say(screen.err, visible(_said(kind, value, run)))
    return 0


def _require_active(ledger: Ledger, run: Run) -> None:
    if not ledger.is_active(run):
        what = f"run {run.run_id} is not under way: {state_of(ledger, run)}"
        raise CannotRun(what, f"See `{run.to_type('show')}`")


def _await_taken(ledger: Ledger, run: Run, order: int) -> None:
    """Raises CannotRun if the run ends before it takes the order, or does not take it in time."""
    deadline = time.monotonic() + ANSWER_S
    while not _is_taken(ledger, run, order):
        if time.monotonic() > deadline:
            what = f"run {run.run_id} does not answer: its process is stopped, or on a machine with another ledger"
            raise CannotRun(what, f"See `{run.to_type('show')}` for its machine and process")
        time.sleep(LOOK_S)


def _is_taken(ledger: Ledger, run: Run, order: int) -> bool:
    """Whether the run has taken it. Raises CannotRun if it has ended, and has not."""
    was_active = ledger.is_active(ledger.find(run.run_id))  # looked at first: it may take the order now, and then end
    if not (is_taken := ledger.is_taken(run, order)) and not was_active:
        _require_active(ledger, ledger.find(run.run_id))
    return is_taken


def _said(kind: str, value: float | None, run: Run) -> str:
    go_on = run.to_type("continue")
    return {
        "pause": f"paused: what is under way is finished; go on with: {go_on}",
        "continue": "continued",
        "rate": f"sends at most {value:,g} events per second from now on" if value else "",
        "stop": f"stopping: what is under way is finished; go on with: {go_on_with(run)}",
    }[kind]


def _who() -> str:
    """Who gives an order: a user that the machine may know by number only."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid {os.getuid()}"
    return f"{user}@{platform.node()}"
