"""Pictures of a browser beside those of the Python player, which are the reference."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Locator, Page

from player.feed import ShowFeed
from player.film import Shot, film
from player.frames import reading_for_play
from player.pose.trace import Trace
from protocol.container import open_show

Picture = NDArray[np.uint8]  # (H, W, 3) sRGB


def picture_of(shown: Page | Locator) -> Picture:
    """What is on the screen of a page or of one of its elements."""
    return decoded(shown.screenshot())


def decoded(data: bytes) -> Picture:
    """Of a PNG or JPEG file."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert picture is not None
    return picture.astype(np.uint8)


def reference(
    show: Path,
    time: Fraction,
    *,
    width: int,
    height: int,
    fov: float,
    rung: int = 0,
    position: tuple[float, float, float] = (0.0, 0.0, 0.0),
    quaternion: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0),
) -> Picture:
    """What the Python player draws.

    Args:
        time: of the show, seconds.
        fov: horizontal, radians.
        position, quaternion: of the head, as in a head path: metres; (w, x, y, z).
    """
    trace = Trace(np.zeros(1), np.array([position]), np.array([quaternion]))
    shot = Shot(width=width, height=height, fov=fov, rate=Fraction(30), times=(time,))
    with open_show(show) as opened:
        (picture,) = film(ShowFeed(opened, rung), trace, shot, reading_for_play(opened.manifest))
    return picture


def psnr(one: Picture, other: Picture) -> float:
    """In dB; infinite where they are equal."""
    assert one.shape == other.shape
    error = float(np.mean((one.astype(float) - other.astype(float)) ** 2))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)
