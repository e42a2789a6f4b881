"""Reading shows over ranges: what is read, what is refused, and with which byte range."""

from __future__ import annotations

import contextlib
import struct
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import limits
from protocol.container import FileSource, MemorySource, open_show
from protocol.errors import FormatError, StorageError
from protocol.fields import pack_document
from protocol.header import HEADER_BYTES, decode_header
from protocol.index import digest, encode_index
from protocol.manifest import manifest_to_document
from protocol.partial import PartialShow
from tests.protocol.examples import chunk, manifest, segments, write_show
from tests.protocol.seals import seal_segment, seal_show


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("show") / "a.lfv"
    write_show(path, chunks=2, rungs=2)
    return path.read_bytes()


@dataclass
class Counting:
    """Memory that remembers what was asked for."""

    data: bytes
    ranges: list[tuple[int, int]] = field(default_factory=list)

    def size(self) -> int:
        return len(self.data)

    def read_range(self, start: int, length: int) -> bytes:
        self.ranges.append((start, length))
        return self.data[start : start + length]


def test_one_range_gives_manifest_and_index_and_one_more_a_segment(show):
    source = Counting(show)
    opened = open_show(source)
    assert source.ranges == [(0, limits.FIRST_READ_BYTES)]
    assert opened.read_chunk(1, 1) == chunk(1, rung=1)
    assert len(source.ranges) == 2
    assert opened.entry(1, 1).offset % 4096 == 0


def test_a_large_front_takes_two_ranges(tmp_path):
    with PartialShow.open_or_create(tmp_path / "a.lfv", fingerprint=b"") as partial:
        for number in range(2):
            partial.append(segments(number))
        partial.finalise(replace(manifest(), poster=b"\xff\xd8\xff" + bytes(200_000)))
    source = Counting((tmp_path / "a.lfv").read_bytes())
    assert len(open_show(source).manifest.poster) == 200_003
    assert [length for _, length in source.ranges] == [65536, source.ranges[1][1]] and len(source.ranges) == 2


def test_an_unfinished_encode_and_a_cut_copy_are_told_what_to_do(tmp_path, show):
    path = tmp_path / "a.lfv"
    with PartialShow.open_or_create(path, fingerprint=b"") as partial:
        partial.append(segments(0))
    left = path.with_name("a.lfv.partial")
    with pytest.raises(FormatError, match="was not finished; give the same command again"):
        open_show(left)
    with pytest.raises(FormatError, match="cut short; copy it again"):
        open_show(MemorySource(show[:-10]))


def test_geometry_is_held_to_the_manifest(show):
    opened = open_show(MemorySource(show))
    assert len(opened.read_geometry(opened.read_chunk(0, 0)).layers) == 2
    strict = replace(opened, manifest=replace(opened.manifest, layer_count=3))
    entry = opened.entry(0, 0)
    with pytest.raises(FormatError, match="chunk 0 rung 0") as error:
        strict.read_geometry(strict.read_chunk(0, 0))
    assert (error.value.start, error.value.end) == (entry.offset, entry.end)


def test_files(tmp_path, show):
    path = tmp_path / "a.lfv"
    path.write_bytes(show)
    with open_show(path) as opened:
        assert opened.manifest.frame_count == 6
        source = opened.source
    assert isinstance(source, FileSource)
    with pytest.raises(StorageError, match="closed"):
        source.read_range(0, 1)


@pytest.mark.parametrize("name", ["missing.lfv", "."])
def test_files_that_cannot_be_read(tmp_path, name):
    with pytest.raises(StorageError):
        open_show(tmp_path / name)


def test_what_is_no_show(tmp_path):
    for data in (b"", b"x", b"\x89PNG\r\n\x1a\n" + bytes(100), bytes(100)):
        path = tmp_path / "x.lfv"
        path.write_bytes(data)
        with pytest.raises(FormatError, match="not a show") as error:
            open_show(path)
        assert str(path) in str(error.value)


def test_versions(show):
    for major, says in ((1, None), (2, "use another lfv"), (0, "use another lfv")):
        forged = bytearray(show)
        struct.pack_into("<HH", forged, 8, major, 7)
        data = seal_show(bytes(forged))
        if says is None:
            assert open_show(MemorySource(data)).header.minor == 7
            continue
        with pytest.raises(FormatError, match=says):
            open_show(MemorySource(data))


