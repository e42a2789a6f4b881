"""sRGB to the planes of a picture: BT.709, limited range, 8 bit, 4:2:0, chroma at the centre of 2x2 luma samples.

The centre is the place at which OpenGL samples a half-size texture linearly, so that a player needs no offset
(DESIGN section 4). All functions write into arrays that the caller owns, which may be regions of a larger picture.
Source: ITU-R BT.709-6, sections 3.2 to 3.5.
"""

from __future__ import annotations

import numpy as np
from numba import njit

KR, KG, KB = 0.2126, 0.7152, 0.0722  # luma of linear-in-code red, green and blue; they sum to 1
NEUTRAL = 128  # chroma of gray

_Y_RED, _Y_GREEN, _Y_BLUE = (np.float32(k * 219 / 255) for k in (KR, KG, KB))
_U_BLUE = np.float32(224 / 255 / 2)
_U_RED, _U_GREEN = (np.float32(-k / (1 - KB) * 224 / 255 / 2) for k in (KR, KG))
_V_RED = np.float32(224 / 255 / 2)
_V_GREEN, _V_BLUE = (np.float32(-k / (1 - KR) * 224 / 255 / 2) for k in (KG, KB))
_LUMA_FLOOR = np.float32(16.5)  # black, and half a step to round
_CHROMA_FLOOR = np.float32(128.5)
_ALPHA_STEP = np.float32(219 / 255)
_QUARTER = np.float32(0.25)


def write_colour(rgb: np.ndarray, luma: np.ndarray, cb: np.ndarray, cr: np.ndarray) -> None:
    """Converts straight colour.

    Args:
        rgb: (H, W, 3) uint8 sRGB, H and W even.
        luma: (H, W) uint8, written.
        cb, cr: (H / 2, W / 2) uint8, written: each is of the mean of 2x2 pixels.

    Raises:
        ValueError: the shapes do not fit.
    """
    _check(rgb.shape[:2], luma, cb, cr)
    _colour(rgb, luma, cb, cr)


def write_alpha(alpha: np.ndarray, luma: np.ndarray, cb: np.ndarray, cr: np.ndarray) -> None:
    """Stores alpha as gray: luma 16 + 219 * alpha / 255, neutral chroma.

    Args:
        alpha: (H, W) uint8, 255 is opaque, H and W even.
        luma: (H, W) uint8, written.
        cb, cr: (H / 2, W / 2) uint8, written.

    Raises:
        ValueError: the shapes do not fit.
    """
    _check(alpha.shape, luma, cb, cr)
    _alpha(alpha, luma)
    cb[...] = NEUTRAL
    cr[...] = NEUTRAL


def _check(shape: tuple[int, ...], luma: np.ndarray, cb: np.ndarray, cr: np.ndarray) -> None:
    height, width = shape
    half = (height // 2, width // 2)
    if height % 2 or width % 2 or luma.shape != shape or cb.shape != half or cr.shape != half:
        raise ValueError(f"a picture of {shape} does not go into planes of {luma.shape}, {cb.shape} and {cr.shape}")


@njit(cache=True, nogil=True)
def _colour(rgb: np.ndarray, luma: np.ndarray, cb: np.ndarray, cr: np.ndarray) -> None:
    for i in range(cb.shape[0]):
        for j in range(cb.shape[1]):
            red_sum = np.float32(0)
            green_sum = np.float32(0)
            blue_sum = np.float32(0)
            for di in range(2):
                for dj in range(2):
                    y, x = 2 * i + di, 2 * j + dj
                    red = np.float32(rgb[y, x, 0])
                    green = np.float32(rgb[y, x, 1])
                    blue = np.float32(rgb[y, x, 2])
                    luma[y, x] = np.uint8(_LUMA_FLOOR + _Y_RED * red + _Y_GREEN * green + _Y_BLUE * blue)
                    red_sum += red
                    green_sum += green
                    blue_sum += blue
            cb[i, j] = np.uint8(
                _CHROMA_FLOOR + _QUARTER * (_U_RED * red_sum + _U_GREEN * green_sum + _U_BLUE * blue_sum)
            )
            cr[i, j] = np.uint8(
                _CHROMA_FLOOR + _QUARTER * (_V_RED * red_sum + _V_GREEN * green_sum + _V_BLUE * blue_sum)
            )


@njit(cache=True, nogil=True)
def _alpha(alpha: np.ndarray, luma: np.ndarray) -> None:
    for i in range(alpha.shape[0]):
        for j in range(alpha.shape[1]):
            luma[i, j] = np.uint8(_LUMA_FLOOR + _ALPHA_STEP * np.float32(alpha[i, j]))
