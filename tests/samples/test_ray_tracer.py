"""The tracer sees things where the cameras' own projections say, and its depth is the depth of what it draws."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from samples import cameras as cam
from samples.scene import marker_scene, room
from samples.trace import depth, render

FISHEYE = cam.Lens(cam.FISHEYE, 96, 72, math.radians(120), k1=-0.03, k2=0.004)
PINHOLE = cam.Lens(cam.PINHOLE, 96, 72, math.radians(75))


def _turned_camera(lens: cam.Lens) -> cam.SampleCamera:
    T_world_camera = np.eye(4)
    T_world_camera[:3, :3] = cam.looking(np.array([0.3, -0.2, 1.0]), 0.2)
    T_world_camera[:3, 3] = (0.1, -0.05, 0.2)
    return lens.camera("turned", T_world_camera)


@pytest.mark.parametrize("lens", [FISHEYE, PINHOLE], ids=["fisheye", "pinhole"])
def test_markers_are_seen_at_their_projections(lens: cam.Lens) -> None:
    camera = _turned_camera(lens)
    for pixel_ray in ((0.0, 0.0, 1.0), (0.4, 0.25, 1.0), (-0.5, 0.2, 1.0), (0.1, -0.4, 1.0)):
        ray = np.array(pixel_ray) / np.linalg.norm(pixel_ray)
        point = camera.T_world_camera[:3, :3] @ (3.0 * ray) + camera.centre
        weight = render(marker_scene(point[None], 0.06), camera, samples=6)[..., 0].astype(np.float64)
        assert weight.max() > 200
        weight = np.where(weight > 0, (weight / 255) ** 2.2, 0.0)
        rows, columns = np.mgrid[: camera.height, : camera.width] + 0.5
        centroid = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()
        # A ball off the axis is drawn as an ellipse whose middle lies up to 0.1 pixels from the projected centre.
        assert np.abs(centroid - camera.project(point)).max() < 0.15


@pytest.mark.parametrize("lens", [FISHEYE, PINHOLE], ids=["fisheye", "pinhole"])
def test_depth_carried_into_another_camera_finds_the_same_surface(lens: cam.Lens) -> None:
    scene = room(0.0)
    view = cam.Lens(cam.PINHOLE, 64, 64, math.pi / 2).camera("view", np.eye(4))
    camera = _turned_camera(replace(lens, width=960, height=720))
    z = depth(scene, view).astype(np.float64)
    rows, columns = np.mgrid[:64, :64] + 0.5
    rays = np.stack([(columns - 32) / view.focal_length, (rows - 32) / view.focal_length, np.ones((64, 64))], axis=-1)
    finite = np.isfinite(z)
    points = (rays * np.where(finite, z, 1.0)[..., None])[finite]
    distance = np.linalg.norm(points - camera.centre, axis=-1)
    ahead = ((points - camera.centre) @ camera.T_world_camera[:3, 2]) > 0.2 * distance
    points = points[ahead]
    pixels = np.floor(camera.project(points)).astype(int)
    inside = ((pixels >= 0) & (pixels < (camera.width, camera.height))).all(axis=-1)
    seen = depth(scene, camera)[pixels[inside, 1], pixels[inside, 0]]
    expected = ((points[inside] - camera.centre) @ camera.T_world_camera[:3, 2]).astype(np.float32)
    assert inside.sum() > 500
    # The rest is hidden from the camera, or lies on an edge.
    assert (np.abs(seen / expected - 1.0) < 0.01).mean() > 0.85
    assert np.median(np.abs(seen / expected - 1.0)) < 0.001


def test_the_scene_has_what_it_promises() -> None:
    camera = cam.Lens(cam.PINHOLE, 128, 96, math.radians(90)).camera("forward", np.eye(4))
    z = depth(room(0.0), camera)
    assert np.isinf(z).any(), "the sky over the yard"
    assert 0.5 < z.min() < 0.8, "the near ball"
    moved = render(room(0.0), camera).astype(int) - render(room(0.2), camera).astype(int)
    changed = (np.abs(moved).max(axis=-1) > 20).mean()
    assert 0.005 < changed < 0.3, "things move before a background that stands still"


def test_a_picture_is_the_same_every_time() -> None:
    camera = _turned_camera(FISHEYE)
    assert np.array_equal(render(room(0.1), camera), render(room(0.1), camera))


def test_more_rays_converge() -> None:
    camera = _turned_camera(PINHOLE)
    best = render(room(0.0), camera, samples=6).astype(float)
    errors = [np.sqrt(np.mean((render(room(0.0), camera, samples=n).astype(float) - best) ** 2)) for n in (1, 2, 4)]
    assert errors[0] > errors[1] > errors[2]
