"""Whole binary messages are taken, the library gets every other byte, wherever the network cuts."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from player.source.websocket_frames import FrameTaker

ANSWER = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
MOST = 100_000


class Seen:
    """What a taker hands out: taken messages and other bytes, in order."""

    def __init__(self, *, closes_after: int | None = None) -> None:
        self.taken: list[bytes] = []
        self.other = b""
        self._closes_after = closes_after
        self.taker = FrameTaker(most=MOST, take=lambda m: self.taken.append(bytes(m)), other=self._other)

    def _other(self, data: bytes) -> bool:
        self.other += data
        return self._closes_after is None or len(self.other) < self._closes_after

    def feed(self, data: bytes, cuts: Sequence[int] = (1 << 20,)) -> None:
        """Piece by piece; `cuts` are the sizes of the pieces, over and over."""
        turn = 0
        while data:
            room = self.taker.room()
            count = min(len(room), len(data), cuts[turn % len(cuts)])
            room[:count] = data[:count]
            data, turn = data[count:], turn + 1
            self.taker.came(count)


def frame(data: bytes, opcode: Opcode = Opcode.BINARY, *, fin: bool = True, mask: bool = False) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=mask)


@pytest.mark.parametrize("size", [1, 125, 126, 4092, 4096, 65535, 65536, MOST])
@pytest.mark.parametrize("cuts", [(1 << 20,), (1,), (7, 1, 4096)])
def test_messages_of_every_size_are_taken(size: int, cuts: tuple[int, ...]) -> None:
    seen = Seen()
    payloads = [bytes([i]) * size for i in range(3)]
    seen.feed(ANSWER + b"".join(map(frame, payloads)), cuts if size < 5000 or cuts != (1,) else (999,))
    assert seen.taken == payloads
    assert seen.other == ANSWER


@pytest.mark.parametrize(
    "odd",
    [
        frame(b"", Opcode.BINARY),
        frame(b"text", Opcode.TEXT),
        frame(b"are you there", Opcode.PING),
        frame(b"", Opcode.PONG),
        frame(b"\x03\xe8bye", Opcode.CLOSE),
        frame(b"first", fin=False) + frame(b"second", Opcode.CONT),
        frame(b"masked", mask=True),
        frame(bytes(MOST + 1)),
        b"\xc2\x03abc",  # an extension's bit
        b"\x83\x03abc",  # no such opcode
    ],
    ids="empty text ping pong close fragments masked large extension opcode".split(),  # a mask is random
)
@pytest.mark.parametrize("cuts", [(1 << 20,), (1, 2, 3)])
def test_everything_else_is_the_librarys_to_the_last_byte(odd: bytes, cuts: tuple[int, ...]) -> None:
    seen = Seen()
    seen.feed(ANSWER + frame(b"one") + odd + frame(b"two"), cuts)
    assert seen.taken == [b"one", b"two"]
    assert seen.other == ANSWER + odd


def test_nothing_is_taken_once_the_connection_is_not_open() -> None:
    refusal = b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n" + frame(b"no frame")
    for cuts in ((1 << 20,), (1,), (5,)):
        seen = Seen(closes_after=1)
        seen.feed(refusal, cuts)
        assert (seen.taken, seen.other) == ([], refusal)
    close = frame(b"\x03\xe8", Opcode.CLOSE)
    seen = Seen(closes_after=len(ANSWER + close))
    seen.feed(ANSWER + frame(b"one") + close + frame(b"two"), (3,))
    assert (seen.taken, seen.other) == ([b"one"], ANSWER + close + frame(b"two"))


FRAMES = st.one_of(
    st.binary(max_size=9000).map(lambda data: (data, True)),
    st.binary(max_size=125).map(lambda data: (data, False)),
)


@given(st.lists(FRAMES, max_size=8), st.lists(st.integers(1, 5000), min_size=1, max_size=9))
def test_order_and_bytes_are_kept_wherever_it_is_cut(frames: list[tuple[bytes, bool]], cuts: list[int]) -> None:
    seen = Seen()
    wire = b"".join(frame(data, Opcode.BINARY if whole else Opcode.PING) for data, whole in frames)
    seen.feed(ANSWER + wire, cuts)
    assert seen.taken == [data for data, whole in frames if whole and data]
    rest = b"".join(frame(d, Opcode.BINARY if whole else Opcode.PING) for d, whole in frames if not whole or not d)
    assert seen.other == ANSWER + rest


@given(st.binary(max_size=3000), st.lists(st.integers(1, 200), min_size=1, max_size=5))
def test_junk_is_passed_on_or_taken_and_never_lost(junk: bytes, cuts: list[int]) -> None:
    seen = Seen()
    seen.feed(ANSWER + junk, cuts)
    assert len(seen.other) + sum(map(len, seen.taken)) <= len(ANSWER + junk)
    assert len(seen.taker.room()) > 0
