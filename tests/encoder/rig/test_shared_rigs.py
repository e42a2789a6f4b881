"""The real rigs: matched features lie on the epipolar lines that the readers predict."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from encoder.rig.models import CameraModel
from encoder.rig.rig import Camera, centres, read_rig
from encoder.rig.view import pixels_per_radian
from protocol.geometry import Array, inverse


def _grey(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            return frame.to_ndarray(format="gray")
    raise AssertionError(path)


def _features(camera: Camera) -> tuple[Array, np.ndarray]:
    first = camera.files if isinstance(camera.files, Path) else camera.files[0]
    mask = None if camera.mask is None else _grey(camera.mask)
    points, descriptors = cv2.SIFT_create(3000).detectAndCompute(_grey(first), mask)
    return np.array([point.pt for point in points]) + 0.5, descriptors


def _epipolar_error(a: Camera, b: Camera) -> tuple[float, float]:
    """Median distance from the epipolar plane in pixels of b, and the share of points in front of both cameras."""
    (pixels_a, found_a), (pixels_b, found_b) = _features(a), _features(b)
    pairs = [first for first, second in cv2.BFMatcher().knnMatch(found_a, found_b, k=2)
             if first.distance < 0.7 * second.distance]  # fmt: skip
    assert len(pairs) > 20
    rays_a, _ = a.model.unproject(pixels_a[[pair.queryIdx for pair in pairs]])
    rays_b, _ = b.model.unproject(pixels_b[[pair.trainIdx for pair in pairs]])
    T_a_b = inverse(a.T_rig_camera) @ b.T_rig_camera
    rays_b, baseline = rays_b @ T_a_b[:3, :3].T, T_a_b[:3, 3]
    normals = np.cross(baseline, rays_a)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    error = float(np.median(np.abs(np.arcsin((normals * rays_b).sum(axis=1)))) * pixels_per_radian(b.model))
    cosine, near_a, near_b = (rays_a * rays_b).sum(axis=1), rays_a @ baseline, rays_b @ baseline
    in_front = (near_a - cosine * near_b > 0) & (cosine * near_a - near_b > 0)
    return error, float(in_front.mean())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "pair", "largest_px", "in_front"),
    [
        ("flame_steak", ("cam00", "cam05"), 0.35, 0.98),
        ("kaist_lobby", ("cam1", "cam3"), 1.0, 0.75),
        ("omnimvs_itbt", ("cam1", "cam2"), 1.3, 0.9),
        ("caliscope_desk", ("cam_0", "cam_3"), 2.0, 0.9),
    ],
)
def test_matches_lie_on_epipolar_lines(
    shared_data: Path, folder: str, pair: tuple[str, str], largest_px: float, in_front: float
) -> None:
    # A wrong convention (an inverted pose or rotation) puts no more than half of the points in front.
    cameras = {camera.name: camera for camera in read_rig(shared_data / folder).cameras}
    error, front = _epipolar_error(cameras[pair[0]], cameras[pair[1]])
    assert error < largest_px
    assert front > in_front


@pytest.mark.parametrize(
    ("folder", "count", "kind", "nearest"),
    [
        ("flame_steak", 21, "pinhole", (0.9, 1.4)),
        ("kaist_lobby", 4, "double_sphere", (0.06, 0.08)),
        ("omnimvs_itbt", 4, "ocam", (0.28, 0.31)),
        ("caliscope_desk", 4, "radtan", (0.3, 1.2)),
        ("pose2sim_beam", 4, "radtan", (2.0, 6.0)),
        ("dome46_studio", 46, "kannala_brandt", (0.12, 0.18)),
    ],
)
def test_the_real_rigs(shared_data: Path, folder: str, count: int, kind: str, nearest: tuple[float, float]) -> None:
    rig = read_rig(shared_data / folder)
    assert len(rig.cameras) == count
    models: list[CameraModel] = [camera.model for camera in rig.cameras]
    assert {model.kind for model in models} == {kind}
    where = centres(rig)
    apart = np.linalg.norm(where[:, None] - where[None], axis=-1) + np.where(np.eye(count, dtype=bool), np.inf, 0.0)
    assert nearest[0] < apart.min(axis=1).min() and apart.min(axis=1).max() < nearest[1]


def test_inverted_colmap_quaternions_are_noticed(shared_data: Path) -> None:
    rig = read_rig(shared_data / "flame_steak")
    assert any("camera-to-world" in note for note in rig.notes)
    assert rig.points is not None and rig.points.shape == (7298, 3)


def test_kaist_agrees_with_its_reference(shared_data: Path) -> None:
    import json

    rig = read_rig(shared_data / "kaist_lobby")
    reference = json.loads((shared_data / "kaist_lobby" / "cameras.json").read_text())["cameras"]
    for camera, stated in zip(rig.cameras, reference, strict=True):
        T_camera_rig = inverse(camera.T_rig_camera)
        np.testing.assert_allclose(T_camera_rig[:3, :3], stated["R"], atol=1e-6)
        np.testing.assert_allclose(T_camera_rig[:3, 3], stated["t"], atol=1e-6)
        assert camera.mask is not None
