"""Some exporters write COLMAP quaternions of the inverse rotation; the colours of the points tell which it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np

from encoder.rig.footage import find_footage
from encoder.rig.readers.colmap_tables import ColmapImage, ColmapModel
from protocol.geometry import Array, pose, transform

_IMAGES = 4
_FEWEST_POINTS = 100
# Points of a right model differ from their images by 5 to 15 of 255, of a wrong one by 40 and more.
_CLEARLY_BETTER = 0.5


def with_conjugated_quaternions(model: ColmapModel) -> ColmapModel:
    """The model whose rotations are inverted and whose translations stay."""
    images = [
        replace(image, T_camera_rig=pose(image.T_camera_rig[:3, :3].T, image.T_camera_rig[:3, 3]))
        for image in model.images
    ]
    return replace(model, images=images)


def quaternions_are_conjugated(model: ColmapModel, folder: Path) -> bool:
    """Whether the points match the images' colours clearly better with inverted rotations.

    False where there are too few points or no readable images to tell: then COLMAP's own convention holds.
    """
    if model.points is None or len(model.points) < _FEWEST_POINTS:
        return False
    chosen = [model.images[i] for i in np.linspace(0, len(model.images) - 1, _IMAGES).astype(int)]
    inverted = with_conjugated_quaternions(replace(model, images=chosen)).images
    as_written, otherwise = [], []
    for image, other in zip(chosen, inverted, strict=True):
        picture = _picture(folder, image)
        if picture is not None:
            as_written.append(_colour_difference(model, image, picture))
            otherwise.append(_colour_difference(model, other, picture))
    return bool(as_written) and float(np.mean(otherwise)) < _CLEARLY_BETTER * float(np.mean(as_written))


def _picture(folder: Path, image: ColmapImage) -> Array | None:
    """(H, W, 3) 0..255 of the image or of its video's first frame; None where it is missing or unreadable."""
    footage = find_footage(folder, image.name)
    if footage is None:
        return None
    try:
        with av.open(f"file:{footage.first}") as container:
            for frame in container.decode(video=0):
                return frame.to_ndarray(format="rgb24").astype(np.float64)
    except (av.error.FFmpegError, OSError, IndexError):
        return None  # The join names it, with the camera's name.
    return None


def _colour_difference(model: ColmapModel, image: ColmapImage, picture: Array) -> float:
    """Median over the points inside the image of |point's colour - pixel|, 0..255; 255 where hardly any is inside."""
    assert model.points is not None
    camera = model.cameras[image.camera_id].resized(picture.shape[1], picture.shape[0])
    pixels, valid = camera.project(transform(image.T_camera_rig, model.points[:, :3]))
    valid &= camera.inside(pixels + 0.5) & camera.inside(pixels - 0.5)
    if valid.sum() < _FEWEST_POINTS // 4:
        return 255.0
    x, y = pixels[valid].astype(int).T
    return float(np.median(np.abs(picture[y, x] - model.points[valid, 3:]).mean(axis=1)))
