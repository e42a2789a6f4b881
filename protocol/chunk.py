"""A chunk at one rung, and its bytes: the segment. Decodable alone, pairs by timestamp. SPEC section 5."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise

from protocol import limits
from protocol.errors import FormatError

MAGIC = b"LFVS"
VERSION = 1
RATIO = struct.Struct("<qI")
_HEADER = struct.Struct("<4sHHIIII12s12sIIII")
_UNIT = struct.Struct("<IHH")
_PACKET = struct.Struct("<12sI")
_KEY = 1
HEADER_BYTES = _HEADER.size


@dataclass(frozen=True)
class VideoAccessUnit:
    """One coded picture. `pts` is its frame's index within the chunk; units stand in decoding order."""

    pts: int
    key: bool
    data: bytes


@dataclass(frozen=True)
class SoundPacket:
    """One Opus packet; `pts_s` is the show's time of its first sample, pre-skip included, seconds."""

    pts_s: Fraction
    data: bytes


@dataclass(frozen=True)
class Chunk:
    """One closed group of pictures at one rung.

    Attributes:
        index, rung: place in the show's index.
        first_frame: index of its first frame in the show.
        start, duration: seconds of the show's clock.
        frame_times: seconds, one per frame, increasing, within [start, start + duration).
        geometry: bytes of `mesh_codec.encode_geometry` with as many frames.
        video: one access unit per frame; the first is a key picture.
        sound: packets in order of time.
    """

    index: int
    rung: int
    first_frame: int
    start: Fraction
    duration: Fraction
    frame_times: tuple[Fraction, ...]
    geometry: bytes
    video: tuple[VideoAccessUnit, ...]
    sound: tuple[SoundPacket, ...] = ()

    @property
    def end(self) -> Fraction:
        return self.start + self.duration


@dataclass(frozen=True)
class SegmentHead:
    """What stands in a segment's first bytes: enough to index it and to list its sizes by kind."""

    index: int
    rung: int
    first_frame: int
    frame_count: int
    sound_count: int
    start: Fraction
    duration: Fraction
    geometry_bytes: int
    video_bytes: int
    sound_bytes: int

    @property
    def table_bytes(self) -> int:
        return self.frame_count * (RATIO.size + _UNIT.size) + self.sound_count * _PACKET.size

    @property
    def size(self) -> int:
        return HEADER_BYTES + self.table_bytes + self.geometry_bytes + self.video_bytes + self.sound_bytes


def pack_ratio(value: Fraction, name: str) -> bytes:
    """Fraction -> i64 numerator, u32 denominator. Raises FormatError where it does not fit."""
    value = Fraction(value)
    if abs(value) > limits.MAX_DURATION_S or value.denominator >= 1 << 32 or abs(value.numerator) >= 1 << 62:
        raise FormatError(f"{name} {value} s is out of range; give times with denominators below 2**32")
    return RATIO.pack(value.numerator, value.denominator)


def unpack_ratio(data: bytes, name: str) -> Fraction:
    """12 bytes -> Fraction. Raises FormatError unless it is in lowest terms and in range."""
    numerator, denominator = RATIO.unpack(data)
    if denominator == 0:
        raise FormatError(f"{name} has denominator 0")
    out = Fraction(numerator, denominator)
    if out.denominator != denominator or abs(out) > limits.MAX_DURATION_S or abs(numerator) >= 1 << 62:
        raise FormatError(f"{name} is not in lowest terms or out of range")
    return out


