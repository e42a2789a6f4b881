"""Small pictures for a player's timeline, from the finished chunks: what they show is what is seen."""

from __future__ import annotations

import logging
from contextlib import closing
from fractions import Fraction

import numpy as np

from encoder.jpeg import jpeg
from player.composite.view import head_view
from player.feed import Feed
from player.frames import chunk_frames, reading_for_play
from player.headless import HeadlessRenderer
from protocol.errors import DisplayError
from protocol.records import Thumbnail

log = logging.getLogger(__name__)
# So many of this size and quality take about 40 kB: header, manifest and index of most shows stay within the first
# 64 KiB, which players ask for at once (SPEC 3).
_MOST = 20
_SIZE = (128, 72)
_QUALITY = 6
_FOV = np.radians(75.0)


def make_thumbnails(feed: Feed) -> tuple[Thumbnail, ...]:
    """The first frames of chunks spread evenly over the show, as the feed's rung shows them from the origin.

    A show of one chunk needs none: it has a poster. Without OpenGL there are none either, which is logged.

    Raises:
        FormatError, StorageError: a chunk cannot be read.
    """
    chunks = len(feed.index.chunks)
    count = min(chunks, _MOST)
    if count < 2:
        return ()
    try:
        with HeadlessRenderer(feed.manifest.projection, background=feed.manifest.background, samples=2) as renderer:
            return tuple(_thumbnail(feed, number * chunks // count, renderer) for number in range(count))
    except DisplayError as error:
        log.warning("no thumbnails: %s", error)
        return ()


def _thumbnail(feed: Feed, number: int, renderer: HeadlessRenderer) -> Thumbnail:
    chunk = feed.chunk(number, lambda: False)
    assert chunk is not None
    with closing(chunk_frames(feed, chunk, reading_for_play(feed.manifest))) as frames:
        frame = next(frames)
    renderer.set_decoded(frame)
    width, height = _SIZE
    view = head_view(np.eye(4), width=width, height=height, fov=float(_FOV))
    return Thumbnail(Fraction(frame.time), jpeg(renderer.render(view, dtype="uint8")[..., :3], quality=_QUALITY))
