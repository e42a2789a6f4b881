"""Pictures of a browser beside those of the Python player, which are the reference."""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Locator, Page

from player.composite.view import PinholeView
from player.feed import ShowFeed
from player.film import Shot, film
from player.frames import read_frames, reading_for_play
from player.headless import HeadlessRenderer
from player.pose.trace import Trace
from protocol.container import open_show
from protocol.geometry import T_WORLD_FORWARD_CAMERA, inverse

Picture = NDArray[np.uint8]  # (H, W, 3) sRGB


@dataclass(frozen=True)
class DrawnEye:
    """An eye of a browser's picture: `view` maps the show's frame to the eye's, which looks along -z; (4, 4) both."""

    projection: NDArray[np.float64]
    view: NDArray[np.float64]
    x: int
    y: int
    width: int
    height: int


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


def eye_reference(show: Path, frame: int, eye: DrawnEye, *, rung: int = 0, dim: float = 1.0) -> Picture:
    """What the Python player draws of a show's frame for a browser's eye, dimmed by `dim`."""
    with open_show(show) as opened:
        manifest, feed = opened.manifest, ShowFeed(opened, rung)
        frames = read_frames(feed, frame, reading_for_play(manifest))
        with HeadlessRenderer(manifest.projection, background=manifest.background) as renderer, closing(frames):
            renderer.set_decoded(next(frames))
            return renderer.render(_pinhole(eye), dtype="uint8", fade=dim)[..., :3]


def _pinhole(eye: DrawnEye) -> PinholeView:
    """An eye of WebGL (y up, -1 to 1) as a camera of pixels (y down)."""
    p, half_width, half_height = eye.projection, 0.5 * eye.width, 0.5 * eye.height
    return PinholeView(
        T_world_camera=inverse(eye.view) @ T_WORLD_FORWARD_CAMERA,
        fx=half_width * p[0, 0],
        fy=half_height * p[1, 1],
        cx=half_width * (1 - p[0, 2]),
        cy=half_height * (1 + p[1, 2]),
        width=eye.width,
        height=eye.height,
    )