def encode_segment(chunk: Chunk) -> bytes:
    """Chunk -> bytes. Raises FormatError where a reader would refuse it."""
    check_chunk(chunk)
    tables = [
        b"".join(pack_ratio(time, "frame time") for time in chunk.frame_times),
        b"".join(_UNIT.pack(len(u.data), u.pts, _KEY if u.key else 0) for u in chunk.video),
        b"".join(_PACKET.pack(pack_ratio(p.pts_s, "sound time"), len(p.data)) for p in chunk.sound),
    ]
    payload = [chunk.geometry, *(u.data for u in chunk.video), *(p.data for p in chunk.sound)]
    head = _HEADER.pack(
        MAGIC,
        VERSION,
        chunk.rung,
        chunk.index,
        chunk.first_frame,
        len(chunk.frame_times),
        len(chunk.sound),
        pack_ratio(chunk.start, "chunk start"),
        pack_ratio(chunk.duration, "chunk duration"),
        len(chunk.geometry),
        sum(len(u.data) for u in chunk.video),
        sum(len(p.data) for p in chunk.sound),
        0,
    )
    crc = zlib.crc32(b"".join((head[:-4], *tables)))
    out = b"".join((head[:-4], struct.pack("<I", crc), *tables, *payload))
    if len(out) > limits.MAX_SEGMENT_BYTES:
        raise FormatError(
            f"segment has {len(out)} bytes, over {limits.MAX_SEGMENT_BYTES}; use shorter chunks or less quality"
        )
    return out


def decode_head(data: bytes) -> SegmentHead:
    """The first HEADER_BYTES of a segment -> SegmentHead, capped. The checksum is `decode_segment`'s to check."""
    if len(data) < HEADER_BYTES:
        raise FormatError("segment is shorter than its header")
    magic, version, rung, index, first, frames, packets, start, duration, geometry, video, sound, _ = (
        _HEADER.unpack_from(data)
    )
    if magic != MAGIC:
        raise FormatError("segment does not start with its header")
    if version != VERSION:
        raise FormatError(f"segment has version {version}; this lfv reads {VERSION}")
    if rung >= limits.MAX_RUNGS or index >= limits.MAX_CHUNKS:
        raise FormatError(f"segment says chunk {index}, rung {rung}")
    if first + frames > limits.MAX_FRAMES or not 1 <= frames <= limits.MAX_FRAMES_PER_CHUNK:
        raise FormatError(f"segment has {frames} frames from {first} on")
    if packets > limits.MAX_SOUND_PACKETS or not 1 <= geometry <= limits.MAX_GEOMETRY_BYTES:
        raise FormatError(f"segment has {packets} sound packets and {geometry} bytes of geometry")
    head = SegmentHead(
        index=index,
        rung=rung,
        first_frame=first,
        frame_count=frames,
        sound_count=packets,
        start=unpack_ratio(start, "chunk start"),
        duration=unpack_ratio(duration, "chunk duration"),
        geometry_bytes=geometry,
        video_bytes=video,
        sound_bytes=sound,
    )
    if head.size > limits.MAX_SEGMENT_BYTES:
        raise FormatError(f"segment declares {head.size} bytes, over {limits.MAX_SEGMENT_BYTES}")
    return head


def decode_segment(data: bytes) -> Chunk:
    """A whole segment -> Chunk with every table checked; geometry and video stay packed. Raises FormatError."""
    head = decode_head(data)
    if head.size != len(data):
        raise FormatError(f"segment has {len(data)} bytes instead of {head.size}")
    tables_end = HEADER_BYTES + head.table_bytes
    if zlib.crc32(data[HEADER_BYTES:tables_end], zlib.crc32(data[: HEADER_BYTES - 4])) != int.from_bytes(
        data[HEADER_BYTES - 4 : HEADER_BYTES], "little"
    ):
        raise FormatError("segment's header has a wrong checksum")
    times_end = HEADER_BYTES + head.frame_count * RATIO.size
    units_end = times_end + head.frame_count * _UNIT.size
    times = data[HEADER_BYTES:times_end]
    frame_times = tuple(unpack_ratio(times[i : i + RATIO.size], "frame time") for i in range(0, len(times), RATIO.size))
    units = list(_UNIT.iter_unpack(data[times_end:units_end]))
    packets = list(_PACKET.iter_unpack(data[units_end:tables_end]))
    if any(flags & ~_KEY for _, _, flags in units):
        raise FormatError("segment has a video unit with unknown flags")
    video_start = tables_end + head.geometry_bytes
    sound_start = video_start + head.video_bytes
    video = _cut(data, video_start, sound_start, [length for length, _, _ in units], "video units")
    sound = _cut(data, sound_start, len(data), [length for _, length in packets], "sound packets")
    chunk = Chunk(
        index=head.index,
        rung=head.rung,
        first_frame=head.first_frame,
        start=head.start,
        duration=head.duration,
        frame_times=frame_times,
        geometry=data[tables_end:video_start],
        video=tuple(
            VideoAccessUnit(pts, bool(flags & _KEY), unit) for (_, pts, flags), unit in zip(units, video, strict=True)
        ),
        sound=tuple(
            SoundPacket(unpack_ratio(time, "sound time"), packet)
            for (time, _), packet in zip(packets, sound, strict=True)
        ),
    )
    check_chunk(chunk)
    return chunk


