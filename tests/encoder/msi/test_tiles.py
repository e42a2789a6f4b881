"""Laws of the tiles: they cover the grid once, their windows fit the memory, and seams do not show."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from encoder.msi.tiles import Tile, make_tiles, put
from protocol.errors import UsageError
from protocol.projection import Projection

BYTES_PER_TEXEL = 86


@st.composite
def projections(draw: st.DrawFn) -> Projection:
    kind = draw(st.sampled_from(["plane", "sphere"]))
    wraps = kind == "sphere" and draw(st.booleans())
    width, height = draw(st.integers(130 if wraps else 1, 700)), draw(st.integers(1, 500))
    density = width / (2 * math.pi) if wraps else draw(st.floats(50, 400))
    return Projection(kind, width, height, -math.pi if wraps else -1.0, 0.7, density, wraps)


def cut(projection: Projection, *, shells: int, margin: int, texels: int) -> tuple[Tile, ...]:
    """Tiles of windows of at most `texels`; examples where there are none are passed over."""
    try:
        return make_tiles(
            projection,
            bytes_per_texel=shells * BYTES_PER_TEXEL,
            margin=margin,
            memory=texels * shells * BYTES_PER_TEXEL,
        )
    except UsageError:
        assume(False)
        raise


@given(projection=projections(), margin=st.integers(0, 40), texels=st.integers(20_000, 400_000))
def test_tiles_cover_the_grid_with_weights_that_sum_to_1(projection: Projection, margin: int, texels: int) -> None:
    total = np.zeros((projection.height, projection.width))
    for tile in cut(projection, shells=7, margin=margin, texels=texels):
        columns = np.arange(tile.x, tile.x + tile.width)
        assert projection.wraps or (columns[0] >= 0 and columns[-1] < projection.width)
        assert tile.weight.shape == (tile.height, tile.width) and tile.weight.min() > 0
        np.add.at(total, np.ix_(np.arange(tile.y, tile.y + tile.height), columns % projection.width), tile.weight)
    assert np.abs(total - 1).max() < 1e-5


@given(projection=projections(), margin=st.integers(0, 40), texels=st.integers(20_000, 400_000))
def test_windows_fit_the_memory_and_hold_their_tiles(projection: Projection, margin: int, texels: int) -> None:
    for tile in cut(projection, shells=7, margin=margin, texels=texels):
        window = tile.window
        assert window.width * window.height <= texels
        assert window.kind == projection.kind and window.density == projection.density
        assert tile.inset_x >= 0 and tile.inset_x + tile.width <= window.width
        assert tile.inset_y >= 0 and tile.inset_y + tile.height <= window.height
        if projection.wraps:
            assert tile.inset_x >= margin
        # The tile's corner lies where the window says.
        corner = np.array([[tile.inset_x, tile.inset_y]], float)
        same = projection.directions(np.array([[tile.x, tile.y]], float))
        assert np.allclose(window.directions(corner), same, atol=1e-9)


def test_one_tile_where_it_fits_and_few_where_not() -> None:
    plane = Projection("plane", 600, 400, -1.0, 0.7, 300.0)
    one = make_tiles(plane, bytes_per_texel=4 * BYTES_PER_TEXEL, margin=10, memory=600 * 400 * 4 * BYTES_PER_TEXEL)
    assert len(one) == 1 and one[0].window == plane and one[0].weight.min() == 1
    assert (
        len(make_tiles(plane, bytes_per_texel=4 * BYTES_PER_TEXEL, margin=10, memory=350 * 400 * 4 * BYTES_PER_TEXEL))
        == 2
    )


def test_too_little_memory_is_said() -> None:
    with pytest.raises(UsageError, match="--memory"):
        make_tiles(
            Projection("plane", 600, 400, -1.0, 0.7, 300.0),
            bytes_per_texel=64 * BYTES_PER_TEXEL,
            margin=40,
            memory=1 << 20,
        )


def layers_of(
    projection: Projection, rgba: tuple[int, int, int, int], disparity: float, tiles: tuple[Tile, ...]
) -> dict[str, np.ndarray]:
    layers = {
        "rgba": np.zeros((1, projection.height, projection.width, 4), np.uint8),
        "disparity": np.zeros((1, projection.height, projection.width), np.float32),
    }
    for tile in tiles:
        size = (1, tile.window.height, tile.window.width)
        new = np.tile(np.array(rgba, np.uint8), (*size, 1))
        put(tile, layers, new, np.full(size, disparity, np.float32))
    return layers


@settings(max_examples=25)
@given(
    projection=projections(),
    texels=st.integers(20_000, 60_000),
    rgba=st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255), st.integers(1, 255)),
    disparity=st.floats(0, 4, width=32),
)
def test_a_constant_image_stays_constant_over_the_seams(
    projection: Projection, texels: int, rgba: tuple[int, int, int, int], disparity: float
) -> None:
    layers = layers_of(projection, rgba, disparity, cut(projection, shells=3, margin=5, texels=texels))
    # Alphas of up to four tiles are rounded one after another.
    assert np.abs(layers["rgba"][0].astype(int)[..., 3] - rgba[3]).max() <= 2
    assert np.abs(layers["rgba"][0].astype(int)[..., :3] - rgba[:3]).max() <= 1
    assert np.allclose(layers["disparity"][0], disparity, atol=1e-5)


def test_opaque_stays_opaque_over_the_seams() -> None:
    plane = Projection("plane", 600, 400, -1.0, 0.7, 300.0)
    tiles = make_tiles(plane, bytes_per_texel=3 * BYTES_PER_TEXEL, margin=5, memory=30_000 * 3 * BYTES_PER_TEXEL)
    assert len(tiles) > 8
    assert (layers_of(plane, (10, 200, 30, 255), 0.5, tiles)["rgba"][..., 3] == 255).all()


def test_seams_are_ramps_between_neighbours() -> None:
    plane = Projection("plane", 400, 60, -1.0, 0.7, 300.0)
    tiles = make_tiles(plane, bytes_per_texel=3 * BYTES_PER_TEXEL, margin=5, memory=250 * 60 * 3 * BYTES_PER_TEXEL)
    assert len(tiles) == 2
    layers = {"rgba": np.zeros((1, 60, 400, 4), np.uint8), "disparity": np.zeros((1, 60, 400), np.float32)}
    for tile, value in zip(tiles, (50, 150), strict=True):
        size = (1, tile.window.height, tile.window.width)
        new = np.full((*size, 4), value, np.uint8)
        new[..., 3] = 255
        put(tile, layers, new, np.full(size, value / 100, np.float32))
    row = layers["rgba"][0, 30, :, 0].astype(int)
    assert row[0] == 50 and row[-1] == 150
    assert np.diff(row).min() >= 0 and np.diff(row).max() <= 8
    depth = layers["disparity"][0, 30]
    assert np.diff(depth).min() >= -1e-6 and np.diff(depth).max() <= 0.08
