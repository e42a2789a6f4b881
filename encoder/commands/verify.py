"""`lfv verify`: every byte of a show is as it was written, and every chunk decodes."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import av

from player.decode import decode_pictures
from protocol.chunk import Chunk
from protocol.container import Show, open_show
from protocol.errors import FormatError
from protocol.manifest import Sound

HELP = "Check a show: every checksum, every chunk's geometry, pictures, sound and times. Names the first bad bytes."
EXAMPLES = """\
  lfv verify show.lfv
  lfv verify show.lfv --json    for programs: {"ok": true, ...} or {"ok": false, "error", "start", "end"}
  lfv verify show.lfv --quick   checksums and structure only, no picture is decoded
"""

# An Opus packet holds at most 120 ms.
_MAX_PACKET_SAMPLES = 5760


@dataclass(frozen=True)
class Verified:
    """What was checked and found whole."""

    bytes: int
    chunks: int
    segments: int
    frames: int
    pictures: int
    sound_packets: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `lfv verify`."""
    parser.add_argument("show", type=Path, help="the .lfv file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="do not decode pictures and sound")


def run(args: argparse.Namespace) -> int:
    """Prints what was checked; a fault is raised, or printed as JSON with exit code 1."""
    try:
        done = verify_show(args.show, decode=not args.quick, progress=_progress if sys.stderr.isatty() else None)
    except FormatError as error:
        if not args.json:
            raise
        print(json.dumps({"ok": False, "error": str(error), "start": error.start, "end": error.end}))
        return error.exit_code
    if args.json:
        print(json.dumps({"ok": True, **asdict(done)}))
    else:
        decoded = f"{done.pictures} pictures and {done.sound_packets} sound packets decoded"
        print(
            f"{args.show}: whole. {done.chunks} chunks in {done.segments} segments, {done.frames} frames, "
            f"{'not decoded' if args.quick else decoded}, {done.bytes} bytes"
        )
    return 0


def verify_show(path: Path, *, decode: bool = True, progress: Callable[[int, int], None] | None = None) -> Verified:
    """Reads all of a show, segment by segment, and stops at the first fault.

    Args:
        decode: also decode every picture and sound packet.
        progress: called with segments done and in all.

    Raises:
        FormatError: with the byte range of what is wrong.
        StorageError: the file cannot be read.
    """
    with open_show(path) as show:
        total = len(show.index.chunks) * show.index.rung_count
        done = Verified(show.header.file_bytes, len(show.index.chunks), 0, show.manifest.frame_count, 0, 0)
        position = show.header.front_bytes
        for number in range(len(show.index.chunks)):
            for rung in range(show.index.rung_count):
                entry = show.entry(number, rung)
                _check_padding(show, position, entry.offset)
                position = entry.end
                pictures, packets = _verify_segment(show, number, rung, decode)
                done = replace(
                    done,
                    segments=done.segments + 1,
                    pictures=done.pictures + pictures,
                    sound_packets=done.sound_packets + packets,
                )
                if progress is not None:
                    progress(done.segments, total)
    return done


def _verify_segment(show: Show, number: int, rung: int, decode: bool) -> tuple[int, int]:
    """-> pictures and sound packets decoded."""
    chunk = show.read_chunk(number, rung)
    show.read_geometry(chunk)
    entry = show.entry(number, rung)
    with _in_range(entry.offset, entry.end):
        if chunk.sound and show.manifest.sound is None:
            raise FormatError(f"chunk {number} rung {rung} has sound, the manifest none")
        if not decode:
            return 0, 0
        pictures = sum(1 for _ in decode_pictures(chunk, show.manifest.rungs[rung]))
        return pictures, 0 if show.manifest.sound is None else _decode_sound(chunk, show.manifest.sound)


def _decode_sound(chunk: Chunk, sound: Sound) -> int:
    """Decodes every packet by itself; -> how many."""
    context = av.CodecContext.create("opus", "r")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate = 48000
    context.layout = "mono" if sound.channels == 1 else f"{sound.channels}c" if sound.channels > 2 else "stereo"
    for packet in chunk.sound:
        where = f"chunk {chunk.index}, sound at {float(packet.pts_s):.3f} s"
        try:
            samples = sum(frame.samples for frame in context.decode(av.Packet(packet.data)))
        except av.FFmpegError as error:
            raise FormatError(f"{where} is damaged ({error.strerror})") from error
        if not 0 < samples <= _MAX_PACKET_SAMPLES:
            raise FormatError(f"{where} decodes to {samples} samples")
    return len(chunk.sound)


def _check_padding(show: Show, start: int, end: int) -> None:
    """Between segments there are zeros, fewer than the alignment."""
    padding = show.source.read_range(start, end - start)
    bad = len(padding) - len(padding.lstrip(b"\0"))
    if bad < len(padding) or len(padding) != end - start:
        raise FormatError("padding between segments is not zero", start=start + bad, end=end)


@contextmanager
def _in_range(start: int, end: int) -> Iterator[None]:
    """Puts the segment's byte range on a FormatError that has none."""
    try:
        yield
    except FormatError as error:
        if error.start is not None:
            raise
        raise FormatError(str(error), start=start, end=end) from error


def _progress(done: int, total: int) -> None:
    print(f"\r{done}/{total} segments", end="\n" if done == total else "", file=sys.stderr, flush=True)
