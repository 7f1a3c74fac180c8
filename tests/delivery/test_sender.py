"""One batch, whatever the function and the network answer: each record ends with exactly one fate.

`Network` stands for them: it answers each invocation by what a test says of its records. After each the sender says
how it goes on; between two of them nothing waits here.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cncbops.delivery import sender
from cncbops.delivery.answers import Answer, Kind
from cncbops.delivery.outcome import Outcome
from cncbops.delivery.sender import (
    LONGEST_PAUSE_S,
    SERVICE_ATTEMPTS,
    Delivery,
    OnUnknown,
    PartialResponses,
    Sender,
    SendPolicy,
    Step,
)
from cncbops.kinesis.batching import Batch
from tests.delivery.batches import batch, batch_of, record
from tests.examples import more_examples

TAKEN = Answer(Kind.TAKEN, body=b"null")
FUNCTION_ERROR = Answer(Kind.FUNCTION_ERROR, "ValueError", "a poison record")
THROTTLED = Answer(Kind.THROTTLED, "TooManyRequestsException", "Rate Exceeded.")
NOT_READY = Answer(Kind.NOT_READY, "ResourceConflictException", "Pending")
TRANSIENT = Answer(Kind.TRANSIENT, "ServiceException", "500")
UNREACHABLE = Answer(Kind.UNREACHABLE, "EndpointConnectionError", "no route")
UNKNOWN = Answer(Kind.UNKNOWN, "ReadTimeoutError", "the answer was lost")
TOO_LARGE = Answer(Kind.TOO_LARGE, "RequestTooLargeException", "413")
REJECTED = Answer(Kind.REJECTED, "InvalidRequestContentException", "400")
REFUSED = Answer(Kind.REFUSED, "cannot invoke fn: access denied", "Ask for lambda:InvokeFunction")
NONSENSE = Answer(Kind.TAKEN, body=b'{"batchItemFailures":[{}]}')
PLAIN = SendPolicy(bisect=False)


def naming(*numbers: int) -> Answer:
    failures = [{"itemIdentifier": str(number)} for number in numbers]
    return Answer(Kind.TAKEN, body=json.dumps({"batchItemFailures": failures}).encode())


class Network:
    """Answers by `judge`, which is given the records' numbers and how many invocations came before."""

    def __init__(self, judge: Callable[[list[int], int], Answer]) -> None:
        self._judge = judge
        self.sent: list[list[int]] = []
        self.asynchronous: list[bool] = []

    def __call__(self, payload: bytes, *, asynchronous: bool) -> Answer:
        numbers = [each["n"] for each in json.loads(payload)["Records"]]
        self.sent.append(numbers)
        self.asynchronous.append(asynchronous)
        return self._judge(numbers, len(self.sent) - 1)


def script(*answers: Answer) -> Network:
    """Answers in turn, and the last for ever."""
    return Network(lambda _, turn: answers[min(turn, len(answers) - 1)])


def steps(
    network: Network,
    whole: Batch,
    policy: SendPolicy = PLAIN,
    stop: threading.Event | None = None,
    jitter: Callable[[], float] = lambda: 0.0,
) -> Iterator[Step]:
    """Send a batch until its end, or until it is to stop: what each invocation came to."""
    sender, delivery = Sender(network, policy, jitter), Delivery(whole)
    while True:
        is_stopped = stop is not None and stop.is_set()
        step = delivery.abandon() if is_stopped else sender.attempt(delivery)
        yield step
        if step.outcome:
            return


def send(network: Network, whole: Batch, policy: SendPolicy = PLAIN, stop: threading.Event | None = None) -> Outcome:
    found = list(steps(network, whole, policy, stop))
    assert [step.outcome for step in found[:-1]] == [None] * (len(found) - 1)
    outcome = found[-1].outcome
    assert outcome
    assert fates(outcome) == [int(each.sequence_number) for each in whole.records]
    calls = outcome.calls
    assert calls.total == len(network.sent) == calls.succeeded + calls.failed + calls.throttled + calls.unknown
    assert sum(step.kind is not None for step in found) == calls.total
    assert outcome.tally == (sum(step.delivered for step in found), sum(step.failed for step in found))
    assert [step.weight for step in found[: len(network.sent) - 1]] == [len(sent) for sent in network.sent[1:]]
    return outcome


