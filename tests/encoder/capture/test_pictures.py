from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from encoder.capture.pictures import read_mask, read_picture, rgb_from_frame, upright
from protocol.errors import CaptureError

BT709 = (0.2126, 0.0722)
BT601 = (0.299, 0.114)


def yuv_frame(y: np.ndarray, u: np.ndarray, v: np.ndarray, *, matrix: int, full: bool) -> av.VideoFrame:
    packed = np.concatenate([y.ravel(), u.ravel(), v.ravel()]).reshape(-1, y.shape[1])
    frame = av.VideoFrame.from_ndarray(packed, format="yuv420p")
    frame.colorspace, frame.color_range = matrix, 2 if full else 1
    return frame


def reference(y: np.ndarray, u: np.ndarray, v: np.ndarray, weights: tuple[float, float], *, full: bool) -> np.ndarray:
    """ITU-R BT.709 and BT.601 as written, chroma repeated: for chroma that does not vary."""
    kr, kb = weights
    luma = y / 255 if full else (y - 16.0) / 219
    pb, pr = ((c - 128.0) / (255 if full else 224) for c in (u, v))
    pb, pr = (np.repeat(np.repeat(c, 2, 0), 2, 1) for c in (pb, pr))
    red, blue = luma + 2 * (1 - kr) * pr, luma + 2 * (1 - kb) * pb
    green = (luma - kr * red - kb * blue) / (1 - kr - kb)
    return np.clip(np.stack([red, green, blue], -1) * 255, 0, 255)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("matrix", "weights"), [(1, BT709), (5, BT601), (6, BT601)])
@pytest.mark.parametrize(("cb", "cr"), [(128, 128), (90, 180), (200, 100)])
def test_matrix_and_range(matrix: int, weights: tuple[float, float], cb: int, cr: int, full: bool) -> None:
    y = np.tile(np.arange(256, dtype=np.uint8), (16, 1))
    u, v = np.full((8, 128), cb, np.uint8), np.full((8, 128), cr, np.uint8)
    rgb = rgb_from_frame(yuv_frame(y, u, v, matrix=matrix, full=full))
    assert np.abs(rgb - reference(y, u, v, weights, full=full)).max() <= 1


def enlarged(chroma: np.ndarray, *, left: bool) -> np.ndarray:
    """Chroma at every luma sample, linearly between the places where its samples lie."""

    def along(values: np.ndarray, axis: int, *, centred: bool) -> np.ndarray:
        count = values.shape[axis]
        place = np.arange(2 * count) / 2
        place = np.clip(place - 0.25 if centred else place, 0, count - 1)
        return np.apply_along_axis(lambda line: np.interp(place, np.arange(count), line), axis, values)

    return along(along(chroma.astype(float), 0, centred=True), 1, centred=not left)


@pytest.mark.parametrize("left", [False, True])
def test_chroma_lies_where_the_frame_says(left: bool) -> None:
    random = np.random.default_rng(0)
    y = random.integers(70, 180, (32, 48), dtype=np.uint8)
    u, v = random.integers(100, 150, (2, 16, 24), dtype=np.uint8)
    frame = yuv_frame(y, u, v, matrix=1, full=False)
    if left:  # H.264's default; a lossless round trip is the way to make such a frame
        encoder = av.CodecContext.create("libx264", "w")
        encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 48, 32, "yuv420p", Fraction(1, 30)
        encoder.colorspace, encoder.color_range, encoder.options = 1, 1, {"qp": "0"}
        frame.pts = 0
        decoder = av.CodecContext.create("h264", "r")
        packets = [*encoder.encode(frame), *encoder.encode()]
        frame = [*(f for p in packets for f in decoder.decode(p)), *decoder.decode(None)][0]
    kr, kb = BT709
    luma, pb, pr = (y - 16.0) / 219, (enlarged(u, left=left) - 128) / 224, (enlarged(v, left=left) - 128) / 224
    red, blue = luma + 2 * (1 - kr) * pr, luma + 2 * (1 - kb) * pb
    exact = np.stack([red, (luma - kr * red - kb * blue) / (1 - kr - kb), blue], -1) * 255
    assert np.abs(rgb_from_frame(frame) - np.clip(exact, 0, 255)).max() <= 1


