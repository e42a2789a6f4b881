"""Where a picture is wrong, in colours on one scale for all reports."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from encoder.report.markup import Markup, element

Rgb = NDArray[np.uint8]

FULL_SCALE = 64  # levels of 255 that have the last colour
LEFT_OUT = (128, 128, 128)  # of pixels that do not count
# From no error to FULL_SCALE, evenly spaced; lightness rises all the way, so that it also reads in greys.
_COLOURS = np.array([(0, 0, 4), (74, 12, 107), (165, 44, 96), (237, 105, 37), (251, 180, 26), (252, 255, 200)])


def error_levels(truth: Rgb, render: Rgb) -> NDArray[np.uint8]:
    """(H, W, 3) pictures -> (H, W) the largest difference of the three channels, levels of 255."""
    levels: NDArray[np.uint8] = np.abs(truth.astype(np.int16) - render).max(axis=-1).astype(np.uint8)
    return levels


def coloured(levels: NDArray[np.uint8], counted: NDArray[np.bool_]) -> Rgb:
    """(H, W) levels -> (H, W, 3) sRGB; grey where `counted` (H, W) is false."""
    place = np.minimum(levels, FULL_SCALE) / FULL_SCALE * (len(_COLOURS) - 1)
    stops = np.arange(len(_COLOURS))
    channels = [np.interp(place, stops, _COLOURS[:, channel]) for channel in range(3)]
    picture = np.stack(channels, axis=-1).round().astype(np.uint8)
    picture[~counted] = LEFT_OUT
    return picture


def scale_legend() -> Markup:
    """The scale of `coloured`, with its numbers."""
    stops = [
        element("stop", offset=f"{100 * i // (len(_COLOURS) - 1)}%", stop_color=f"rgb({r},{g},{b})")
        for i, (r, g, b) in enumerate(_COLOURS.tolist())
    ]
    left, width = 12, 320
    levels = range(0, FULL_SCALE + 1, FULL_SCALE // 4)
    words = {level: f"{level} +" if level == FULL_SCALE else str(level) for level in levels}
    marks = [element("text", words[n], x=left + width * n / FULL_SCALE, y=34, text_anchor="middle") for n in levels]
    svg = element(
        "svg",
        element("title", "Scale of the error maps"),
        element("linearGradient", *stops, id="error-scale"),
        element("rect", x=left, y=2, width=width, height=16, fill="url(#error-scale)"),
        *marks,
        viewBox="0 0 350 40",
        role="img",
        class_="scale",
    )
    note = (
        "An error map shows, pixel by pixel, the difference of the colour channel that is off the most, in levels of "
        f"255: from black (none) to pale yellow ({FULL_SCALE} levels and more). The scale is the same in all reports. "
        "Grey is not compared: it lies outside the lens's picture or is masked."
    )
    return element("div", svg, element("p", note), class_="note")
