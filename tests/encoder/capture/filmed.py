"""What the capture tests film with: cameras without optics, and gray frames that say which they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT = 64, 48


@dataclass(frozen=True)
class Size:
    """Stands where a camera model does."""

    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class Filmed:
    """A camera as capture needs it."""

    name: str
    files: Path | tuple[Path, ...]
    model: Size = Size()
    mask: Path | None = None


def level(index: int) -> int:
    """The luma of frame `index`."""
    return 24 + 4 * index


def luma_frame(index: int, *, width: int = WIDTH, height: int = HEIGHT) -> av.VideoFrame:
    planes = np.full((height * 3 // 2, width), 128, np.uint8)
    planes[:height] = level(index)
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")


def frame_numbers(images: Sequence[np.ndarray]) -> list[int]:
    """Which frames these gray pictures are."""
    return [round(((float(i.mean()) / 255 * 219 + 16) - 24) / 4) for i in images]
