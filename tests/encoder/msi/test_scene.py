"""Where shells lie in the cameras, and that a window's place changes nothing."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from encoder.msi.scene import (
    CHOICE_BLOCK,
    GRID_STRIDE,
    Scene,
    choose_views,
    count_views,
    inside,
    render_view,
    stack_images,
)
from encoder.msi.views import image_with_weight, make_view, rays_in, subwindow
from encoder.rig.models import KannalaBrandt, Pinhole
from protocol import geometry
from protocol.projection import Projection, ShellKind
from tests.encoder.msi.shell_scenes import FLIP, KINDS, pinhole_view, row_of_views, texture, window_of

DISPARITIES = np.linspace(0.1, 1.2, 5).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_grids_are_the_cameras_projections_of_the_shells(kind: ShellKind) -> None:
    window = window_of(kind, 72, 56, 60.0)
    scene = Scene(window, DISPARITIES, row_of_views())
    for c, view in enumerate(scene.views):
        T = geometry.inverse(view.T_show_camera)
        for i, disparity in enumerate(DISPARITIES.astype(np.float64)):
            for corner in ((0, 0), (3, 5), (7, 9)):
                xy = np.array(corner[::-1], float) * GRID_STRIDE
                point = window.directions(xy) / disparity
                pixel, valid = view.model.project(geometry.transform(T, point))
                assert valid and np.allclose(scene.grids[c, i][corner], pixel, atol=1e-3)


def test_grids_hold_infinity() -> None:
    window = window_of("sphere", 72, 56, 60.0)
    scene = Scene(window, np.array([0.0, 1.0], np.float32), row_of_views())
    assert np.isfinite(scene.grids).all()
    assert np.allclose(scene.grids[0, 0], scene.grids[2, 0], atol=1e-3)  # far away, all cameras see the same


def test_points_behind_a_camera_are_far_outside() -> None:
    behind = make_view("behind", Pinhole(64, 48, (60, 60, 32, 24)), np.eye(4), None)  # a camera's z is the show's +z
    scene = Scene(window_of("plane", 64, 48, 60.0), DISPARITIES, (behind,))
    assert (scene.grids == -1e6).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_ray_meets_the_texel_that_the_grid_says(kind: ShellKind) -> None:
    """`rays_in` and `grids` are each other's inverse: a shell textured with its own coordinates says so."""
    window = window_of(kind, 80, 64, 60.0)
    view = pinhole_view("c", (0.06, -0.04, 0.03), size=(48, 40), focal=60.0)
    scene = Scene(window, np.array([0.8], np.float32), (view,))
    ys, xs = np.mgrid[0:64, 0:80].astype(np.float32) + np.float32(0.5)
    shells = np.stack([xs / 80, ys / 64, np.zeros_like(xs), np.ones_like(xs)], axis=-1)[None]
    rendered, expected = render_view(scene, shells, view)
    seen = inside(scene, view).reshape(40, 48)
    assert seen.mean() > 0.9
    assert np.allclose(expected[seen], 0.8, atol=1e-5)
    xy = rendered[..., :2].astype(np.float64) * (80, 64)
    back, valid = view.model.project(
        geometry.transform(geometry.inverse(view.T_show_camera), window.directions(xy) / np.float32(0.8))
    )
    pixels = np.stack(np.meshgrid(np.arange(48) + 0.5, np.arange(40) + 0.5), axis=-1)
    assert valid.all() and np.abs((back - pixels)[seen]).max() < 0.01


@pytest.mark.parametrize("turn", [-2.5, 0.4, math.pi - 0.1, 3.0])
def test_a_sphere_window_renders_the_same_wherever_it_lies(turn: float) -> None:
    rng = np.random.default_rng(0)
    shells = rng.random((3, 40, 60, 4), np.float32)
    middle = window_of("sphere", 60, 40, 60.0)
    turned = replace(middle, left=middle.left + turn)
    disparities = np.array([0.2, 0.5, 0.9], np.float32)
    position, size = np.array([0.1, 0.05, -0.1]), (50, 40)
    # Longitude grows to the right: about +y by the negative angle.
    R = geometry.rotation_from_angle_axis(np.array([0.0, -turn, 0.0]))
    model = Pinhole(*size, (60.0, 60.0, 25.0, 20.0))
    pictures = []
    for window, rotation in ((middle, np.eye(3)), (turned, R)):
        view = make_view("c", model, geometry.pose(rotation @ FLIP, rotation @ position), None)
        pictures.append(render_view(Scene(window, disparities, (view,)), shells, view))
    for one, other in zip(*pictures, strict=True):
        assert np.abs(one - other).max() < 2e-3


