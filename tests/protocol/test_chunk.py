"""Segments: exact times, one picture per frame, and only FormatError for anything damaged."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import limits
from protocol.chunk import (
    HEADER_BYTES,
    Chunk,
    SoundPacket,
    VideoAccessUnit,
    decode_head,
    decode_segment,
    encode_segment,
)
from protocol.errors import FormatError
from tests.protocol.examples import FRAME_RATE, chunk
from tests.protocol.seals import seal_segment

TIMES = st.fractions(min_value=0, max_value=100_000, max_denominator=(1 << 32) - 1)


@st.composite
def chunks(draw) -> Chunk:
    times = sorted(draw(st.lists(TIMES, min_size=1, max_size=8, unique=True)))
    order = [0, *draw(st.permutations(range(1, len(times))))]
    units = tuple(
        VideoAccessUnit(pts, number == 0 or draw(st.booleans()), draw(st.binary(min_size=1, max_size=20)))
        for number, pts in enumerate(order)
    )
    sound = sorted(draw(st.lists(st.sampled_from(times), max_size=4, unique=True)))
    return Chunk(
        index=draw(st.integers(0, limits.MAX_CHUNKS - 1)),
        rung=draw(st.integers(0, limits.MAX_RUNGS - 1)),
        first_frame=draw(st.integers(0, 1 << 20)),
        start=times[0],
        duration=Fraction(int(times[-1] - times[0]) + 1),
        frame_times=tuple(times),
        geometry=draw(st.binary(min_size=1, max_size=50)),
        video=units,
        sound=tuple(SoundPacket(time, draw(st.binary(min_size=1, max_size=9))) for time in sound),
    )


@given(chunks())
def test_round_trip(original):
    data = encode_segment(original)
    assert decode_segment(data) == original
    head = decode_head(data[:HEADER_BYTES])
    assert head.size == len(data)
    assert (head.geometry_bytes, head.frame_count) == (len(original.geometry), len(original.frame_times))


def test_times_are_exact():
    back = decode_segment(encode_segment(chunk(7)))
    assert back.frame_times[1] == Fraction(22 * 1001, 30000) == 22 / FRAME_RATE
    assert back.end == 24 / FRAME_RATE


GOOD = chunk(1)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"frame_times": GOOD.frame_times[::-1]}, "do not increase"),
        ({"frame_times": (GOOD.frame_times[0],) * 3}, "do not increase"),
        ({"frame_times": GOOD.frame_times[:2]}, "one per frame"),
        ({"frame_times": ()}, "0 frames"),
        ({"start": GOOD.start + Fraction(1, 10**6)}, "outside"),
        ({"duration": GOOD.duration / 2}, "outside"),
        ({"duration": Fraction(0)}, "lasts"),
        ({"start": Fraction(-1)}, "starts"),
        ({"video": GOOD.video[:2]}, "one per frame"),
        ({"video": (*GOOD.video[:2], GOOD.video[0])}, "one per frame"),
        ({"video": GOOD.video[1:] + GOOD.video[:1]}, "key picture"),
        ({"video": (replace(GOOD.video[0], key=False), *GOOD.video[1:])}, "key picture"),
        ({"video": (replace(GOOD.video[0], data=b""), *GOOD.video[1:])}, "empty"),
        ({"geometry": b""}, "geometry"),
        ({"sound": GOOD.sound[::-1]}, "do not increase"),
        ({"sound": (replace(GOOD.sound[0], data=b""),)}, "sound packet"),
        ({"sound": (replace(GOOD.sound[0], data=bytes(70_000)),)}, "sound packet"),
        ({"sound": (SoundPacket(GOOD.end, b"x"),)}, "outside its time"),
        ({"sound": (SoundPacket(GOOD.start - 2, b"x"),)}, "outside its time"),
        ({"rung": 8}, "out of range"),
        ({"index": -1}, "out of range"),
    ],
)
def test_laws(changes, says):
    with pytest.raises(FormatError, match=says):
        encode_segment(replace(GOOD, **changes))


def test_times_that_do_not_fit_are_refused():
    fine = Fraction(1, (1 << 32) + 1)
    with pytest.raises(FormatError, match="denominators"):
        encode_segment(replace(chunk(0, sound=False), frame_times=(fine, 2 * fine, 3 * fine)))


def test_every_cut_and_every_flipped_byte_of_the_tables_is_found():
    data = encode_segment(GOOD)
    for end in range(len(data)):
        with pytest.raises(FormatError):
            decode_segment(data[:end])
    with pytest.raises(FormatError):
        decode_segment(data + b"\0")
    for position in range(HEADER_BYTES + decode_head(data).table_bytes):
        forged = bytearray(data)
        forged[position] ^= 0x40
        with pytest.raises(FormatError):
            decode_segment(bytes(forged))


@given(st.data())
def test_forged_tables_behind_a_right_checksum(data):
    forged = bytearray(encode_segment(GOOD))
    end = HEADER_BYTES + decode_head(bytes(forged)).table_bytes
    for _ in range(data.draw(st.integers(1, 5))):
        forged[data.draw(st.integers(0, end - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(FormatError):
        decode_segment(seal_segment(bytes(forged)))


@given(st.binary(max_size=300))
def test_any_bytes(data):
    with contextlib.suppress(FormatError):
        decode_segment(data)
    with contextlib.suppress(FormatError):
        decode_segment(seal_segment(b"LFVS\x01\x00" + data))
