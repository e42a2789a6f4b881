"""Differences, zigzag and planes are exactly reversible; zstd frames cannot ask for more than they are allowed."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from protocol import packing
from protocol.errors import FormatError

WORDS = st.sampled_from([np.uint16, np.uint32]).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=9))
)


def test_zigzag_of_small_differences():
    signed = np.array([0, -1, 1, -2, 2, 32767, -32768], np.int16)
    assert packing.zigzag(signed.view(np.uint16)).tolist() == [0, 1, 2, 3, 4, 65534, 65535]


@given(WORDS)
def test_differences_and_planes_are_reversible(words):
    assert np.array_equal(packing.running(packing.differences(words)), words)
    planes = packing.to_planes(words)
    assert len(planes) == words.nbytes
    assert np.array_equal(packing.from_planes(memoryview(planes), words.shape, words.dtype.type), words)


def test_planes_are_lowest_bytes_first():
    assert packing.to_planes(np.array([0x0102, 0x0304], np.uint16)) == bytes([2, 4, 1, 3])


@given(st.binary(max_size=2000))
def test_compression_is_reversible_and_deterministic(data):
    frame = packing.compress(data)
    assert frame == packing.compress(data)
    assert packing.decompress(frame, size=len(data), max_window=1 << 20, name="x") == data


def _refused(frame: bytes, size: int, *, max_window: int = 1 << 23) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(FormatError):
            packing.decompress(frame, size=size, max_window=max_window, name="x")
        assert tracemalloc.get_traced_memory()[1] < 1 << 22
    finally:
        tracemalloc.stop()


def test_bombs_are_refused_before_anything_is_allocated():
    bomb = zstandard.ZstdCompressor(level=19).compress(bytes(1 << 26))
    _refused(bomb, 100)
    # A frame header alone that declares 2**40 bytes: 8 byte content size, single segment.
    _refused(b"\x28\xb5\x2f\xfd\xe0" + (1 << 40).to_bytes(8, "little") + b"\x01\x00\x00", 100)
    _refused(b"\x28\xb5\x2f\xfd\xe0" + b"\xff" * 8 + b"\x01\x00\x00", 100)


def test_frames_of_another_shape_are_refused():
    data = bytes(range(200)) * 10
    frame = packing.compress(data)
    unsized = zstandard.ZstdCompressor(write_content_size=False).compress(data)
    wide = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters.from_level(3, window_log=25)
    ).compressobj(size=len(data))
    for bad in (
        unsized,
        frame + b"\0",
        frame + frame,
        frame[:-1],
        frame[:-1] + bytes([frame[-1] ^ 1]),
        b"",
        b"\x50\x2a\x4d\x18\x04\0\0\0abcd",
    ):
        _refused(bad, len(data))
    assert zstandard.get_frame_parameters(wide.compress(data) + wide.flush()).content_size == len(data)
    big = zstandard.ZstdCompressor(level=3).compress(bytes(1 << 22))
    _refused(big, 1 << 22, max_window=1 << 16)
