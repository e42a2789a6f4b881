"""The textures that hold one frame's picture: coded YUV planes, or colour and alpha that were never coded."""

from __future__ import annotations

from typing import Any, Protocol

import moderngl
import numpy as np
from numpy.typing import NDArray

from protocol.errors import FormatError

Plane = NDArray[np.uint8]


class PictureLayout(Protocol):
    """Where colour and alpha lie in the one picture, in pixels; a manifest's rung is one."""

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def colour_width(self) -> int: ...
    @property
    def colour_height(self) -> int: ...
    @property
    def alpha_x(self) -> int: ...
    @property
    def alpha_y(self) -> int: ...
    @property
    def texture_scale(self) -> Any: ...


class YuvTextures:
    """Three GL_R8 textures, made once and written anew for every frame."""

    def __init__(self, ctx: moderngl.Context, layout: PictureLayout) -> None:
        self.layout = layout
        half = ((layout.width + 1) // 2, (layout.height + 1) // 2)
        sizes = ((layout.width, layout.height), half, half)
        self.textures = tuple(_texture(ctx, size, 1, "f1") for size in sizes)

    def write(self, y: Plane, u: Plane, v: Plane) -> None:
        """Upload (H, W), (H/2, W/2), (H/2, W/2) uint8 planes without strides.

        Raises:
            FormatError: the planes are not the size that the layout says.
        """
        for texture, plane in zip(self.textures, (y, u, v), strict=True):
            if plane.shape != (texture.height, texture.width):
                raise FormatError(
                    f"picture of {plane.shape[1]}x{plane.shape[0]} where the manifest says "
                    f"{texture.width}x{texture.height}; encode the show again"
                )
            texture.write(np.ascontiguousarray(plane, np.uint8).data, alignment=1)

    def release(self) -> None:
        """Give the textures back to the GL."""
        for texture in self.textures:
            texture.release()


class RgbaTexture:
    """One float texture of straight colour and alpha, the size of the colour region."""

    def __init__(self, ctx: moderngl.Context, width: int, height: int) -> None:
        self.texture = _texture(ctx, (width, height), 4, "f4")

    def write(self, rgb: NDArray[np.float32], alpha: NDArray[np.float32]) -> None:
        """Upload (H, W, 3) and (H, W) float32 in [0, 1]."""
        rgba = np.concatenate([rgb, alpha[..., None]], axis=-1, dtype=np.float32)
        self.texture.write(np.ascontiguousarray(rgba).data, alignment=1)

    def release(self) -> None:
        """Give the texture back to the GL."""
        self.texture.release()


def _texture(ctx: moderngl.Context, size: tuple[int, int], components: int, dtype: str) -> moderngl.Texture:
    texture = ctx.texture(size, components, alignment=1, dtype=dtype)
    texture.filter = (moderngl.LINEAR, moderngl.LINEAR)
    texture.repeat_x = texture.repeat_y = False
    return texture
