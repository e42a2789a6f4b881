"""Small real files, written by the same libraries that cameras and crews use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.encoder.capture.filmed import HEIGHT, WIDTH, luma_frame


@pytest.fixture
def write_video(tmp_path: Path) -> Callable[..., Path]:
    """Writes a video of gray frames into tmp_path.

    `ticks` are the frames' times in units of `time_base`, by default k / rate.
    """

    def write(
        name: str,
        count: int = 8,
        *,
        rate: Fraction | int = 30,
        start: Fraction | int = 0,
        ticks: Sequence[int] | None = None,
        time_base: Fraction = Fraction(1, 30000),
        gop: int = 12,
        size: tuple[int, int] = (WIDTH, HEIGHT),
        options: dict[str, str] | None = None,
        index_in_front: bool = False,
    ) -> Path:
        path = tmp_path / name
        if ticks is None:
            ticks = [int((start + k / Fraction(rate)) / time_base) for k in range(count)]
        with av.open(str(path), "w", options={"movflags": "faststart"} if index_in_front else {}) as container:
            stream = container.add_stream("libx264", rate=Fraction(rate), options={"crf": "5", **(options or {})})
            stream.width, stream.height = size
            stream.pix_fmt = "yuv420p"
            stream.time_base = stream.codec_context.time_base = time_base
            stream.gop_size = gop
            stream.codec_context.thread_count = 1
            for index, tick in enumerate(ticks):
                frame = luma_frame(index, width=size[0], height=size[1])
                frame.pts, frame.time_base = tick, time_base
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write


@pytest.fixture
def write_image(tmp_path: Path) -> Callable[..., Path]:
    """Writes one image into tmp_path; the codec follows from the name."""

    def write(name: str, pixels: np.ndarray, *, pixel_format: str = "rgb24") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        codec = {".png": "png", ".jpg": "mjpeg"}[path.suffix]
        context = av.CodecContext.create(codec, "w")
        context.height, context.width = pixels.shape[:2]
        context.time_base = Fraction(1, 25)
        frame = av.VideoFrame.from_ndarray(pixels, format=pixel_format)
        if codec == "mjpeg":
            frame = frame.reformat(format="yuvj420p", dst_colorspace=5, dst_color_range=2)
            context.options = {"qmin": "1", "qmax": "1"}
            context.color_range = 2
        context.pix_fmt = frame.format.name
        frame.pts = 0
        path.write_bytes(b"".join(bytes(p) for p in [*context.encode(frame), *context.encode()]))
        return path

    return write
