"""Refinement finds the colours and the depth that the cameras saw, between what shells can say."""

from __future__ import annotations

import numpy as np

from encoder.layers.refine import RefineConfig, Surfaces, refine, render_surfaces, surface_borders
from encoder.msi.scene import Scene, render_view
from encoder.msi.views import Floats, View, image_with_weight
from tests.encoder.msi.shell_scenes import row_of_views, to_bytes, two_surfaces, window_of

# Walls halfway between the shells of the layers that are given.
TRUE = np.array([0.25, 0.85], np.float32)
BORDERS = np.array([0.1, 0.5, 1.3], np.float32)
WINDOW = window_of("plane", 112, 88, 60.0)


def filmed() -> tuple[Scene, list[Floats], View, Floats]:
    *sources, held_out = row_of_views(baseline=0.15)
    scene = Scene(WINDOW, TRUE, tuple(sources))
    truth = two_surfaces(WINDOW, TRUE, near=1, far=0)
    images = [image_with_weight(v, to_bytes(render_view(scene, truth, v)[0][..., :3])) for v in sources]
    return scene, images, held_out, render_view(scene, truth, held_out)[0][..., :3]


def start(disparities: tuple[float, float]) -> Surfaces:
    """The right shapes at the wrong depth, in pale colours."""
    layers = two_surfaces(WINDOW, TRUE, near=1, far=0)
    layers[..., :3] = 0.7 * layers[..., :3] + 0.15
    depth = np.empty(layers.shape[:3], np.float32)
    depth[0], depth[1] = disparities
    return Surfaces(layers, depth, BORDERS)


def seen(surfaces: Surfaces, view: View) -> Floats:
    return render_surfaces(surfaces, WINDOW, view)[..., :3]


def error(surfaces: Surfaces, view: View, truth: Floats) -> float:
    return float(np.mean((seen(surfaces, view) - truth) ** 2))


def test_a_camera_never_seen_is_met_better() -> None:
    scene, images, view, truth = filmed()
    surfaces = start((0.28, 0.80))
    before = error(surfaces, view, truth)
    steps: list[int] = []
    refine(scene, images, surfaces, RefineConfig(steps=40), on_step=lambda: steps.append(1))
    assert len(steps) == 40
    assert error(surfaces, view, truth) < 0.1 * before
    near = surfaces.layers[1, ..., 3] > 0.8
    assert abs(float(np.median(surfaces.disparity[1][near])) - 0.85) < 0.02
    assert abs(float(np.median(surfaces.disparity[0][30:60, 70:90])) - 0.25) < 0.02
    assert (surfaces.layers[0, ..., 3] == 1.0).all()
    assert (surfaces.disparity[1] >= BORDERS[1]).all() and (surfaces.disparity[1] <= BORDERS[2]).all()


def test_texels_that_are_not_free_keep_every_bit() -> None:
    scene, images, _, _ = filmed()
    surfaces = start((0.28, 0.80))
    layers, disparity = surfaces.layers.copy(), surfaces.disparity.copy()
    free = np.zeros(disparity.shape, np.uint8)
    free[:, 33:55, 41:70] = 1
    refine(scene, images, surfaces, RefineConfig(steps=3), free=free)
    texels = free != 0
    assert np.array_equal(surfaces.layers[~texels], layers[~texels])
    assert np.array_equal(surfaces.disparity[~texels], disparity[~texels])
    assert (surfaces.layers[texels] != layers[texels]).any() and (surfaces.disparity[texels] != disparity[texels]).any()


def test_pictures_without_weight_change_nothing() -> None:
    scene, images, _, _ = filmed()
    surfaces = start((0.28, 0.80))
    layers = surfaces.layers.copy()
    for image in images:
        image[..., 3] = 0.0
    refine(scene, images, surfaces, RefineConfig(steps=3))
    assert np.array_equal(surfaces.layers, layers)


def test_layers_meet_halfway_between_their_shells() -> None:
    disparities = np.array([0.1, 0.2, 0.4, 0.7, 1.1], np.float32)
    assert np.allclose(surface_borders(np.array([0, 2, 3, 5]), disparities), [0.1, 0.3, 0.55, 1.1])


def test_little_light_through_what_is_all_but_opaque_does_not_drive_the_colours_behind() -> None:
    scene, images, _, _ = filmed()
    surfaces = start((0.25, 0.85))
    near = surfaces.layers[1, ..., 3] > 0.5
    surfaces.layers[1, near, 3] = 0.99
    hidden = surfaces.layers[0].copy()
    free = np.ones(surfaces.disparity.shape, np.uint8)
    free[1] = 0  # in front the colours stay pale: only what is behind could make up for it
    refine(scene, images, surfaces, RefineConfig(steps=40), free=free)
    inner = near.copy()
    for axis in (0, 1):
        for shift in range(-4, 5):
            inner &= np.roll(near, shift, axis)
    assert inner.sum() > 100
    assert np.abs(surfaces.layers[0] - hidden)[inner].max() < 0.15
