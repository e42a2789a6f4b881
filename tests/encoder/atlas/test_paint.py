"""A painted atlas gives every layer back, at its rectangles' borders too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoder.atlas.dilate import NEUTRAL
from encoder.atlas.pack import GUTTER, pack
from encoder.atlas.paint import new_atlas, new_planes, paint, paint_plan, place, rect_sizes, write_planes
from encoder.atlas.picture import Picture
from encoder.layers.tessellate import tessellate
from protocol.mesh_codec import Geometry, decode_geometry, encode_geometry
from tests.encoder.layers.layer_scenes import blobs, grid


def bilinear(image: np.ndarray, x: np.ndarray, y: np.ndarray, *, wraps: bool) -> np.ndarray:
    """Linear samples at texel coordinates (centres at +0.5), the border repeated."""
    x0, y0 = np.floor(x - 0.5).astype(int), np.floor(y - 0.5).astype(int)
    fx, fy = (x - 0.5 - x0)[:, None], (y - 0.5 - y0)[:, None]
    height, width = image.shape[:2]

    def at(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        u = u % width if wraps else u.clip(0, width - 1)
        return image[v.clip(0, height - 1), u].astype(float)

    top = at(x0, y0) * (1 - fx) + at(x0 + 1, y0) * fx
    low = at(x0, y0 + 1) * (1 - fx) + at(x0 + 1, y0 + 1) * fx
    return top * (1 - fy) + low * fy


@settings(max_examples=15)
@given(width=st.integers(40, 120), height=st.integers(30, 90), wraps=st.booleans(), seed=st.integers(0, 99))
def test_samples_of_the_atlas_are_samples_of_the_layers(width: int, height: int, wraps: bool, seed: int) -> None:
    projection = grid(width, height, wraps=wraps)
    scenes = [blobs(width=width, height=height, seed=seed + k, wraps=wraps) for k in range(3)]
    layers = [tessellate(rgba, disparity, projection, tolerance=0.003) for rgba, disparity in scenes]
    layout = pack(rect_sizes(layers))
    assert layout is not None
    plan = paint_plan(layers, layout, wraps=wraps)
    atlas = new_atlas(layout.picture)
    geometry = decode_geometry(encode_geometry(Geometry(place(layers, layout))))
    rng = np.random.default_rng(seed)
    for t in range(2):
        frame = np.stack([rgba[t] for rgba, _ in scenes])
        paint(plan, frame, atlas)
        whole = np.concatenate([atlas.colour, atlas.alpha[..., None]], axis=-1)
        for mesh, image in zip(geometry.layers, frame, strict=True):
            rects = np.array([list(vars(rect).values()) for rect in mesh.rects])
            index = rng.integers(0, len(mesh.triangles), 50)
            weights = rng.dirichlet([0.3] * 3, 50)  # often close to corners and edges
            xy = (mesh.points[mesh.triangles[index]] * weights[..., None]).sum(axis=1)
            rect = rects[mesh.triangle_rect[index]]
            st_ = rect[:, 4:] + xy - rect[:, :2]
            found = bilinear(whole, st_[:, 0], st_[:, 1], wraps=False)
            assert np.allclose(found, bilinear(image, xy[:, 0], xy[:, 1], wraps=wraps), atol=1e-6)


def test_gutters_continue_the_layer_and_the_rest_is_neutral() -> None:
    rgba, disparity = blobs(width=100, height=80, frames=1, count=2)
    layers = [tessellate(rgba, disparity, grid(100, 80), tolerance=0.003)]
    layout = pack(rect_sizes(layers), size=(256, 256))
    assert layout is not None
    atlas = new_atlas(layout.picture)
    paint(paint_plan(layers, layout, wraps=False), rgba, atlas)
    padded = np.pad(rgba[0], ((GUTTER, GUTTER), (GUTTER, GUTTER), (0, 0)), mode="edge")
    expected = np.zeros((256, 256, 4), np.uint8)
    expected[..., :3] = NEUTRAL
    for (x, y, w, h), (ax, ay) in zip(layers[0].rects, layout.positions, strict=True):
        piece = padded[y : y + h + 2 * GUTTER, x : x + w + 2 * GUTTER]
        expected[ay - GUTTER : ay + h + GUTTER, ax - GUTTER : ax + w + GUTTER] = piece
    assert np.array_equal(atlas.colour, expected[..., :3])
    assert np.array_equal(atlas.alpha, expected[..., 3])


@pytest.mark.parametrize("beside", [False, True])
def test_planes_hold_colour_and_alpha_within_the_rounding_of_video(beside: bool) -> None:
    """Smooth colour survives 8 bit 4:2:0 within two steps, alpha within one, each in its region."""
    picture = Picture(128, 48, 64, 48, 64, 0) if beside else Picture(64, 96, 64, 48, 0, 48)
    atlas = new_atlas(picture)
    y, x = np.mgrid[0:48, 0:64]
    atlas.colour[...] = np.stack([2 * x + y, 200 - 2 * x, 90 + x + y], axis=-1)
    atlas.alpha[...] = (x * y) % 256
    planes = new_planes(picture)
    write_planes(atlas, picture, planes)
    full = np.stack([planes.luma, *(np.kron(c, np.ones((2, 2), np.uint8)) for c in (planes.cb, planes.cr))], axis=-1)
    luma, cb, cr = np.moveaxis(full[:48, :64].astype(float), -1, 0)
    grey = (luma - 16) / 219
    red = grey + 1.5748 * (cr - 128) / 224
    blue = grey + 1.8556 * (cb - 128) / 224
    green = (grey - 0.2126 * red - 0.0722 * blue) / 0.7152
    assert np.abs(255 * np.stack([red, green, blue], axis=-1) - atlas.colour).max() <= 4
    region = full[picture.alpha_y :, picture.alpha_x :]
    assert np.abs((region[..., 0].astype(float) - 16) / 219 * 255 - atlas.alpha).max() <= 0.6
    assert (region[..., 1:] == 128).all()
