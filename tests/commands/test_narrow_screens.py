"""On a screen of sixty columns no line is broken within what belongs together."""

import io
from typing import Any

import pytest
from cncbops.commands._invalidate_view import show_invalidations
from cncbops.commands._lake_verify_view import show_difference, show_table
from cncbops.commands._runs_view import show_run, show_runs
from rich.console import Console

WIDTH = 60


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def screen(width: int = WIDTH) -> Console:
    return Console(file=Terminal(), width=width, color_system=None)


def lines_on(console: Console) -> list[str]:
    assert isinstance(console.file, Terminal)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def invalidation(**more: Any) -> dict[str, Any]:
    known = {"id": "I2J0I21PCUYOIK", "status": "InProgress", "created": "2026-11-24T03:31:10.000Z"}
    return {**known, "paths": 1_234, "wildcards": 2, **more}


@pytest.mark.parametrize(
    ("width", "said"),
    [
        (60, "I2J0I21PCUYOIK  InProgress  2026-11-24 03:31:10  1,234"),
        (80, "I2J0I21PCUYOIK  InProgress  2026-11-24 03:31:10  1,234          2"),
    ],
)
def test_an_invalidation_is_a_line(width: int, said: str) -> None:
    console = screen(width)
    show_invalidations(console, [invalidation()])
    assert lines_on(console)[1:] == [said]


def test_paths_that_may_not_be_seen_are_unknown() -> None:
    console = screen(80)
    show_invalidations(console, [invalidation(paths=None, wildcards=None)])
    assert lines_on(console)[1].split()[-2:] == ["unknown", "unknown"]


def found(size: int) -> dict[str, Any]:
    return {"size": size, "last_modified": "2018-04-08T03:53:28.000Z"}


@pytest.mark.parametrize(
    ("width", "said"),
    [
        (
            60,
            [
                "different           other size",
                "    2018-04-08T03:53:28Z    319 bytes  (there 2 bytes)",
                "    2018/04/08/11/166a",
            ],
        ),
        (
            120,
            [
                "different           other size               2018-04-08T03:53:28Z    319 bytes  (there 2 bytes)",
                "    2018/04/08/11/166a",
            ],
        ),
    ],
)
def test_a_difference_is_in_rows_of_what_belongs_together(width: int, said: list[str]) -> None:
    difference = {"kind": "different", "why": "size", "key": "2018/04/08/11/166a"}
    console = screen(width)
    show_difference(console, {**difference, "lake": found(319), "recovery": found(2)})
    assert lines_on(console) == said


def test_reasons_that_do_not_fit_beside_a_count_stand_below_it_a_line_each() -> None:
    none: dict[str, Any] = {"objects": 0, "bytes": 0, "why": {}}
    kinds = ("same", "missing", "not_yet_replicated", "different", "not_comparable", "extra")
    missing = {"objects": 12, "bytes": 577, "why": {"replication_failed": 2, "not_replicated": 10}}
    pending = {"objects": 1, "bytes": 5, "why": {"pending": 1}}
    facts = {**dict.fromkeys(kinds, none), "missing": missing, "not_yet_replicated": pending, "lag_s": 0}
    console = screen()
    show_table(console, {**facts, "lake": "a/", "recovery": "b/", "listed": {"lake": 13, "recovery": 0}})
    assert lines_on(console)[3:] == [
        "                    objects       size",
        "same                      0    0 bytes",
        "missing                  12  577 bytes",
        "    2 replication failed",
        "    10 no replication status",
        "not yet replicated        1    5 bytes",
        "    1 replication pending",
        "different                 0    0 bytes",
        "not comparable            0    0 bytes",
        "extra                     0    0 bytes",
    ]


def test_a_session_is_folded_beside_its_number() -> None:
    ended = {"started": "2026-11-27T05:01:57.000Z", "ended": "2026-11-27T05:02:00.000Z", "status": "stopped"}
    who = {"who": "arn:aws:sts::1:assumed-role/on-call/jane", "host": "bastion", "process": 11814, "version": "0.1.0"}
    session = {"session": 1, "kind": "execute", **ended, **who, "reason": "an alarm rang", "summary": None}
    none = dict.fromkeys(("account", "function", "requests", "reason", "next_step", "way_back"))
    nothing: dict[str, Any] = {"source": [], "target": {}, "arguments": {}, "orders": [], "failures": []}
    run = {"run_id": "20261127T050157Z-ed3843", "command": "invalidate", "subject": "E0Y73PEEZ2S0CF"}
    console = screen()
    show_run(console, {**none, **nothing, **session, **run, "sessions": [session], "counts": {"objects_left_out": 0}})
    assert lines_on(console)[-4:] == [
        "Sessions",
        "1  execute, 2026-11-27 05:01:57 to 2026-11-27 05:02:00:",
        "   stopped: an alarm rang",
        "   by jane on bastion, process 11814, cncbops 0.1.0",
    ]


@pytest.mark.parametrize(
    ("width", "left_out"),
    [(60, {"not delivered", "subject", "who"}), (80, {"subject", "who"}), (96, {"who"}), (120, set())],
)
def test_of_runs_the_columns_that_matter_least_are_left_out(width: int, left_out: set[str]) -> None:
    counts = {"matched": 300, "delivered": 298, "failed": 0, "unknown": 0, "not_sent": 2}
    run = {"run_id": "20261127T050157Z-ed3843", "command": "replay", "status": "interrupted", "who": "x:user/al"}
    console = screen(width)
    show_runs(console, [{**run, "function": "f", "subject": "cncb-replaying-events-john-listener", "counts": counts}])
    columns = ("run", "command", "status", "delivered", "not delivered", "subject", "who")
    assert lines_on(console)[0].split() == " ".join(name for name in columns if name not in left_out).split()