@pytest.mark.parametrize(("rows", "weights"), [(480, BT601), (720, BT709), (1080, BT709)])
def test_untagged_footage_goes_by_its_rows(rows: int, weights: tuple[float, float]) -> None:
    y = np.full((rows, 16), 120, np.uint8)
    u, v = np.full((rows // 2, 8), 90, np.uint8), np.full((rows // 2, 8), 180, np.uint8)
    frame = yuv_frame(y, u, v, matrix=2, full=False)
    frame.color_range = 0
    assert np.abs(rgb_from_frame(frame) - reference(y, u, v, weights, full=False)).max() <= 1


def test_deep_alpha_and_gray_become_rgb(write_image: Callable[..., Path]) -> None:
    deep = np.arange(16 * 16 * 3, dtype=np.uint16).reshape(16, 16, 3) * 85
    rgb, _ = read_picture(write_image("deep.png", deep, pixel_format="rgb48be"), owner="a")
    assert np.abs(rgb - deep / 257).max() <= 0.5

    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    rgb, _ = read_picture(write_image("gray.png", gray, pixel_format="gray"), owner="a")
    assert np.array_equal(rgb, np.repeat(gray[..., None], 3, axis=2))

    deep_gray = gray.astype(np.uint16) * 257
    rgb, _ = read_picture(write_image("deep_gray.png", deep_gray, pixel_format="gray16be"), owner="a")
    assert np.array_equal(rgb, np.repeat(gray[..., None], 3, axis=2))

    rgba = np.random.default_rng(0).integers(0, 256, (16, 16, 4), dtype=np.uint8)
    rgb, _ = read_picture(write_image("alpha.png", rgba, pixel_format="rgba"), owner="a")
    assert np.array_equal(rgb, rgba[..., :3])


def test_jpeg_is_full_range(write_image: Callable[..., Path]) -> None:
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:, 16:] = 255
    pixels[16:, :16] = (200, 40, 60)
    rgb, _ = read_picture(write_image("a.jpg", pixels), owner="a")
    error = np.abs(rgb.astype(int) - pixels)
    assert error[:, 17:].max() <= 2
    assert error[18:, :14].max() <= 4


def test_upright_turns_counter_clockwise_and_falls_back() -> None:
    stored = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    turned = upright(stored, 90, width=2, height=3)
    assert turned is not None
    assert np.array_equal(turned[0, 0], stored[0, 2])
    unturned = upright(stored, -90, width=3, height=2)
    assert unturned is not None
    assert np.array_equal(unturned, stored)
    assert upright(stored, 90, width=4, height=4) is None


def test_masks_are_checked(write_image: Callable[..., Path]) -> None:
    white = np.zeros((8, 8), np.uint8)
    white[:, 3:] = 255
    path = write_image("mask.png", white, pixel_format="gray")
    assert np.array_equal(read_mask(path, owner="cam0", width=8, height=8), white > 0)
    with pytest.raises(CaptureError, match=r"cam0: mask .*mask.png is 8x8, the camera is 9x8; export"):
        read_mask(path, owner="cam0", width=9, height=8)


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_unreadable_images_are_named(write_image: Callable[..., Path], name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = write_image(name, noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CaptureError, match=rf"cam3: .*{name} is no readable image .*; export it again"):
        read_picture(path, owner="cam3")
    path.write_text("no picture")
    with pytest.raises(CaptureError, match=r"cam3: .* is no readable image"):
        read_picture(path, owner="cam3")
    path.unlink()
    with pytest.raises(CaptureError, match=r"cam3: .* is missing"):
        read_picture(path, owner="cam3")