def fates(outcome: Outcome) -> list[int]:
    """The numbers of all records, whatever became of them, with repetitions if there were any."""
    settled = [*outcome.delivered, *outcome.not_sent, *(each.record for each in outcome.failed + outcome.unknown)]
    return sorted(int(each.sequence_number) for each in settled)


def numbers(records: Iterable[object]) -> list[int]:
    return [int(getattr(each, "record", each).sequence_number) for each in records]  # type: ignore[attr-defined]


def test_a_batch_that_is_taken_is_delivered_in_one_invocation() -> None:
    network = script(TAKEN)
    outcome = send(network, batch(5))
    assert (network.sent, numbers(outcome.delivered)) == ([[0, 1, 2, 3, 4]], [0, 1, 2, 3, 4])
    assert (outcome.calls.total, outcome.calls.retried, outcome.calls.bytes) == (1, 0, batch(5).payload_bytes)


# Function errors


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_a_failing_batch_is_tried_as_often_as_allowed_and_then_set_aside(attempts: int) -> None:
    outcome = send(script(FUNCTION_ERROR), batch(3), SendPolicy(max_attempts=attempts, bisect=False))
    assert (outcome.calls.total, outcome.calls.retried, outcome.calls.failed) == (attempts, attempts - 1, attempts)
    assert [(each.error, each.message) for each in outcome.failed] == [("ValueError", "a poison record")] * 3


@settings(deadline=None)
@given(st.sets(st.integers(0, 19)), st.integers(1, 20), st.integers(1, 3))
def test_bisecting_finds_exactly_the_poison_records(poison: set[int], size: int, attempts: int) -> None:
    network = Network(lambda found, _: FUNCTION_ERROR if poison & set(found) else TAKEN)
    outcome = send(network, batch(size), SendPolicy(max_attempts=attempts))
    assert set(numbers(outcome.failed)) == poison & set(range(size))
    assert numbers(outcome.delivered) == [number for number in range(size) if number not in poison]
    tries = Counter(number for found in network.sent if len(found) == 1 for number in found)
    assert all(tries[number] == attempts for number in numbers(outcome.failed))


def test_a_split_goes_on_with_its_first_part_until_that_is_settled() -> None:
    network = Network(lambda found, _: FUNCTION_ERROR if 0 in found else TAKEN)
    send(network, batch(4), SendPolicy(max_attempts=2))
    assert network.sent == [[0, 1, 2, 3], [0, 1], [0], [0], [1], [2, 3]]


def test_half_of_a_batch_is_a_retry_of_its_records_though_each_has_one_attempt() -> None:
    network = Network(lambda found, _: FUNCTION_ERROR if 0 in found else TAKEN)
    outcome = send(network, batch(4), SendPolicy(max_attempts=1))
    assert network.sent == [[0, 1, 2, 3], [0, 1], [0], [1], [2, 3]]
    assert (outcome.calls.total, outcome.calls.retried) == (5, 4)


# Partial batch responses


PARTIAL = SendPolicy(max_attempts=3, bisect=False, partial_responses="strict")


def test_without_the_setting_a_response_is_not_looked_at() -> None:
    assert numbers(send(script(naming(0)), batch(3)).delivered) == [0, 1, 2]


def test_from_the_lowest_record_named_on_all_are_sent_again() -> None:
    network = script(naming(4, 2), TAKEN)
    outcome = send(network, batch(6), PARTIAL)
    assert network.sent == [[0, 1, 2, 3, 4, 5], [2, 3, 4, 5]]
    assert (numbers(outcome.delivered), outcome.calls.retried) == ([0, 1, 2, 3, 4, 5], 1)


