"""Any bytes at any moment: a client ends in one of two errors, a server in an error that it tells; both stay small."""

from __future__ import annotations

import contextlib
import tracemalloc
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import FormatError, StreamError
from protocol.session.messages import Credit, Error, PartHead, Subscribe, decode_message, encode_part_head
from tests.protocol.session.pipe import Pipe
from tests.protocol.session.shows import MemoryShow
from tests.protocol.session.test_client import opened as opened_client
from tests.protocol.session.test_golden_messages import golden
from tests.protocol.session.test_server import drain, say
from tests.protocol.session.test_server import opened as opened_server

SHOW = MemoryShow()


@st.composite
def hostile(draw: st.DrawFn) -> bytes:
    """Random bytes, or a right message with some of its bytes changed, cut off or repeated."""
    data = bytearray(draw(st.sampled_from(sorted(golden().values()))))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    return draw(st.just(bytes(data)) | st.binary(max_size=64) | st.binary(max_size=64).map(lambda b: b"\xc1" + b))


@given(st.lists(hostile(), max_size=12))
def test_a_server_tells_what_was_wrong(messages):
    session, show = opened_server(SHOW)
    for message in messages:
        session.receive(message, now=0.0)
    last = drain(session, show)[-1:]
    if session.closing and last:
        assert isinstance(decode_message(last[0]), Error)


@given(st.lists(hostile(), max_size=12))
def test_a_client_ends_in_one_of_two_errors(messages):
    session = opened_client(SHOW)
    session.subscribe(Fraction(0), rung=0)
    with contextlib.suppress(StreamError, FormatError):
        for message in messages:
            session.receive(message)


@given(st.data())
def test_an_opening_with_one_wrong_byte(data):
    pipe = Pipe(MemoryShow([[20_000, 30]] * 2))
    pipe.up()
    while pipe.serve():
        pass
    which = data.draw(st.sampled_from(range(len(pipe.on_the_way))))
    message = bytearray(pipe.on_the_way[which])
    message[data.draw(st.integers(0, len(message) - 1))] ^= data.draw(st.integers(1, 255))
    pipe.on_the_way[which] = bytes(message)
    with contextlib.suppress(StreamError, FormatError):
        pipe.settle()


def test_a_client_holds_no_more_than_it_was_sent():
    """Of a segment of 128 MiB, 4 MiB come in the smallest parts that there are."""
    show, length = MemoryShow([[10]]), 128 << 20
    show.declare(length)
    session = opened_client(show, credit=8 << 20)
    session.subscribe(Fraction(0), rung=0)
    tracemalloc.start()
    try:
        for at in range(0, 4 << 20, 16_384):
            head = encode_part_head(PartHead(1, 1, 0, 0, at, length))
            session.receive(head + bytes(16_384))
        assert tracemalloc.get_traced_memory()[1] < 4.5 * (1 << 20)
    finally:
        tracemalloc.stop()


def test_a_server_holds_nothing_for_a_client_that_sends_and_never_reads():
    session, _ = opened_server(SHOW)
    stuffed = b"\x83\xa4type\xa4ping\xa2id\x01\xa1x\xc5\xff\x00" + bytes(0xFF00)
    say(session, Subscribe(1, None, 0), Credit(1 << 20))
    tracemalloc.start()
    try:
        for second in range(1000):
            session.receive(bytes(stuffed), now=float(second))
        assert not session.closing
        assert tracemalloc.get_traced_memory()[0] < 1 << 17
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
