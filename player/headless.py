"""Drawing without a window: an offscreen OpenGL context and a renderer of frames for any camera."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Literal

import moderngl
import numpy as np
from numpy.typing import NDArray

from player.buffer import DecodedFrame
from player.composite.compositor import Compositor
from player.composite.mesh import DrawMesh, draw_mesh
from player.composite.osmesa import OsmesaContext
from player.composite.picture import PictureLayout, Plane
from player.composite.refine import refine
from player.composite.target import Finish, Resolver, Target
from player.composite.view import Array, Camera, PinholeView, as_pinhole
from protocol.errors import DisplayError
from protocol.mesh_codec import Geometry
from protocol.projection import Projection

log = logging.getLogger(__name__)

# Where an offscreen context can come from, tried in this order: EGL (a GPU or Mesa's software renderer; no display
# needed), by the names of Debian's runtime packages and of development ones; OSMesa; whatever display there is.
_BACKENDS: tuple[tuple[str, Callable[[], dict[str, Any]]], ...] = (
    ("EGL", lambda: {"standalone": True, "backend": "egl", "libgl": "libGL.so.1", "libegl": "libEGL.so.1"}),
    ("EGL", lambda: {"standalone": True, "backend": "egl"}),
    ("OSMesa", lambda: {"context": OsmesaContext()}),
    ("display", lambda: {"standalone": True}),
)
_MEND = "apt-get install libegl1 libgl1 libegl-mesa0 libgl1-mesa-dri"


def offscreen_context() -> moderngl.Context:
    """An OpenGL 3.3 context without a window.

    A VTK window that is opened later in the same process may end it (VTK resets EGL's display): open windows first.

    Raises:
        DisplayError: this machine has none; the message names the Debian packages.
    """
    reasons = []
    for name, settings in _BACKENDS:
        try:
            ctx = moderngl.create_context(require=330, **settings())
        except Exception as error:  # glcontext and moderngl raise plain exceptions only
            reasons.append(f"{name}: {' '.join(str(error).split())}")
            continue
        log.debug("OpenGL on %s by %s", ctx.info["GL_RENDERER"], name)
        return ctx
    log.debug("no OpenGL: %s", "; ".join(reasons))
    raise DisplayError(f"no offscreen OpenGL ({reasons[0]}); {_MEND}")


class HeadlessRenderer:
    """Renders frames offscreen. Not for use from several threads.

    Give it a GOP's geometry, then for each frame a picture, then render as many views as wanted.
    """

    def __init__(
        self,
        projection: Projection,
        layout: PictureLayout | None = None,
        *,
        background: tuple[float, float, float] = (0.0, 0.0, 0.0),
        samples: int = 1,
        longest_edge: float | None = 16.0,
        ctx: moderngl.Context | None = None,
    ) -> None:
        """Make the context and the programs.

        Args:
            projection: of the show.
            layout: the rung whose coded pictures `set_frame` takes; decoded frames bring their own.
            background: sRGB 0..1 behind the layers.
            samples: draw samples x samples pixels and average them.
            longest_edge: split triangles to edges of at most this many layer texels, so that they follow shells and
                fisheye lenses more closely; None leaves them as they are.
            ctx: draw here instead of in a context of its own.

        Raises:
            DisplayError: there is no OpenGL.
        """
        self._owned = ctx is None
        self.ctx = offscreen_context() if ctx is None else ctx
        self.projection, self.layout = projection, layout
        self.background, self.samples, self.longest_edge = background, samples, longest_edge
        # Everything below makes this context current and puts back the one before: a window's may be in use as well.
        with self.ctx:
            self._compositor, self._resolver = Compositor(self.ctx), Resolver(self.ctx)
        self._target: Target | None = None
        self._mesh: DrawMesh | None = None

    def set_geometry(self, geometry: Geometry) -> None:
        """Take the geometry of a GOP; its frame 0 is current."""
        mesh = draw_mesh(geometry, self.projection)
        if self.longest_edge is not None:
            mesh = refine(mesh, self.projection, longest=self.longest_edge)
        self._mesh = mesh
        with self.ctx:
            self._compositor.set_mesh(mesh)

    def set_frame(self, frame: int, y: Plane, u: Plane, v: Plane) -> None:
        """Take frame `frame` of the GOP: its disparities and its coded picture (uint8 planes, U and V half size).

        Raises:
            FormatError: the planes are not of the layout's size, or the geometry has no such frame.
        """
        if self.layout is None:
            raise ValueError("coded planes need a layout; give HeadlessRenderer the rung")
        with self.ctx:
            self._compositor.set_frame(frame)
            self._compositor.set_planes(self.layout, y, u, v)

    def set_picture_rgb_alpha_float(
        self, frame: int, rgb: NDArray[np.float32], alpha: NDArray[np.float32], *, texture_scale: float = 1.0
    ) -> None:
        """Take frame `frame` of the GOP with textures that were never coded.

        Args:
            rgb: (H, W, 3) straight sRGB 0..1 of the colour region; alpha: (H, W) 0..1.
        """
        with self.ctx:
            self._compositor.set_frame(frame)
            self._compositor.set_rgba(rgb, alpha, texture_scale=texture_scale)

    def set_decoded(self, frame: DecodedFrame) -> None:
        """Take a frame of the player's buffer; its mesh is uploaded where it is not the current one.

        Raises:
            FormatError: as `set_frame`.
        """
        if self._mesh is not frame.mesh:
            self._mesh = frame.mesh
            with self.ctx:
                self._compositor.set_mesh(frame.mesh)
        self.layout = frame.rung
        self.set_frame(frame.frame, frame.y, frame.u, frame.v)

    def render(
        self, camera: Camera, *, dtype: Literal["float32", "uint8"] = "float32", fade: float = 1.0
    ) -> NDArray[Any]:
        """Draw the current frame for any camera.

        Pinhole views are placed on the GPU, all others by their own `project`, on the CPU.

        Returns:
            (H, W, 4): sRGB over the background and coverage, float32 0..1 or uint8 0..255.
        """
        pinhole = as_pinhole(camera)
        if pinhole is not None:
            return self._render_pinhole(pinhole, dtype, fade)
        with self.ctx:
            target = self._sized(camera.width, camera.height)
            self._compositor.draw_placed(target, camera)
            return self._resolver.read(target, Finish(self.background, fade), dtype=dtype)

    def render_pinhole(
        self,
        T_world_camera: Array,
        *,
        fx: float,
        fy: float,
        cx: float,
        cy: float,
        width: int,
        height: int,
        dtype: Literal["float32", "uint8"] = "float32",
    ) -> NDArray[Any]:
        """Draw the current frame for a pinhole camera (OpenCV axes); returns as `render`."""
        return self._render_pinhole(PinholeView(T_world_camera, fx, fy, cx, cy, width, height), dtype, 1.0)

    def _render_pinhole(self, view: PinholeView, dtype: Literal["float32", "uint8"], fade: float) -> NDArray[Any]:
        with self.ctx:
            target = self._sized(view.width, view.height)
            self._compositor.draw_pinhole(target, view)
            return self._resolver.read(target, Finish(self.background, fade), dtype=dtype)

    def _sized(self, width: int, height: int) -> Target:
        limit = int(self.ctx.info["GL_MAX_TEXTURE_SIZE"])
        if max(width, height) * self.samples > limit:
            raise DisplayError(f"{width}x{height} times {self.samples} is over this OpenGL's {limit}; ask for less")
        if self._target is None or (self._target.width, self._target.height) != (width, height):
            if self._target is not None:
                self._target.release()
            self._target = Target(self.ctx, width, height, samples=self.samples)
        return self._target

    def close(self) -> None:
        """Free the GL objects, and the context where it was made here."""
        with self.ctx:
            self._compositor.release()
            self._resolver.release()
            if self._target is not None:
                self._target.release()
                self._target = None
        if self._owned:
            self.ctx.release()

    def __enter__(self) -> HeadlessRenderer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