def test_a_record_that_is_always_named_is_set_aside_and_the_rest_goes_on() -> None:
    network = Network(lambda found, _: naming(2) if 2 in found else TAKEN)
    outcome = send(network, batch(5), PARTIAL)
    assert network.sent == [[0, 1, 2, 3, 4], [2, 3, 4], [2, 3, 4], [3, 4]]
    assert (numbers(outcome.failed), numbers(outcome.delivered)) == ([2], [0, 1, 3, 4])
    assert outcome.failed[0].error == "BatchItemFailure"


def test_a_record_that_comes_first_after_others_were_done_begins_its_attempts_anew() -> None:
    network = script(naming(1), naming(2), TAKEN)
    outcome = send(network, batch(4), SendPolicy(max_attempts=2, bisect=False, partial_responses="strict"))
    assert network.sent == [[0, 1, 2, 3], [1, 2, 3], [2, 3]]
    assert (outcome.failed, numbers(outcome.delivered)) == ([], [0, 1, 2, 3])


def test_each_record_that_is_named_first_has_all_its_attempts() -> None:
    network = Network(lambda found, _: naming(found[0]))
    outcome = send(network, batch(3), PARTIAL)
    assert (numbers(outcome.failed), len(network.sent)) == ([0, 1, 2], 9)


@pytest.mark.parametrize(
    "body",
    [
        b'{"batchItemFailures":[{"itemIdentifier":"77"}]}',
        b'{"batchItemFailures":[{"itemIdentifier":""}]}',
        b'{"batchItemFailures":[{"itemIdentifier":null}]}',
        b'{"batchItemFailures":[{"id":"1"}]}',
    ],
)
def test_a_response_that_makes_no_sense_fails_the_whole_batch(body: bytes) -> None:
    outcome = send(script(Answer(Kind.TAKEN, body=body)), batch(3), PARTIAL)
    assert (numbers(outcome.failed), outcome.calls.total) == ([0, 1, 2], 3)
    assert {each.error for each in outcome.failed} == {"InvalidBatchResponse"}


def test_a_response_that_makes_no_sense_is_bisected_like_any_error() -> None:
    network = Network(lambda found, _: NONSENSE if 1 in found else TAKEN)
    assert numbers(send(network, batch(4), SendPolicy(partial_responses="strict")).failed) == [1]


def test_where_nobody_said_that_responses_count_one_that_makes_no_sense_does_not() -> None:
    lenient = SendPolicy(partial_responses="lenient")
    assert numbers(send(script(NONSENSE), batch(3), lenient).delivered) == [0, 1, 2]
    network = script(naming(1), TAKEN)
    assert numbers(send(network, batch(3), lenient).delivered) == [0, 1, 2]
    assert network.sent == [[0, 1, 2], [1, 2]]


# Not the records' fault


@pytest.mark.parametrize("hold", [THROTTLED, NOT_READY])
def test_waiting_for_room_is_no_attempt(hold: Answer) -> None:
    outcome = send(script(*[hold] * 30, TAKEN), batch(3), SendPolicy(max_attempts=1))
    assert (numbers(outcome.delivered), outcome.calls.total, outcome.calls.retried) == ([0, 1, 2], 31, 30)
    assert outcome.calls.throttled == (30 if hold is THROTTLED else 0)


def pauses(network: Network, jitter: float = 0.0) -> list[float]:
    """How long after each invocation but the last the next is to come."""
    return [step.pause_s for step in steps(network, batch(1), jitter=lambda: jitter)][:-1]


def test_retry_after_is_waited_for() -> None:
    assert pauses(script(Answer(Kind.THROTTLED, retry_after_s=7.0), TAKEN)) == [7.0]


def test_an_absurd_retry_after_is_not_waited_out() -> None:
    assert pauses(script(Answer(Kind.THROTTLED, retry_after_s=1e12), TAKEN)) == [sender.PATIENCE_S]


