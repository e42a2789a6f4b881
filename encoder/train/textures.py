"""What made-up things are covered with: procedural textures, and crops of photographs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from encoder.capture.pictures import read_picture
from encoder.msi.views import Floats

_SIDE = 96
_PHOTO_SHARE = 0.5


class TextureBank:
    """Textures, (3, h, w) float32 in 0..1 on one device.

    Attributes:
        device: where they lie.
        surroundings: the one that shiny things mirror.
    """

    def __init__(
        self, *, seed: int, photos: Sequence[Path] = (), count: int = 192, device: torch.device | None = None
    ) -> None:
        """Makes `count` textures, half of them crops of the photographs where there are any.

        Raises:
            CaptureError: a photograph cannot be read.
        """
        rng = np.random.default_rng([seed, 7])
        self.device = device or torch.device("cpu")
        pictures = [read_picture(path, owner="photograph")[0] for path in photos]
        made = []
        for _ in range(count):
            if pictures and rng.random() < _PHOTO_SHARE:
                made.append(_crop(rng, pictures[int(rng.integers(len(pictures)))]))
            else:
                made.append(_procedural(rng))
        self._textures = [torch.from_numpy(np.ascontiguousarray(t.transpose(2, 0, 1))).to(self.device) for t in made]
        self.surroundings = self._textures[0]

    def pick(self, rng: np.random.Generator) -> torch.Tensor:
        """One of them."""
        return self._textures[int(rng.integers(len(self._textures)))]


def _crop(rng: np.random.Generator, picture: NDArray[np.uint8]) -> Floats:
    step = int(rng.integers(1, max(2, min(picture.shape[:2]) // (2 * _SIDE))))
    height, width = (size // step * step for size in picture.shape[:2])
    small = picture[:height, :width].reshape(height // step, step, width // step, step, 3).mean(axis=(1, 3)) / 255
    side = min(_SIDE, *small.shape[:2])
    y, x = (int(rng.integers(size - side + 1)) for size in small.shape[:2])
    part = small[y : y + side, x : x + side]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    return np.clip(part * rng.uniform(0.7, 1.3), 0, 1).astype(np.float32)


def _procedural(rng: np.random.Generator) -> Floats:
    """Clouds, stripes, checks or bricks between two colours; a few are almost plain."""
    first, second = rng.random(3), rng.random(3)
    cloud = _cloud(rng, float(rng.uniform(0.35, 0.8)))
    ys, xs = np.mgrid[0:_SIDE, 0:_SIDE]
    size = rng.uniform(3, 20)
    angle = rng.uniform(0, np.pi)
    along, across = (xs * np.cos(angle) + ys * np.sin(angle)) / size, (ys * np.cos(angle) - xs * np.sin(angle)) / size
    kind = rng.choice(["cloud", "stripes", "checks", "bricks"], p=[0.55, 0.15, 0.15, 0.15])
    if kind == "cloud":
        mix = cloud
    elif kind == "stripes":
        mix = (np.floor(along) % 2) * 0.7 + 0.3 * cloud
    elif kind == "checks":
        mix = ((np.floor(along) + np.floor(across)) % 2) * 0.7 + 0.3 * cloud
    else:
        shifted = along + 0.5 * (np.floor(across) % 2)
        joint = ((shifted % 1 < 0.1) | (across % 1 < 0.15)).astype(np.float64)
        mix = joint * 0.8 + (1 - joint) * 0.5 * cloud
    if rng.random() < 0.2:
        second = first + 0.1 * (second - first)
    return (first + (second - first) * mix[..., None]).clip(0, 1).astype(np.float32)


def _cloud(rng: np.random.Generator, roughness: float) -> NDArray[np.float64]:
    total = np.zeros((_SIDE, _SIDE))
    weight = 1.0
    for octave in range(6):
        cells = 3 * 2**octave
        lattice = rng.random((cells + 1, cells + 1))
        at = np.linspace(0, cells, _SIDE, endpoint=False)
        low = at.astype(np.int64)
        share = at - low
        share = share * share * (3 - 2 * share)
        rows = lattice[low] * (1 - share[:, None]) + lattice[low + 1] * share[:, None]
        total += weight * (rows[:, low] * (1 - share) + rows[:, low + 1] * share - 0.5)
        weight *= roughness
    total -= total.min()
    return np.asarray(total / total.max())
