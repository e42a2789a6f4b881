"""Small rigs on disk: images and videos with hardly a pixel in them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

WIDTH, HEIGHT = 32, 24


@pytest.fixture
def rng() -> np.random.Generator:
    """Reproducible numbers."""
    return np.random.default_rng(7)


@pytest.fixture
def write_image() -> Callable[..., Path]:
    """write_image(path, width=32, height=24) -> path of a PNG."""

    def write(path: Path, *, width: int = WIDTH, height: int = HEIGHT) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), 90, np.uint8), format="rgb24")
        encoder = av.CodecContext.create("png", "w")
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "rgb24"
        encoder.time_base = Fraction(1)
        path.write_bytes(b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)]))
        return path

    return write


@pytest.fixture
def write_video() -> Callable[..., Path]:
    """write_video(path, frames=2) -> path of an H.264 video of 32x24."""

    def write(path: Path, *, frames: int = 2) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=30)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            for index in range(frames):
                picture = np.full((HEIGHT, WIDTH, 3), 40 * index, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode())
        return path

    return write
