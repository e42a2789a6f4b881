"""From a decoded frame to sRGB: the right matrix and range, the right way up."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from protocol.errors import CaptureError

HD_ROWS = 720  # untagged footage of at least so many rows is BT.709, below it BT.601

_BT709, _UNSPECIFIED, _BT601 = 1, 2, 6  # ITU-T H.273 MatrixCoefficients, as libav numbers them
_LIMITED, _FULL = 1, 2
# Without both of the last flags libswscale is off by up to 3 levels in limited range; with them it is within 0.51.
# It places the chroma samples as the frame says (left for H.264, centre for JPEG).
_EXACT = int(Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT)


def rgb_from_frame(frame: VideoFrame) -> np.ndarray:
    """`frame` as (H, W, 3) uint8 sRGB, of its stored size and orientation.

    YUV is converted by the frame's own tags; without tags BT.709 from 720 rows on, BT.601 below, limited range.
    Gray becomes three equal channels, more than 8 bits are rounded to the nearest level, alpha is dropped.
    """
    deep = max(component.bits for component in frame.format.components) > 8
    matrix = frame.colorspace
    if matrix == _UNSPECIFIED:
        matrix = _BT709 if frame.height >= HD_ROWS else _BT601
    full = frame.color_range == _FULL or frame.format.name.startswith(("yuvj", "gray", "ya"))
    converted = VideoReformatter().reformat(
        frame,
        format="rgb48le" if deep else "rgb24",
        interpolation=_EXACT,
        src_colorspace=matrix,
        dst_colorspace=_BT709,
        src_color_range=_FULL if full else _LIMITED,
        dst_color_range=_FULL,
        threads=1,
    )
    rgb = converted.to_ndarray()
    if deep:
        return ((rgb.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    return rgb


def upright(rgb: np.ndarray, rotation: int, *, width: int, height: int) -> np.ndarray | None:
    """`rgb` turned as its file asks, or as it is stored where only that is `width` x `height`; None where neither is.

    Args:
        rgb: (H, W, 3) uint8.
        rotation: degrees counter-clockwise, a multiple of 90 (phones and EXIF write it).
    """
    turned = np.rot90(rgb, k=rotation // 90) if rotation % 90 == 0 else rgb
    for candidate in (turned, rgb):
        if candidate.shape[:2] == (height, width):
            return np.ascontiguousarray(candidate)
    return None


def read_picture(path: Path, *, owner: str) -> tuple[np.ndarray, int]:
    """The picture in an image file: (H, W, 3) uint8 sRGB as stored, and its rotation in degrees counter-clockwise.

    Args:
        path: PNG, JPEG, TIFF or whatever else libav decodes.
        owner: whose it is, for the message.

    Raises:
        CaptureError: the file is missing, truncated or no image.
    """
    try:
        with path.open("rb") as file, av.open(file, mode="r") as container:
            stream = container.streams.video[0]
            stream.codec_context.options = {"err_detect": "explode"}  # else a cut JPEG decodes to gray without a word
            stream.codec_context.thread_count = 1
            frame = next(container.decode(stream))
            return rgb_from_frame(frame), frame.rotation
    except FileNotFoundError:
        raise CaptureError(f"{owner}: {path} is missing; put it back or take the camera out of the rig") from None
    except (av.error.FFmpegError, IndexError, StopIteration, OSError) as error:
        reason = getattr(error, "strerror", None) or "it holds no picture"
        raise CaptureError(f"{owner}: {path} is no readable image ({reason.lower()}); export it again") from error


def read_mask(path: Path, *, owner: str, width: int, height: int) -> np.ndarray:
    """The validity mask in an image file: (height, width) bool, true where the picture is brighter than half.

    Raises:
        CaptureError: unreadable, or not of the camera's size.
    """
    rgb, rotation = read_picture(path, owner=owner)
    mask = upright(rgb, rotation, width=width, height=height)
    if mask is None:
        raise CaptureError(
            f"{owner}: mask {path} is {rgb.shape[1]}x{rgb.shape[0]}, the camera is {width}x{height}; "
            "export it at that size"
        )
    return mask[..., 1] > 127