def test_truncation_anywhere_is_named(show):
    for end in [*range(200), *range(200, len(show), 997), len(show) - 1]:
        with pytest.raises(FormatError) as error:
            open_show(MemorySource(show[:end]))
        assert error.value.start is not None and error.value.start <= end
    with pytest.raises(FormatError, match="behind its end"):
        open_show(MemorySource(show + b"\0"))


def test_every_byte_of_the_front_counts(show):
    front = decode_header(show).front_bytes
    for position in range(front):
        forged = bytearray(show)
        forged[position] ^= 1
        with pytest.raises(FormatError) as error:
            open_show(MemorySource(bytes(forged)))
        start, end = error.value.start, error.value.end
        assert start is not None and end is not None and start <= position < end


def test_every_byte_of_a_segment_counts(show):
    opened = open_show(MemorySource(show))
    entry = opened.entry(1, 0)
    for position in range(entry.offset, entry.end, 13):
        forged = bytearray(show)
        forged[position] ^= 0x80
        with pytest.raises(FormatError, match="chunk 1 rung 0 has a wrong checksum") as error:
            open_show(MemorySource(bytes(forged))).read_segment(1, 0)
        assert (error.value.start, error.value.end) == (entry.offset, entry.end)


def test_a_segment_in_anothers_place_is_found(show):
    """Right checksums, wrong chunk: the index of a show with two chunks whose segments were swapped."""
    opened = open_show(MemorySource(show))
    with pytest.raises(FormatError, match="another chunk"):
        replace(
            opened,
            index=replace(
                opened.index,
                chunks=tuple(replace(c, segments=c.segments[::-1]) for c in opened.index.chunks),
            ),
        ).read_chunk(0, 0)


def test_manifest_and_index_must_agree(show):
    header = decode_header(show)
    opened = open_show(MemorySource(show))
    packed = pack_document({**manifest_to_document(opened.manifest), "frame_count": 7})
    assert len(packed) == header.manifest_bytes
    data = show[:HEADER_BYTES] + packed + show[HEADER_BYTES + len(packed) :]
    with pytest.raises(FormatError, match="7 frames"):
        open_show(MemorySource(seal_show(data)))


def test_an_index_that_points_elsewhere(show):
    header = decode_header(show)
    opened = open_show(MemorySource(show))
    moved = tuple(
        replace(c, segments=tuple(replace(s, offset=s.offset + 4096) for s in c.segments)) for c in opened.index.chunks
    )
    table = encode_index(replace(opened.index, chunks=moved))
    start = HEADER_BYTES + header.manifest_bytes
    data = show[:start] + table + show[start + len(table) :]
    with pytest.raises(FormatError, match="header says otherwise"):
        open_show(MemorySource(seal_show(data)))


@given(st.data())
def test_forged_fronts_behind_right_checksums(show, data):
    forged = bytearray(show)
    for _ in range(data.draw(st.integers(1, 4))):
        forged[data.draw(st.integers(0, decode_header(show).front_bytes - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(FormatError):
        opened = open_show(MemorySource(seal_show(bytes(forged))))
        for number in range(len(opened.index.chunks)):
            opened.read_geometry(opened.read_chunk(number, 0))


@given(st.data())
def test_forged_segments_behind_right_checksums(show, data):
    """Mutations that pass the digest reach decode_segment and decode_geometry; only FormatError may come out."""
    opened = open_show(MemorySource(show))
    entry = opened.entry(0, 1)
    forged = bytearray(show[entry.offset : entry.end])
    for _ in range(data.draw(st.integers(1, 6))):
        forged[data.draw(st.integers(0, len(forged) - 1))] = data.draw(st.integers(0, 255))
    sealed = seal_segment(bytes(forged))
    whole = show[: entry.offset] + sealed + show[entry.end :]
    first = opened.index.chunks[0]
    segments = (first.segments[0], replace(entry, digest=digest(sealed)))
    chunks = (replace(first, segments=segments), *opened.index.chunks[1:])
    mutated = replace(opened, source=MemorySource(whole), index=replace(opened.index, chunks=chunks))
    with contextlib.suppress(FormatError):
        mutated.read_geometry(mutated.read_chunk(0, 1))


def test_reading_a_path_that_is_text(tmp_path: Path):
    write_show(tmp_path / "a.lfv")
    with open_show(str(tmp_path / "a.lfv")) as opened:
        assert opened.index.rung_count == 1
