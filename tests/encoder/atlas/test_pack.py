"""Packers never overlap, stay inside, and waste little."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.atlas.pack import AtlasLayout, _skyline, pack
from encoder.atlas.picture import LARGE, STANDARD, PictureCaps, picture_for, with_room

size_lists = st.lists(st.tuples(st.integers(1, 200), st.integers(1, 200)), max_size=60)


def check(sizes: np.ndarray, layout: AtlasLayout) -> None:
    picture, g = layout.picture, layout.gutter
    taken = np.zeros((picture.colour_height, picture.colour_width), np.int8)
    for (w, h), (x, y) in zip(sizes.tolist(), layout.positions.tolist(), strict=True):
        assert x % 8 == 0 and y % 8 == 0
        assert x - g >= 0 and y - g >= 0
        assert x + w + g <= picture.colour_width and y + h + g <= picture.colour_height
        taken[y - g : y + h + g, x - g : x + w + g] += 1
    assert taken.max(initial=0) <= 1


@given(sizes=size_lists, gutter=st.sampled_from([0, 2, 4, 8, 12]))
def test_rectangles_and_their_gutters_never_overlap(sizes: list[tuple[int, int]], gutter: int) -> None:
    table = np.array(sizes, np.int32).reshape(-1, 2)
    layout = pack(table, gutter=gutter)
    assert layout is not None
    check(table, layout)
    again = pack(table, gutter=gutter)
    assert again is not None and np.array_equal(again.positions, layout.positions) and again.picture == layout.picture


@given(sizes=size_lists, width=st.integers(1, 40), height=st.integers(1, 40))
def test_a_fixed_size_is_kept_or_refused(sizes: list[tuple[int, int]], width: int, height: int) -> None:
    table = np.array(sizes, np.int32).reshape(-1, 2)
    layout = pack(table, size=(16 * width, 16 * height))
    if layout is None:
        return
    assert (layout.picture.colour_width, layout.picture.colour_height) == (16 * width, 16 * height)
    check(table, layout)


@given(
    units=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=20), columns=st.integers(9, 20)
)
def test_skyline_kernel_agrees_with_the_plain_one(units: list[tuple[int, int]], columns: int) -> None:
    heights = [0] * columns
    expected = []
    for w, h in units:
        places = []
        for x in range(columns - w + 1):
            top = max(heights[x : x + w])
            places.append((top, sum(top - v for v in heights[x : x + w]), x))
        top, _, x = min(places)
        heights[x : x + w] = [top + h] * w
        expected.append((x, top))
    corners, height = _skyline(np.array(units, np.int64), np.arange(len(units)), columns)
    assert corners.tolist() == [list(place) for place in expected]
    assert height == max(heights)


def test_layers_like_real_ones_fill_the_atlas() -> None:
    rng = np.random.default_rng(0)
    sizes = 16 * np.ceil(rng.lognormal(1.0, 0.7, (600, 2))).clip(1, 30).astype(np.int32)
    layout = pack(sizes)
    assert layout is not None
    with_gutters = (sizes + 16).prod(axis=1).sum() / (layout.picture.area / 2)
    assert with_gutters > 0.93


def test_what_does_not_fit_gives_nothing() -> None:
    large = np.full((80, 2), 256)
    assert pack(large, caps=STANDARD) is None
    layout = pack(large, caps=LARGE)
    assert layout is not None and layout.picture.area <= LARGE.area
    assert pack(large, size=(512, 512)) is None
    assert pack(np.array([[600, 10]]), size=(512, 512)) is None
    assert pack(np.array([[9000, 10]]), caps=LARGE) is None
    with pytest.raises(ValueError, match="over the caps"):
        pack(large, size=(4096, 4096))
    with pytest.raises(ValueError, match="empty"):
        pack(np.array([[0, 10]]))


def test_alpha_lies_where_the_picture_is_squarer() -> None:
    wide = picture_for(2048, 1024)
    tall = picture_for(1024, 2048)
    assert wide is not None and (wide.alpha_x, wide.alpha_y, wide.width, wide.height) == (0, 1024, 2048, 2048)
    assert tall is not None and (tall.alpha_x, tall.alpha_y, tall.width, tall.height) == (1024, 0, 2048, 2048)
    assert picture_for(4096, 2048) is None
    assert picture_for(64, 64, caps=PictureCaps(side=64, area=1 << 20)) is None
    with pytest.raises(ValueError, match="blocks of 16"):
        picture_for(100, 64)


def test_room_is_given_up_to_the_caps() -> None:
    picture = picture_for(1024, 768)
    assert picture is not None
    width, height = with_room(picture, factor=1.25)
    assert 1.25 <= width * height / (1024 * 768) < 1.28
    width, height = with_room(picture, factor=100.0)
    assert picture_for(width, height) is not None
    assert picture_for(width, height + 16) is None and picture_for(width + 16, height) is None
    assert with_room(picture, factor=1.0) == (1024, 768)
