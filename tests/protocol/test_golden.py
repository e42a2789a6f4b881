"""The bytes of the format: a checked-in show is read as what it was, and writing that again gives the same bytes.

python tests/protocol/test_golden.py --regenerate     (only with a new version of the format)
"""

from __future__ import annotations

import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from protocol import packing
from protocol.chunk import encode_segment
from protocol.container import MemorySource, open_show
from protocol.header import encode_front
from protocol.manifest import encode_manifest, manifest_to_document
from protocol.mesh_codec import encode_geometry

GOLDEN = Path(__file__).parent / "golden" / "tiny.show"
GOLDEN_1_0 = GOLDEN.with_name("tiny_1_0.show")  # of format 1.0, which nobody writes any more


def test_the_first_bytes_are_those_of_the_specification():
    data = GOLDEN.read_bytes()
    assert len(data) < 10_000
    assert data[:16].hex() == "894c46560d0a1a0a0100010000000000"
    show = open_show(MemorySource(data))
    assert show.entry(0, 0).offset == 4096 and show.entry(1, 0).offset == 8192
    assert data[4096:4108].hex() == "4c465653010000000000" + "0000"


def test_it_is_read_as_what_was_written():
    from tests.protocol import examples

    show = open_show(MemorySource(GOLDEN.read_bytes()))
    assert manifest_to_document(show.manifest) == manifest_to_document(examples.manifest())
    assert [entry.start for entry in show.index.chunks] == [0, Fraction(3003, 30000)]
    for number in range(2):
        chunk = show.read_chunk(number, 0)
        assert chunk.frame_times == tuple(Fraction(1001 * (3 * number + i), 30000) for i in range(3))
        assert [unit.key for unit in chunk.video] == [True, False, False] and len(chunk.sound) == 2
        ours, theirs = examples.geometry(3), show.read_geometry(chunk)
        for a, b in zip(ours.layers, theirs.layers, strict=True):
            assert a.rects == b.rects
            assert all(np.array_equal(getattr(a, k), getattr(b, k)) for k in ("points", "triangles", "triangle_rect"))
            assert np.abs(a.disparities - b.disparities).max() <= np.ptp(a.disparities) / 65535


def test_a_show_of_1_0_is_read_as_what_was_written():
    from tests.protocol import examples

    old, new = (open_show(MemorySource(path.read_bytes())) for path in (GOLDEN_1_0, GOLDEN))
    assert (old.header.minor, new.header.minor) == (0, 1)
    rungs = tuple(replace(rung, cost=None) for rung in examples.manifest().rungs)
    same = replace(examples.manifest(), rungs=rungs, thumbnails=())
    assert manifest_to_document(old.manifest) == manifest_to_document(same)
    for number in range(2):
        assert old.read_segment(number, 0) == new.read_segment(number, 0)
        assert len(old.read_geometry(old.read_chunk(number, 0)).layers) == 2


def test_writing_it_again_gives_the_same_bytes():
    data = GOLDEN.read_bytes()
    show = open_show(MemorySource(data))
    front = encode_front(show.manifest, show.index)
    assert front == data[: len(front)]
    assert encode_manifest(show.manifest) == data[64 : 64 + show.header.manifest_bytes]
    for number in range(2):
        chunk, entry = show.read_chunk(number, 0), show.entry(number, 0)
        assert encode_segment(chunk) == data[entry.offset : entry.end]
        again = encode_geometry(show.read_geometry(chunk))
        # Another zstd library may pack the same bytes otherwise; what it packs may not differ.
        table = 12 + 2 * 24
        assert again[:table] == chunk.geometry[:table]
        assert _unpacked(again[table:]) == _unpacked(chunk.geometry[table:])


def _unpacked(frame: bytes) -> bytes:
    import zstandard

    size = zstandard.get_frame_parameters(frame).content_size
    return packing.decompress(frame, size=size, max_window=1 << 23, name="golden")


if __name__ == "__main__" and "--regenerate" in sys.argv:
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from tests.protocol.examples import write_show

    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.unlink(missing_ok=True)
    write_show(GOLDEN)
    sys.stdout.write(f"{GOLDEN}: {GOLDEN.stat().st_size} bytes\n")
