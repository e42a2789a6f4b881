"""Pictures pair with frames by timestamp, whatever order they are coded in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from player.decode import decode_pictures
from protocol.chunk import VideoAccessUnit
from protocol.errors import FormatError
from protocol.manifest import Rung
from tests.player.scenes import rung
from tests.player.shows import FRAMES_PER_CHUNK, RUNG, chunk, coded, grey, planes


@pytest.fixture(scope="module")
def units() -> tuple[VideoAccessUnit, ...]:
    return coded(planes(i) for i in range(FRAMES_PER_CHUNK))


def mean_grey(y: np.ndarray) -> float:
    return float((y[:40].mean() - 16) / 219)


def test_b_pictures_come_back_in_order_of_time(units: tuple[VideoAccessUnit, ...]) -> None:
    order = [u.pts for u in units]
    assert order != sorted(order), "the test needs B-pictures"
    pictures = list(decode_pictures(chunk(0, units), RUNG))
    assert [p.frame for p in pictures] == list(range(FRAMES_PER_CHUNK))
    for picture in pictures:
        assert picture.y.shape == (160, 64) and picture.u.shape == picture.v.shape == (80, 32)
        assert picture.y.flags.c_contiguous
        assert abs(mean_grey(picture.y) - grey(picture.frame)) < 0.01


def test_hevc_pairs_too() -> None:
    units = coded((planes(i) for i in range(FRAMES_PER_CHUNK)), codec="libx265")
    pictures = list(decode_pictures(chunk(0, units), replace(RUNG, codec="hevc"), threads=1))
    assert [abs(mean_grey(p.y) - grey(p.frame)) < 0.01 for p in pictures] == [True] * FRAMES_PER_CHUNK


def test_rows_wider_than_the_picture_are_cut() -> None:
    odd = rung(50, 48)
    picture = [np.full((96, 50), 77, np.uint8), np.full((48, 25), 128, np.uint8), np.full((48, 25), 128, np.uint8)]
    units = coded(tuple(picture) for _ in range(FRAMES_PER_CHUNK))
    decoded = next(iter(decode_pictures(chunk(0, units), odd)))
    assert decoded.y.shape == (96, 50) and decoded.u.shape == (48, 25)
    assert np.all(decoded.y == 77)


@pytest.mark.parametrize(
    ("other", "message"),
    [(rung(64, 64), "is 64x160; the manifest says 64x128"), (rung(16, 16), "damaged|16x32")],
)
def test_pictures_of_another_size_are_refused(units: tuple[VideoAccessUnit, ...], other: Rung, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        list(decode_pictures(chunk(1, units), other))


def test_missing_picture_names_chunk_and_time(units: tuple[VideoAccessUnit, ...]) -> None:
    last = max(units, key=lambda u: u.pts)
    broken = tuple(replace(u, data=b"\0\0\0\1\x09\xf0") if u is last else u for u in units)
    with pytest.raises(FormatError, match=r"chunk 2, picture at 0\.5\d\d s"):
        list(decode_pictures(chunk(2, broken), RUNG))


@pytest.mark.parametrize("seed", range(12))
def test_damaged_pictures_end_in_one_error_or_decode(units: tuple[VideoAccessUnit, ...], seed: int) -> None:
    rng = np.random.default_rng(seed)
    broken = []
    for unit in units:
        data = bytearray(unit.data)
        for at in rng.integers(0, len(data), 3):
            data[at] ^= int(rng.integers(1, 256))
        broken.append(replace(unit, data=bytes(data)))
    try:
        pictures = list(decode_pictures(chunk(0, tuple(broken)), RUNG))
    except FormatError as error:
        assert "chunk 0, picture at" in str(error)
    else:
        assert [p.frame for p in pictures] == list(range(FRAMES_PER_CHUNK))
