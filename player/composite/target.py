"""The half float framebuffer that the layers are drawn into, and its reduction to a finished picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import moderngl
import numpy as np
from numpy.typing import NDArray

from player.composite.shaders import RESOLVE_FRAGMENT, RESOLVE_VERTEX


class Target:
    """An RGBA16F framebuffer of `samples` x `samples` as many pixels as the finished picture."""

    def __init__(self, ctx: moderngl.Context, width: int, height: int, *, samples: int = 1) -> None:
        self.width, self.height, self.samples = width, height, samples
        self.texture = ctx.texture((width * samples, height * samples), 4, dtype="f2")
        self.texture.filter = (moderngl.NEAREST, moderngl.NEAREST)
        self.framebuffer = ctx.framebuffer([self.texture])

    def release(self) -> None:
        """Give framebuffer and texture back to the GL."""
        self.framebuffer.release()
        self.texture.release()


@dataclass(frozen=True)
class Finish:
    """How a finished picture looks: background colour (sRGB, 0..1) behind the layers, all dimmed by `fade`."""

    background: tuple[float, float, float] = (0.0, 0.0, 0.0)
    fade: float = 1.0


class Resolver:
    """Averages the samples of a target and puts the background behind."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._program = ctx.program(vertex_shader=RESOLVE_VERTEX, fragment_shader=RESOLVE_FRAGMENT)
        self._triangle = ctx.vertex_array(self._program, [])

    def draw(self, target: Target, into: moderngl.Framebuffer, finish: Finish, *, upright: bool = False) -> None:
        """Draw the finished picture into the viewport of `into`; `upright` puts image row 0 at the top for displays."""
        into.use()
        x, y, _, height = into.viewport
        self._ctx.disable(moderngl.BLEND | moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        target.texture.use(0)
        self._program["layers"] = 0
        self._program["samples"] = target.samples
        self._program["background"] = finish.background
        self._program["fade"] = finish.fade
        self._program["origin"] = (x, y)
        self._program["flip_height"] = height if upright else 0
        self._triangle.render(moderngl.TRIANGLES, vertices=3)

    def read(self, target: Target, finish: Finish, *, dtype: Literal["float32", "uint8"]) -> NDArray[Any]:
        """(H, W, 4): sRGB over the background and the layers' coverage, 0..1 or rounded to 0..255."""
        code, numpy_type = ("f4", np.float32) if dtype == "float32" else ("f1", np.uint8)
        colour = self._ctx.renderbuffer((target.width, target.height), 4, dtype=code)
        framebuffer = self._ctx.framebuffer([colour])
        try:
            self.draw(target, framebuffer, finish)
            raw = framebuffer.read(components=4, dtype=code, alignment=1)
        finally:
            framebuffer.release()
            colour.release()
        return np.frombuffer(raw, numpy_type).reshape(target.height, target.width, 4)

    def release(self) -> None:
        """Give the program back to the GL."""
        self._triangle.release()
        self._program.release()
