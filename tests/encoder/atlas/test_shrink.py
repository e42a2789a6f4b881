"""Smaller textures: exact means, by comparison with a plain reference."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from encoder.atlas.paint import Atlas
from encoder.atlas.shrink import shrink, shrink_plan

SCALES = [Fraction(1), Fraction(3, 4), Fraction(1, 2), Fraction(3, 8), Fraction(1, 4)]


def blank(width: int, height: int) -> Atlas:
    return Atlas(np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8))


def random_atlas(width: int, height: int) -> Atlas:
    rng = np.random.default_rng(5)
    return Atlas(rng.integers(0, 256, (height, width, 3), np.uint8), rng.integers(0, 256, (height, width), np.uint8))


def reference(image: NDArray[np.uint8], width: int, height: int, scale: Fraction) -> NDArray[np.uint8]:
    """Every texel in p x p parts, and the mean of q x q parts; the border goes on."""
    p, q = scale.numerator, scale.denominator
    parts = image.astype(np.int64).repeat(p, axis=0).repeat(p, axis=1)
    rows, columns = height * q, width * q
    more = [(0, max(0, rows - parts.shape[0])), (0, max(0, columns - parts.shape[1]))]
    parts = np.pad(parts, [*more, *[(0, 0)] * (image.ndim - 2)], mode="edge")[:rows, :columns]
    sums = parts.reshape(height, q, width, q, *image.shape[2:]).sum(axis=(1, 3))
    return ((sums + q * q // 2) // (q * q)).astype(np.uint8)


@pytest.mark.parametrize("scale", SCALES, ids=str)
@pytest.mark.parametrize("size", [(64, 48), (80, 112), (16, 16)], ids=str)
def test_every_texel_is_the_mean_of_what_it_covers(size: tuple[int, int], scale: Fraction) -> None:
    atlas = random_atlas(*size)
    width, height = (-(-math.ceil(side * scale) // 16) * 16 for side in size)
    out = blank(width, height)
    shrink(shrink_plan(size, (width, height), scale), atlas, out)
    np.testing.assert_array_equal(out.colour, reference(atlas.colour, width, height, scale))
    np.testing.assert_array_equal(out.alpha, reference(atlas.alpha, width, height, scale))


@pytest.mark.parametrize("scale", SCALES, ids=str)
def test_one_value_stays_that_value(scale: Fraction) -> None:
    atlas = Atlas(np.full((64, 64, 3), 255, np.uint8), np.full((64, 64), 201, np.uint8))
    out = blank(64, 64)
    shrink(shrink_plan((64, 64), (64, 64), scale), atlas, out)
    assert (out.colour == 255).all() and (out.alpha == 201).all()


@pytest.mark.parametrize("scale", SCALES, ids=str)
def test_content_on_multiples_of_8_stays_apart(scale: Fraction) -> None:
    """No texel mixes two blocks of 8 texels where whole eighths are kept."""
    atlas = blank(64, 64)
    atlas.alpha[:, ::16] = atlas.alpha[:, 8::16] = 0
    atlas.alpha[:, 24:] = 255
    out = blank(64, 64)
    shrink(shrink_plan((64, 64), (64, 64), scale), atlas, out)
    assert set(np.unique(out.alpha)) == {0, 255}
    assert (out.alpha[0, : int(24 * scale)] == 0).all() and (out.alpha[0, int(24 * scale) :] == 255).all()


@pytest.mark.parametrize("scale", [Fraction(0), Fraction(5, 4), Fraction(1, 3), Fraction(1, 32)], ids=str)
def test_other_scales_are_refused(scale: Fraction) -> None:
    with pytest.raises(ValueError, match="sixteenths"):
        shrink_plan((64, 64), (64, 64), scale)


def test_an_atlas_of_another_size_is_refused() -> None:
    plan = shrink_plan((64, 64), (32, 32), Fraction(1, 2))
    for atlas, small in ((blank(48, 64), blank(32, 32)), (blank(64, 64), blank(32, 16))):
        with pytest.raises(ValueError, match="does not shrink"):
            shrink(plan, atlas, small)