def test_pauses_double_up_to_a_bound_and_begin_anew_when_the_function_was_reached() -> None:
    network = script(*[THROTTLED] * 9, FUNCTION_ERROR, THROTTLED, TAKEN)
    doubling = [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, LONGEST_PAUSE_S, LONGEST_PAUSE_S]
    assert pauses(network, jitter=1.0) == pytest.approx([*doubling, 0.2, 0.2])


def test_a_pause_is_anything_up_to_its_span() -> None:
    assert pauses(script(*[THROTTLED] * 3, TAKEN), jitter=0.25) == pytest.approx([0.05, 0.1, 0.2])


def test_the_parts_of_what_was_split_follow_at_once() -> None:
    network = Network(lambda found, _: FUNCTION_ERROR if len(found) > 1 else TAKEN)
    found = steps(network, batch(4), SendPolicy(), jitter=lambda: 1.0)
    assert {step.pause_s for step in found} == {0.0}


def test_a_service_that_fails_is_tried_for_a_while_before_the_records_fail() -> None:
    outcome = send(script(TRANSIENT), batch(2))
    assert (numbers(outcome.failed), outcome.calls.total, outcome.refusal) == ([0, 1], SERVICE_ATTEMPTS, None)


def test_a_failing_service_has_attempts_of_its_own() -> None:
    assert send(script(TRANSIENT), batch(2), SendPolicy(service_attempts=20)).calls.total == 20


def test_throttling_does_not_use_up_the_attempts_of_a_failing_service() -> None:
    network = script(*[THROTTLED] * 20, *[TRANSIENT] * (SERVICE_ATTEMPTS - 1), TAKEN)
    assert numbers(send(network, batch(2)).delivered) == [0, 1]


def test_a_service_that_is_out_of_reach_ends_the_run_and_leaves_the_records() -> None:
    outcome = send(script(UNREACHABLE), batch(2))
    assert (numbers(outcome.not_sent), outcome.calls.total) == ([0, 1], SERVICE_ATTEMPTS)
    assert "could not be reached: no route" in str(outcome.refusal)


def test_a_function_that_takes_nothing_for_too_long_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "PATIENCE_S", 0.0)
    outcome = send(script(THROTTLED), batch(2))
    assert numbers(outcome.not_sent) == [0, 1]
    assert "TooManyRequestsException" in str(outcome.refusal)


def test_patience_begins_anew_when_the_function_was_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(0, 10_000, 800))
    monkeypatch.setattr("cncbops.delivery.sender.time.monotonic", lambda: float(next(now)))
    network = script(THROTTLED, THROTTLED, FUNCTION_ERROR, THROTTLED, THROTTLED, TAKEN)
    assert numbers(send(network, batch(2)).delivered) == [0, 1]


def test_a_refusal_ends_the_run_and_leaves_what_was_not_done() -> None:
    network = script(naming(2), REFUSED)
    outcome = send(network, batch(4), PARTIAL)
    assert (numbers(outcome.delivered), numbers(outcome.not_sent)) == ([0, 1], [2, 3])
    assert outcome.refusal is not None
    assert (outcome.refusal.what, outcome.refusal.next_step) == (REFUSED.error, REFUSED.message)


def test_a_payload_that_is_too_large_is_halved_and_a_record_alone_fails() -> None:
    network = Network(lambda found, _: TOO_LARGE if len(found) > 2 or 4 in found else TAKEN)
    outcome = send(network, batch(5))
    assert (numbers(outcome.failed), numbers(outcome.delivered)) == ([4], [0, 1, 2, 3])
    assert network.sent == [[0, 1, 2, 3, 4], [0, 1, 2], [0, 1], [2], [3, 4], [3], [4]]


def test_a_payload_that_is_rejected_fails_at_once() -> None:
    outcome = send(script(REJECTED), batch(2))
    assert (numbers(outcome.failed), outcome.calls.total) == ([0, 1], 1)


# Lost answers


def test_a_lost_answer_is_unknown_when_it_is_not_to_be_retried() -> None:
    outcome = send(script(UNKNOWN), batch(2), SendPolicy(on_unknown="fail"))
    assert (numbers(outcome.unknown), outcome.calls.total, outcome.possible_duplicates) == ([0, 1], 1, 0)
    assert (outcome.calls.unknown, outcome.calls.succeeded) == (1, 0)