def check_chunk(chunk: Chunk) -> None:
    """The laws between a chunk's fields (SPEC 5.3). Raises FormatError."""
    name = f"chunk {chunk.index} rung {chunk.rung}"
    count = len(chunk.frame_times)
    if not (0 <= chunk.index < limits.MAX_CHUNKS and 0 <= chunk.rung < limits.MAX_RUNGS and chunk.first_frame >= 0):
        raise FormatError(f"{name} is out of range")
    if not 1 <= count <= limits.MAX_FRAMES_PER_CHUNK:
        raise FormatError(f"{name} has {count} frames; 1 to {limits.MAX_FRAMES_PER_CHUNK} are allowed")
    if chunk.start < 0 or chunk.duration <= 0:
        raise FormatError(f"{name} starts at {chunk.start} s and lasts {chunk.duration} s")
    if any(a >= b for a, b in pairwise(chunk.frame_times)):
        raise FormatError(f"{name} has frame times that do not increase")
    if chunk.frame_times[0] < chunk.start or chunk.frame_times[-1] >= chunk.end:
        raise FormatError(f"{name} has frame times outside {chunk.start} to {chunk.end} s")
    if sorted(u.pts for u in chunk.video) != list(range(count)):
        raise FormatError(f"{name} has {len(chunk.video)} video units that are not one per frame for {count} frames")
    if not chunk.video[0].key or chunk.video[0].pts != 0:
        raise FormatError(f"{name} does not start with the key picture of its first frame")
    if any(not u.data for u in chunk.video):
        raise FormatError(f"{name} has an empty video unit")
    if not 1 <= len(chunk.geometry) <= limits.MAX_GEOMETRY_BYTES:
        raise FormatError(f"{name} has {len(chunk.geometry)} bytes of geometry")
    if len(chunk.sound) > limits.MAX_SOUND_PACKETS:
        raise FormatError(f"{name} has {len(chunk.sound)} sound packets; at most {limits.MAX_SOUND_PACKETS}")
    if any(not 1 <= len(p.data) <= limits.MAX_SOUND_PACKET_BYTES for p in chunk.sound):
        raise FormatError(f"{name} has a sound packet that is empty or over {limits.MAX_SOUND_PACKET_BYTES} bytes")
    if any(a.pts_s >= b.pts_s for a, b in pairwise(chunk.sound)):
        raise FormatError(f"{name} has sound times that do not increase")
    # One second of pre-roll, so that a decoder that starts here has converged.
    if chunk.sound and not chunk.start - 1 <= chunk.sound[0].pts_s <= chunk.sound[-1].pts_s < chunk.end:
        raise FormatError(f"{name} has sound outside its time")


def _cut(data: bytes, start: int, end: int, lengths: list[int], name: str) -> list[bytes]:
    """Consecutive pieces of data[start:end]; their lengths must fill it exactly."""
    if sum(lengths) != end - start:
        raise FormatError(f"segment's {name} do not fill their {end - start} bytes")
    ends = list(accumulate(lengths, initial=start))
    return [data[a:b] for a, b in pairwise(ends)]
