"""Messages between processes, in whatever pieces they come."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.execution.channel import Channel, channel

MESSAGES = st.lists(st.binary(max_size=40) | st.integers(60_000, 200_000).map(bytes), max_size=6)


def received(here: Channel, count: int) -> list[bytes]:
    found: list[bytes] = []
    while len(found) < count:
        found += here.receive()
    return found


@given(messages=MESSAGES)
def test_messages_come_whole_and_in_order(messages: list[bytes]) -> None:
    here, there = channel()
    sending = threading.Thread(target=lambda: [there.send(message) for message in messages])
    sending.start()
    assert received(here, len(messages)) == messages
    sending.join()
    there.close()
    with pytest.raises(EOFError):
        here.receive()
    here.close()


@given(messages=st.lists(st.binary(max_size=20), min_size=1, max_size=4), step=st.integers(1, 30))
def test_a_message_is_not_told_before_it_is_whole(messages: list[bytes], step: int) -> None:
    (here, there), found = channel(), list[bytes]()
    sent = b"".join(len(message).to_bytes(8) + message for message in messages)
    for at in range(0, len(sent), step):
        there._end.sendall(sent[at : at + step])
        found += here.receive()
        assert found == messages[: len(found)]
    assert found == messages
    here.close()
    with pytest.raises(OSError, match="Broken pipe"):
        there.send(b"nobody")
    there.close()
