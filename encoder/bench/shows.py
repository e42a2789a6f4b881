"""A rig becomes a show, and the show is decoded and drawn: seconds by stage, bits, milliseconds a frame."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from encoder.bench.figure import Figure
from encoder.config import EncodeConfig
from encoder.pipeline import encode_rig
from player.composite.view import head_view
from player.decode import decode_pictures
from player.feed import ShowFeed
from player.frames import FrameReading, read_frames, reading_for_play
from player.headless import HeadlessRenderer
from protocol.container import Show, open_show

_SIZE = (1280, 720)


def bench_show(rig: Path, quick: bool) -> list[Figure]:
    """Encodes the rig's footage and plays it. The show lies in a temporary folder.

    Raises:
        what `encode_rig` and the player raise.
    """
    config = EncodeConfig()
    if quick:
        config = replace(config, scale=Fraction(1, 2), frames=2, shells=8, layers=4, solve=config.solve.with_steps(2))
    with tempfile.TemporaryDirectory(prefix="lfv-bench-") as folder:
        started = time.perf_counter()
        encoded = encode_rig(rig, Path(folder) / "bench.lfv", config)
        elapsed = time.perf_counter() - started
        with open_show(encoded.path) as show:
            frames = show.index.frame_count
            out = [Figure("encode_seconds_per_frame", elapsed / frames, "s")]
            out += [
                Figure(f"encode_seconds_per_frame_{stage}", seconds / frames, "s")
                for stage, seconds in encoded.seconds.items()
            ]
            bits = 8 * sum(segment.length for chunk in show.index.chunks for segment in chunk.segments)
            out += [
                Figure("bits_per_frame", bits / frames, "bit"),
                Figure("decode_ms_per_frame", _decode_ms(show), "ms"),
                Figure("decode_and_composite_ms_per_frame", _composite_ms(show), "ms"),
            ]
            return out


def _decode_ms(show: Show) -> float:
    """Video alone, on the decoder's own threads; reading the file is left out."""
    chunks = [show.read_chunk(number, 0) for number in range(len(show.index.chunks))]
    started = time.perf_counter()
    count = sum(1 for chunk in chunks for _ in decode_pictures(chunk, show.manifest.rungs[0]))
    return 1e3 * (time.perf_counter() - started) / count


def _composite_ms(show: Show) -> float:
    """The same with the geometry, uploads and a 1280x720 picture of each frame, offscreen; warmed by one frame."""
    width, height = _SIZE
    view = head_view(np.eye(4), width=width, height=height, fov=float(np.radians(75)))
    reading: FrameReading = reading_for_play(show.manifest)
    feed = ShowFeed(show, 0)
    with HeadlessRenderer(show.manifest.projection, show.manifest.rungs[0]) as renderer:
        renderer.set_decoded(next(read_frames(feed, 0, reading)))
        renderer.render(view, dtype="uint8")
        started, count = time.perf_counter(), 0
        for frame in read_frames(feed, 0, reading):
            renderer.set_decoded(frame)
            renderer.render(view, dtype="uint8")
            count += 1
        return 1e3 * (time.perf_counter() - started) / count
