"""COLMAP's sparse models, text and binary: cameras, images, points3D."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from encoder.rig.calibration import CalibratedCamera, Calibration
from encoder.rig.readers.colmap_binary import read_binary
from encoder.rig.readers.colmap_conjugated import quaternions_are_conjugated, with_conjugated_quaternions
from encoder.rig.readers.colmap_tables import ColmapImage, ColmapModel
from encoder.rig.readers.colmap_text import read_text_model
from protocol.errors import RigError
from protocol.geometry import inverse

FORMAT = "COLMAP"
LOOKED_FOR = "sparse/0 (COLMAP)"
_PLACES = ("sparse/0", "sparse", "colmap/sparse/0", "dense/0/sparse", ".")


def find(folder: Path) -> Path | None:
    """The folder of the sparse model below this folder, or None."""
    for place in _PLACES:
        for ending in (".bin", ".txt"):
            if all((folder / place / f"{part}{ending}").is_file() for part in ("cameras", "images")):
                return folder / place
    return None


def read(path: Path) -> Calibration:
    """The cameras and points of a sparse model; the scale is the model's own; pixel centres lie at +0.5.

    Raises:
        RigError: a file is damaged or a camera model is not known; names file and line or record.
    """
    binary = (path / "cameras.bin").is_file() and (path / "images.bin").is_file()
    model: ColmapModel = read_binary(path) if binary else read_text_model(path)
    if not model.images:
        raise RigError(f"{path}: the model has no images; run COLMAP's mapper again")
    for image in model.images:
        if image.camera_id not in model.cameras:
            raise RigError(f"{path}: image '{image.name}' uses camera {image.camera_id}, which is not in cameras")
    notes: tuple[str, ...] = ()
    if quaternions_are_conjugated(model, _footage_folder(path)):
        model = with_conjugated_quaternions(model)
        notes = ("quaternions are read as camera-to-world (COLMAP's are not): only so the points have their colours",)
    kind = "binary" if binary else "text"
    points = None if model.points is None else model.points[:, :3]
    cameras = tuple(_camera(image, model) for image in model.images)
    return Calibration(f"{FORMAT} {kind}", cameras, "rig units", points=points, notes=notes)


def _camera(image: ColmapImage, model: ColmapModel) -> CalibratedCamera:
    name = str(PurePosixPath(image.name.replace("\\", "/")))
    return CalibratedCamera(name, model.cameras[image.camera_id], inverse(image.T_camera_rig), (name,))


def _footage_folder(path: Path) -> Path:
    """The rig's folder: `path` is one of the places below it."""
    for place in sorted(_PLACES, key=len, reverse=True):
        parts = PurePosixPath(place).parts
        if parts and path.parts[-len(parts) :] == parts:
            return path.parents[len(parts) - 1]
    return path
