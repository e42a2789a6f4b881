"""`poses_bounds.npy` of LLFF (Mildenhall et al. 2019): poses, sizes, focal lengths and depth bounds, without names."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from encoder.rig.calibration import CalibratedCamera, Calibration, centred, rigid, whole
from encoder.rig.footage import is_image, is_video, natural_order, roots
from encoder.rig.models import Pinhole
from protocol.errors import RigError

FORMAT = "LLFF poses_bounds.npy"
LOOKED_FOR = "poses_bounds.npy (LLFF)"


def find(folder: Path) -> Path | None:
    """The calibration in this folder, or None."""
    path = folder / "poses_bounds.npy"
    return path if path.is_file() else None


def read(path: Path) -> Calibration:
    """One camera per row of 17 numbers: a 3 x 5 matrix, then the nearest and farthest depth; the scale is its own.

    The matrix holds the camera's down, right and backward axis and its centre in the world, and (height, width, focal
    length). Rows follow the footage sorted by name, because the file holds no names.

    Raises:
        RigError: the file is not such an array, or its rows are not as many as videos or images.
    """
    try:
        table = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise RigError(f"{path}: not a NumPy array ({error}); export the calibration again") from None
    if table.ndim != 2 or table.shape[1] != 17 or not len(table) or table.dtype.kind not in "fiu":
        raise RigError(f"{path}: has shape {table.shape}; N x 17 numbers are needed")
    if not np.isfinite(table).all():
        raise RigError(f"{path}: holds a number that is not finite; calibrate again")
    files = _footage(path.parent, len(table), path)
    cameras = []
    for row, file in zip(table.astype(np.float64), files, strict=True):
        matrix = row[:15].reshape(3, 5)
        where = f"{path}, {file.stem}"
        down, right, back, centre = matrix[:, 0], matrix[:, 1], matrix[:, 2], matrix[:, 3]
        T_rig_camera = rigid(np.stack([right, down, -back], axis=1), centre, where=where)
        height, width = (whole(side, where=f"{where}, size") for side in matrix[:2, 4])
        model = Pinhole(width, height, centred(float(matrix[2, 4]), width, height))
        cameras.append(CalibratedCamera(file.stem, model, T_rig_camera, (str(file.relative_to(path.parent)),)))
    near, far = float(table[:, 15].min()), float(table[:, 16].max())
    bounds = (near, far) if 0 < near < far else None
    return Calibration(FORMAT, tuple(cameras), "rig units", depth_bounds=bounds)


def _footage(folder: Path, count: int, path: Path) -> list[Path]:
    seen = []
    for root in roots(folder):
        inside = sorted((file for file in root.iterdir() if file.is_file()), key=natural_order)
        for kind in (is_video, is_image):
            files = [file for file in inside if kind(file)]
            if len(files) == count:
                return files
            if files:
                seen.append(f"{len(files)} files in {root.name}/")
    raise RigError(
        f"{path}: {count} cameras, but the footage is {' or '.join(seen) or 'missing'}; the file holds no names, "
        "so put exactly one video or image per row, sorted by name"
    )