def test_windows_with_the_cut_of_the_longitudes_in_them() -> None:
    whole = Projection("sphere", 400, 200, -math.pi, math.pi / 2, 400 / (2 * math.pi), wraps=True)
    across = subwindow(whole, 370, 50, 80, 100)
    back = make_view(
        "back", Pinhole(40, 30, (60, 60, 20, 15)), geometry.pose(np.diag([-1.0, -1.0, 1.0]), np.zeros(3)), None
    )
    scene = Scene(across, np.array([0.5], np.float32), (back,))
    assert inside(scene, back).all()
    assert not across.wraps and subwindow(whole, 0, 0, 400, 200).wraps


def test_planes_behind_the_camera_meet_no_ray() -> None:
    fisheye = KannalaBrandt(64, 64, (20.0, 20.0, 32.0, 32.0, 0.0, 0.0, 0.0, 0.0))
    view = make_view("wide", fisheye, geometry.pose(FLIP, np.zeros(3)), None)
    window = window_of("plane", 64, 48, 30.0)
    _, _, ahead = rays_in(view, window)
    assert np.array_equal(ahead, view.directions[2] < -1e-3)
    assert not inside(Scene(window, DISPARITIES, (view,)), view)[~ahead].any()
    assert np.isfinite(rays_in(view, window)[1]).all()


def test_views_are_chosen_by_nearness_and_only_where_they_see() -> None:
    views = row_of_views(size=(256, 192), focal=240.0)[:5]
    scene = Scene(window_of("plane", 64, 48, 60.0), DISPARITIES, views)
    chosen = choose_views(scene, 3)
    assert chosen.shape == (2, 2, 3) and chosen.dtype == np.int32
    assert (chosen[..., 0] == 2).all()  # the middle one is at the origin
    near = pinhole_view("near", (0.05, 0.0, 0.0), size=(256, 192), focal=240.0)
    assert (choose_views(Scene(scene.window, DISPARITIES, (*views, near)), 2) == [2, 5]).all()
    blind = replace(views[2], weight=np.zeros_like(views[2].weight))
    chosen = choose_views(Scene(scene.window, DISPARITIES, (*views[:2], blind, *views[3:])), 5)
    assert not (chosen == 2).any() and (chosen[..., 4] == -1).all()
    assert (count_views(scene) == 5).all()
    assert (count_views(Scene(scene.window, DISPARITIES, (*views[:2], blind, *views[3:]))) == 4).all()
    assert -(-48 // CHOICE_BLOCK) == 2


def test_a_camera_that_sees_only_the_edge_of_a_block_is_not_forgotten() -> None:
    window = window_of("plane", 96, 32, 60.0)
    views = (pinhole_view("a", (0.0, 0.0, 0.0), size=(64, 48), focal=60.0),)
    assert (choose_views(Scene(window, DISPARITIES, views), 1) == 0).all()  # its picture ends at texel 16


def test_cut_off_blocks_choose_by_the_part_that_is_in_the_window() -> None:
    window = window_of("plane", 64, 36, 60.0)
    low = pinhole_view("low", (0.0, -0.05, 0.0), size=(200, 80), focal=120.0)  # sees tangents down to -0.33
    chosen = choose_views(Scene(window, DISPARITIES, (low,)), 1)
    assert (chosen == 0).all()


def test_masks_and_image_sizes() -> None:
    mask = np.ones((40, 48), bool)
    mask[:10] = False
    model = Pinhole(48, 40, (60, 60, 24, 20))
    view = make_view("m", model, geometry.pose(FLIP, np.zeros(3)), mask)
    assert np.array_equal(view.weight > 0, mask)
    image = (texture((40, 48), seed=0) * 255).astype(np.uint8)
    held = image_with_weight(view, image)
    assert np.allclose(held[..., :3] * 255, image) and np.array_equal(held[..., 3], view.weight)
    other = pinhole_view("o", (0.1, 0, 0), size=(20, 60), focal=50)
    stack = stack_images((view, other), [held, image_with_weight(other, np.zeros((60, 20, 3), np.uint8))])
    assert stack.shape == (2, 60, 48, 4)
    assert not stack[0, 40:].any() and not stack[1, :, 20:].any()
