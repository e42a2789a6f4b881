"""Draws the layers of one frame into a target: premultiplied over, far to near, in one draw call."""

from __future__ import annotations

import moderngl
import numpy as np
from numpy.typing import NDArray

from player.composite.mesh import DrawMesh, vertex_disparities
from player.composite.picture import PictureLayout, Plane, RgbaTexture, YuvTextures
from player.composite.place import place
from player.composite.shaders import PINHOLE_VERTEX, PLACED_VERTEX, RGBA_FRAGMENT, YUV_FRAGMENT
from player.composite.target import Target
from player.composite.view import Camera, PinholeView
from protocol.errors import FormatError
from protocol.geometry import inverse

# What is nearer than this is not drawn, metres; and the least cosine of a drawn direction to the optical axis.
_NEAR = 1e-3
_GRAZING = 1e-5


class Compositor:
    """The GL programs, the mesh of the current GOP and the picture of the current frame."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._programs = {
            (placed, coded): ctx.program(
                vertex_shader=PLACED_VERTEX if placed else PINHOLE_VERTEX,
                fragment_shader=YUV_FRAGMENT if coded else RGBA_FRAGMENT,
            )
            for placed in (False, True)
            for coded in (False, True)
        }
        self._mesh: DrawMesh | None = None
        self._vertices: list[moderngl.Buffer] = []
        self._drawings: dict[tuple[bool, bool], moderngl.VertexArray] = {}
        self._yuv: YuvTextures | None = None
        self._rgba: RgbaTexture | None = None
        self._coded = True
        self._disparity = np.zeros(0, np.float32)

    @property
    def triangle_count(self) -> int:
        """Triangles of the current mesh."""
        return 0 if self._mesh is None else len(self._mesh.triangles)

    def set_mesh(self, mesh: DrawMesh) -> None:
        """Take the geometry of a GOP; its frame 0 is current."""
        self._release_mesh()
        self._mesh = mesh
        if len(mesh.triangles):
            ctx, count = self._ctx, len(mesh.grid)
            direction = ctx.buffer(np.ascontiguousarray(mesh.directions))
            texel = ctx.buffer(np.ascontiguousarray(mesh.texels))
            disparity = ctx.buffer(reserve=4 * count, dynamic=True)
            position = ctx.buffer(reserve=16 * count, dynamic=True)
            index = ctx.buffer(np.ascontiguousarray(mesh.triangles))
            kept = ctx.buffer(reserve=12 * len(mesh.triangles), dynamic=True)
            self._vertices = [direction, texel, disparity, position, index, kept]
            for (placed, coded), program in self._programs.items():
                places = (
                    [(position, "4f", "position")]
                    if placed
                    else [(direction, "3f", "direction"), (disparity, "1f", "disparity")]
                )
                self._drawings[placed, coded] = ctx.vertex_array(
                    program, [*places, (texel, "2f", "texel")], index_buffer=kept if placed else index
                )
        self.set_frame(0)

    def set_frame(self, frame: int) -> None:
        """Take the disparities of a frame of the GOP.

        Raises:
            FormatError: the geometry has no such frame.
        """
        mesh = self._current_mesh()
        if not 0 <= frame < mesh.frame_count:
            raise FormatError(f"geometry has {mesh.frame_count} frames, the picture is of frame {frame}; encode again")
        self._disparity = vertex_disparities(mesh, frame)
        if self._vertices:
            self._vertices[2].write(self._disparity)

    def set_planes(self, layout: PictureLayout, y: Plane, u: Plane, v: Plane) -> None:
        """Take a coded picture: Y full size, U and V half, uint8, BT.709 limited range, chroma centred."""
        if self._yuv is None or self._yuv.layout != layout:
            if self._yuv is not None:
                self._yuv.release()
            self._yuv = YuvTextures(self._ctx, layout)
        self._yuv.write(y, u, v)
        self._coded = True
        for placed in (False, True):
            program = self._programs[placed, True]
            program["luma"], program["cb"], program["cr"] = 0, 1, 2
            program["picture_size"] = (layout.width, layout.height)
            program["alpha_offset"] = (layout.alpha_x, layout.alpha_y)
            program["texture_scale"] = float(layout.texture_scale)

    def set_rgba(self, rgb: NDArray[np.float32], alpha: NDArray[np.float32], *, texture_scale: float = 1.0) -> None:
        """Take textures that were never coded: straight (H, W, 3) sRGB and (H, W) alpha of the colour region, 0..1."""
        height, width = alpha.shape
        if self._rgba is None or self._rgba.texture.size != (width, height):
            if self._rgba is not None:
                self._rgba.release()
            self._rgba = RgbaTexture(self._ctx, width, height)
        self._rgba.write(rgb, alpha)
        self._coded = False
        for placed in (False, True):
            program = self._programs[placed, False]
            program["rgba"] = 0
            program["picture_size"] = (width, height)
            program["texture_scale"] = float(texture_scale)

    def draw_pinhole(self, target: Target, view: PinholeView) -> None:
        """Draw with a projection matrix: vertices are placed on the GPU."""
        self._current_mesh()
        T_camera_world = inverse(view.T_world_camera)
        program = self._programs[False, self._coded]
        program["R_camera_world"] = tuple(T_camera_world[:3, :3].T.reshape(-1))  # GLSL matrices are column major
        program["t_camera_world"] = tuple(T_camera_world[:3, 3])
        lens = (2 * view.fx / view.width, 2 * view.fy / view.height)
        program["lens"] = (*lens, 2 * view.cx / view.width - 1, 2 * view.cy / view.height - 1)
        program["near"] = (_GRAZING, _NEAR)
        self._draw(target, placed=False, vertices=-1)

    def draw_placed(self, target: Target, camera: Camera) -> None:
        """Draw for any camera model: vertices are placed on the CPU."""
        clip, kept = place(self._current_mesh(), self._disparity, camera)
        if self._vertices and len(kept):
            self._vertices[3].write(clip)
            self._vertices[5].write(np.ascontiguousarray(kept))
        self._draw(target, placed=True, vertices=kept.size)

    def _draw(self, target: Target, *, placed: bool, vertices: int) -> None:
        target.framebuffer.use()
        target.framebuffer.clear(0.0, 0.0, 0.0, 0.0)
        if not self._drawings or vertices == 0:
            return
        self._ctx.disable(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        self._ctx.enable(moderngl.BLEND)
        self._ctx.blend_equation = moderngl.FUNC_ADD, moderngl.FUNC_ADD
        self._ctx.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
        for unit, texture in enumerate(self._textures()):
            texture.use(unit)
        self._drawings[placed, self._coded].render(moderngl.TRIANGLES, vertices=vertices)
        self._ctx.disable(moderngl.BLEND)

    def _textures(self) -> tuple[moderngl.Texture, ...]:
        held = self._yuv.textures if self._coded and self._yuv else (self._rgba.texture,) if self._rgba else ()
        if not held:
            raise FormatError("no picture to draw; give the compositor a frame first")
        return held

    def _current_mesh(self) -> DrawMesh:
        if self._mesh is None:
            raise FormatError("no geometry to draw; give the compositor a mesh first")
        return self._mesh

    def _release_mesh(self) -> None:
        for drawing in self._drawings.values():
            drawing.release()
        for buffer in self._vertices:
            buffer.release()
        self._drawings, self._vertices = {}, []

    def release(self) -> None:
        """Give everything back to the GL."""
        self._release_mesh()
        for held in (self._yuv, self._rgba, *self._programs.values()):
            if held is not None:
                held.release()
        self._yuv = self._rgba = None