def test_answers_that_are_always_lost_end_as_unknown() -> None:
    outcome = send(script(UNKNOWN), batch(2), SendPolicy(max_attempts=3))
    assert (numbers(outcome.unknown), outcome.calls.total, outcome.possible_duplicates) == ([0, 1], 3, 4)
    assert outcome.unknown[0].error == "ReadTimeoutError"


def test_records_sent_again_after_a_lost_answer_are_possible_duplicates() -> None:
    outcome = send(script(UNKNOWN, TAKEN), batch(3))
    assert (numbers(outcome.delivered), outcome.possible_duplicates, outcome.calls.retried) == ([0, 1, 2], 3, 1)


def test_a_duplicate_is_possible_only_where_the_function_was_reached_again() -> None:
    assert send(script(UNKNOWN, THROTTLED, THROTTLED, TAKEN), batch(3)).possible_duplicates == 3
    refused = send(script(UNKNOWN, THROTTLED, REFUSED), batch(3))
    assert (refused.possible_duplicates, numbers(refused.unknown)) == (0, [0, 1, 2])


def test_a_function_error_after_a_lost_answer_is_a_failure() -> None:
    outcome = send(script(UNKNOWN, FUNCTION_ERROR), batch(2))
    assert (numbers(outcome.failed), outcome.possible_duplicates) == ([0, 1], 2)


@pytest.mark.parametrize("last", [TRANSIENT, UNREACHABLE, REJECTED, REFUSED])
def test_what_may_have_been_taken_is_never_called_failed_or_unsent(last: Answer) -> None:
    outcome = send(script(UNKNOWN, last), batch(2))
    assert numbers(outcome.unknown) == [0, 1]
    assert outcome.unknown[0].error == "ReadTimeoutError"


def test_doubt_stays_with_what_follows_a_record_set_aside() -> None:
    network = script(UNKNOWN, naming(0), naming(0), REFUSED)
    outcome = send(network, batch(3), PARTIAL)
    assert (numbers(outcome.failed), numbers(outcome.unknown)) == ([0], [1, 2])


def test_a_stop_leaves_what_may_have_been_taken_as_unknown() -> None:
    stop = threading.Event()

    def lose_and_stop(_numbers: list[int], _turn: int) -> Answer:
        stop.set()
        return UNKNOWN

    outcome = send(Network(lose_and_stop), batch(2), stop=stop)
    assert (numbers(outcome.unknown), outcome.calls.total) == ([0, 1], 1)


# The invocation


@pytest.mark.parametrize(
    ("limit", "asynchronous"), [(None, [False]), (10_000, [True]), (batch(3).payload_bytes, [True]), (100, [False])]
)
def test_a_payload_goes_asynchronously_where_asked_and_where_it_fits(
    limit: int | None, asynchronous: list[bool]
) -> None:
    network = script(TAKEN)
    send(network, batch(3), SendPolicy(async_payload_bytes=limit))
    assert network.asynchronous == asynchronous


def test_a_stopped_run_sends_nothing() -> None:
    stop = threading.Event()
    stop.set()
    outcome = send(script(TAKEN), batch(2), stop=stop)
    assert (numbers(outcome.not_sent), outcome.calls.total) == ([0, 1], 0)


def test_a_batch_that_was_given_up_is_not_sent_any_more() -> None:
    network = script(naming(2))
    delivery = Delivery(batch(4))
    step = Sender(network, PARTIAL, jitter=lambda: 0.0).attempt(delivery)
    assert (step.delivered, step.failed, step.outcome, step.weight) == (2, 0, None, 2)
    last = delivery.abandon()
    assert last.outcome
    assert (last.kind, last.delivered, last.failed) == (None, 0, 0)
    assert (numbers(last.outcome.delivered), numbers(last.outcome.not_sent)) == ([0, 1], [2, 3])


