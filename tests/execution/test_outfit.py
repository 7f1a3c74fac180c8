"""What a place works with goes to another process whole, also where that has nothing but what it is given."""

import pickle
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from cncbops.aws import Aws, AwsAccess
from cncbops.delivery.invoker import Invoker
from cncbops.execution import processes
from cncbops.execution.executor import Executor, Threads
from cncbops.execution.processes import Processes, with_client
from cncbops.execution.station import Outfit
from cncbops.execution.tasks import Chunk, Cut, CutOff, Portion
from cncbops.formats.families import BY_NAME
from cncbops.function_name import parse_function
from cncbops.kinesis.batching import Mark
from cncbops.kinesis.cutting import Stock
from cncbops.lake.listing import list_objects
from cncbops.lake.sources import LocalSource
from cncbops.recipients import Recipient
from cncbops.request import ReplayRequest
from cncbops.selection.pattern import FilterCriteria
from cncbops.selection.selection import Selection
from cncbops.sending import Sending
from cncbops.session.agenda import Item, WholeLake
from cncbops.session.entry import Entry
from cncbops.session.keeper import NoKeeper
from cncbops.session.progress import Progress
from cncbops.session.undertakings import events_undertaking
from cncbops.target import Mapping, Target
from cncbops.terms import settle
from cncbops.undertaking import Places
from tests.e2e import lakes
from tests.execution.bench import outfit as outfit_with
from tests.test_frozen import request as any_request

NOWHERE = "http://127.0.0.1:1"
FILTERS = ('{"data":{"type":["thing-created","thing-updated"]}}',)
EVENTS = lakes.make_events(60, 5)
PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


def outfit_of(request: ReplayRequest, progress: Progress = Progress(), *, plans: bool = False) -> Outfit:
    """What the places of a replay are given, by the session itself."""
    mapping = Mapping(
        "uuid", "arn:aws:kinesis:us-east-1:123456789012:stream/s1", True, 25, False, False, FILTERS, 0, None
    )
    target = Target(request.function, mappings=[mapping])
    recipient = Recipient(request.function, target, settle(request, target, "us-east-1"))
    undertaking = events_undertaking(request, recipient, WholeLake(request, None), progress, places=Places())
    aws = Aws(AwsAccess(region="us-east-1", endpoint_url=NOWHERE))
    aws.lambda_()  # it has a session now, with all that belongs to one
    return Sending(undertaking, aws, NoKeeper(), threading.Event(), plans=plans)._outfit()


@given(any_request)
def test_whatever_was_asked_for_is_the_same_in_another_process(request: ReplayRequest) -> None:
    assert pickle.loads(pickle.dumps(request)) == request


def test_an_outfit_goes_to_another_process_whole() -> None:
    selection = Selection(("thing-*",), filters=FilterCriteria.parse(FILTERS))
    request = ReplayRequest(
        sources=(LocalSource(Path("lake")),), function=parse_function("fn"), selection=selection, family=BY_NAME["raw"]
    )
    marks = {(1, 0): Mark(2**40, frozenset({3})), (2, 255): Mark(0)}
    progress = Progress(256, marks, frozenset({7}), 3, 9)
    outfit = outfit_of(request, progress)
    there = pickle.loads(pickle.dumps(outfit))
    assert there.aws.access == outfit.aws.access
    assert there.recipients.limits == outfit.recipients.limits
    assert there.recipients.only == outfit.recipients.only
    assert there.reader.args == (request, outfit.recipients.only.terms, progress)
    assert there.s3() is None
    alike = ("lanes", "objects_ahead", "canary", "names_records", "sends")
    assert [getattr(there, name) for name in alike] == [getattr(outfit, name) for name in alike]
    assert isinstance(Invoker(there.aws.lambda_(once=True), "fn", None), Invoker)


def test_a_pattern_matches_in_another_process_as_it_does_here() -> None:
    there = pickle.loads(pickle.dumps(FilterCriteria.parse(FILTERS)))
    assert there == FilterCriteria.parse(FILTERS)
    for kind, matches in (("thing-created", True), ("thing-deleted", False)):
        assert there.matches({}, b'{"type":"%b"}' % kind.encode()) is matches


def outcome(executor: Executor, method: str, *arguments: Any) -> Any:
    found: list[Any] = []
    executor.submit(0, method, *arguments, then=found.append)
    deadline = time.monotonic() + PATIENCE_S
    while not found:
        assert time.monotonic() < deadline
        for then, result in executor.ended(0.25):
            then(result)
    return found[0]


def read_and_cut(executor: Executor, request: ReplayRequest) -> tuple[Portion, CutOff]:
    """A lake as one chunk, read and cut at a place."""
    (source,) = request.sources
    assert isinstance(source, LocalSource)
    objects = [(Item(0, each), Entry(number, 0, each)) for number, each in enumerate(list_objects(source, None))]
    portion = outcome(executor, "read", Chunk(0, objects, 0, True))
    return portion, outcome(executor, "cut", Cut(0, Stock(), flush=True))


def test_a_process_that_starts_from_nothing_reads_and_cuts_as_this_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on systems where a process cannot be forked."""
    for number, body in enumerate(lakes.lake_of(EVENTS, 20).values()):
        (tmp_path / f"{number}").write_bytes(body)
    request = ReplayRequest(sources=(LocalSource(tmp_path),), function=parse_function("fn"))
    outfit = outfit_of(request, plans=True)
    monkeypatch.setattr(processes, "_START", "spawn")
    executors = [Threads(outfit, 2), Processes(replace(outfit), 2, 1)]
    try:
        (here, cut_here), (there, cut_there) = (read_and_cut(executor, request) for executor in executors)
    finally:
        for executor in executors:
            executor.close()
    assert (there.findings.tally, there.first) == (here.findings.tally, here.first)
    assert 0 < here.findings.tally.events.matched < len(EVENTS)
    assert [list(each.places) for each in cut_there.batches] == [list(each.places) for each in cut_here.batches]


@pytest.mark.skipif(processes._START != "fork", reason="what is not forked makes its own")
def test_the_client_of_the_lake_is_made_once_for_all_processes() -> None:
    made: list[object] = []

    def client() -> Any:
        made.append(object())
        return made[-1]

    outfit = with_client(outfit_with(s3=client))
    assert (outfit.s3(), outfit.s3()) == (made[0], made[0])
    assert len(made) == 1
