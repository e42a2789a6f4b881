"""Pictures as JPEG files, by the encoder that PyAV brings."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray


def jpeg(picture: NDArray[np.uint8], *, quality: int | None = None) -> bytes:
    """(H, W, 3) uint8 sRGB -> the bytes of a JPEG file; the same picture gives the same bytes.

    Args:
        quality: the quantiser's scale, 2 (best) to 31; None is what the encoder thinks fit.
    """
    context = av.CodecContext.create("mjpeg", "w")
    context.height, context.width = picture.shape[:2]
    context.pix_fmt, context.time_base = "yuvj420p", Fraction(1)
    if quality is not None:
        context.options = {"qmin": str(quality), "qmax": str(quality)}
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24").reformat(format="yuvj420p")
    return b"".join(bytes(packet) for packet in (*context.encode(frame), *context.encode(None)))