def test_a_refusal_is_the_end_of_a_batch_also_where_some_of_it_is_left() -> None:
    network = script(FUNCTION_ERROR, REFUSED)
    (first, last) = steps(network, batch(4), SendPolicy())
    assert (first.outcome, first.weight) == (None, 2)
    assert last.outcome
    assert (numbers(last.outcome.not_sent), len(network.sent)) == ([0, 1, 2, 3], 2)


def test_a_defect_is_raised() -> None:
    def defective(_: bytes, *, asynchronous: bool) -> Answer:
        raise ZeroDivisionError(asynchronous)

    with pytest.raises(ZeroDivisionError):
        Sender(defective, PLAIN).attempt(Delivery(batch(1)))


def test_each_step_tells_of_what_kind_its_answer_was() -> None:
    kinds = [step.kind for step in steps(script(THROTTLED, FUNCTION_ERROR, UNKNOWN, TAKEN), batch(1))]
    assert kinds == [Kind.THROTTLED, Kind.FUNCTION_ERROR, Kind.UNKNOWN, Kind.TAKEN]


def test_records_are_told_as_they_come_to_their_end() -> None:
    network = Network(lambda found, _: FUNCTION_ERROR if 1 in found else TAKEN)
    told = [(step.delivered, step.failed) for step in steps(network, batch(4), SendPolicy(max_attempts=1))]
    assert told == [(0, 0), (0, 0), (1, 0), (0, 1), (2, 0)]


# Whatever happens


ANSWERS = [
    *[TAKEN] * 3,
    FUNCTION_ERROR,
    THROTTLED,
    NOT_READY,
    TRANSIENT,
    UNREACHABLE,
    UNKNOWN,
    TOO_LARGE,
    REJECTED,
    REFUSED,
    NONSENSE,
]
policies = st.builds(
    SendPolicy,
    st.integers(1, 4),
    st.booleans(),
    st.sampled_from(get_args(OnUnknown)),
    st.sampled_from(get_args(PartialResponses)),
    st.sampled_from([None, 200, 10_000]),
)


@more_examples(10)
@given(st.data(), policies, st.integers(1, 9), st.sets(st.integers(0, 8)), st.integers(0, 40))
def test_whatever_is_answered_every_record_has_exactly_one_fate_and_order_holds(
    data: st.DataObject, policy: SendPolicy, size: int, poison: set[int], stop_after: int
) -> None:
    stop = threading.Event()
    done: list[int] = []

    def judge(found: list[int], turn: int) -> Answer:
        if turn >= stop_after:
            stop.set()
        answer = data.draw(st.sampled_from(ANSWERS))
        if answer is TAKEN and poison & set(found):
            answer = FUNCTION_ERROR
            if policy.partial_responses != "ignored":
                done.extend(number for number in found if number < min(poison & set(found)))
                return naming(*poison & set(found))
        if answer is TAKEN or (answer is NONSENSE and policy.partial_responses != "strict"):
            done.extend(found)
        return answer

    network = Network(judge)
    outcome = send(network, batch(size), policy, stop)
    assert numbers(outcome.delivered) == done
    assert done == sorted(done)
    assert all(found == list(range(found[0], found[-1] + 1)) for found in network.sent)
    firsts = [found[0] for found in network.sent]
    assert firsts == sorted(firsts)
    if policy.on_unknown == "fail":
        assert outcome.possible_duplicates == 0


def test_one_sender_serves_many_threads_at_once() -> None:
    network = Network(lambda found, turn: THROTTLED if turn % 3 == 0 else TAKEN)
    shared = Sender(network, PLAIN, jitter=lambda: 0.0)
    outcomes: list[Outcome] = []

    def deliver(number: int) -> None:
        delivery = Delivery(batch_of(record(number)))
        while not (outcome := shared.attempt(delivery).outcome):
            pass
        outcomes.append(outcome)

    threads = [threading.Thread(target=deliver, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(number for outcome in outcomes for number in numbers(outcome.delivered)) == list(range(40))
    assert sum(outcome.calls.total for outcome in outcomes) == len(network.sent)
