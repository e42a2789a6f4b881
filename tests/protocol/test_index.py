"""The index: chunks follow each other, segments tile the file."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import FormatError
from protocol.index import (
    ChunkEntry,
    Index,
    SegmentEntry,
    aligned,
    decode_index,
    digest,
    encode_index,
    index_bytes,
)


def _index(lengths: list[list[int]], first: int = 4096) -> Index:
    """One chunk of 1/3 s and 10 frames per row of segment lengths."""
    offset, chunks = first, []
    for number, row in enumerate(lengths):
        segments = []
        for length in row:
            segments.append(SegmentEntry(offset, length, digest(bytes([number]))))
            offset = aligned(offset + length)
        chunks.append(ChunkEntry(Fraction(number, 3), Fraction(1, 3), 10 * number, 10, tuple(segments)))
    return Index(tuple(chunks))


@given(
    st.integers(1, 8).flatmap(lambda n: st.lists(st.lists(st.integers(1, 1 << 27), min_size=n, max_size=n), min_size=1))
)
def test_round_trip(lengths):
    index = _index(lengths)
    data = encode_index(index)
    assert len(data) == index_bytes(len(lengths), len(lengths[0]))
    assert decode_index(data) == index


@given(st.integers(1, 20), st.fractions(0, 7))
def test_the_chunk_at_a_time_holds_it(count, time):
    index = _index([[5]] * count)
    chunk = index.chunks[index.chunk_at(time)]
    assert chunk.start <= time < chunk.end or time >= index.duration
    assert index.chunk_of_frame(10 * count - 1) == count - 1 == index.chunk_at(index.duration)
    assert index.chunk_at(-1) == 0


def test_bits_per_second_are_those_of_the_segments():
    assert _index([[1000, 10], [2000, 20]]).bits_per_second(0) == 3000 * 8 * 3 // 2


def _changed(chunk: int, **changes: object) -> Index:
    good = _index([[5000, 10]] * 3)
    chunks = list(good.chunks)
    chunks[chunk] = replace(chunks[chunk], **changes)
    return Index(tuple(chunks))


SEGMENTS = _index([[5000, 10]] * 3).chunks[1].segments


@pytest.mark.parametrize(
    "wrong",
    [
        Index(()),
        _changed(0, start=Fraction(1)),
        _changed(1, duration=Fraction(1)),
        _changed(2, duration=Fraction(0)),
        _changed(1, first_frame=11),
        _changed(1, frame_count=0),
        _changed(1, segments=SEGMENTS[:1]),
        _changed(1, segments=(SEGMENTS[1], SEGMENTS[0])),
        _changed(1, segments=(SEGMENTS[0], replace(SEGMENTS[1], offset=SEGMENTS[1].offset + 4096))),
        _changed(1, segments=(replace(SEGMENTS[0], length=0), SEGMENTS[1])),
        _changed(1, segments=(replace(SEGMENTS[0], length=1 << 28), SEGMENTS[1])),
        _index([[5]], first=100),
        _index([[1] * 9]),
    ],
)
def test_laws(wrong):
    with pytest.raises(FormatError):
        encode_index(wrong)


@given(st.data())
def test_damage_gives_one_error_or_a_valid_index(data):
    forged = bytearray(encode_index(_index([[5000, 10]] * 3)))
    for _ in range(data.draw(st.integers(1, 4))):
        forged[data.draw(st.integers(0, len(forged) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(FormatError):
        encode_index(decode_index(bytes(forged)))


@given(st.binary(max_size=200))
def test_any_bytes(data):
    with contextlib.suppress(FormatError):
        decode_index(b"LFVI" + data)
