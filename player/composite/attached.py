"""The compositor inside a VTK window: draws into VTK's framebuffer, in VTK's OpenGL context."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import moderngl

from player.buffer import DecodedFrame
from player.composite.compositor import Compositor
from player.composite.current_context import attach
from player.composite.mesh import DrawMesh
from player.composite.target import Finish, Resolver, Target
from player.composite.view import PinholeView
from protocol.errors import LfvError

# What is to be drawn now, asked when VTK renders: a frame (None: nothing yet), a view of the given size, and a finish.
Scene = Callable[[int, int], tuple[DecodedFrame | None, PinholeView, Finish]]


class AttachedLayers:
    """Draws the layers whenever a VTK renderer has finished its own pass; planes are uploaded straight to the GL.

    moderngl attaches on the first render, when VTK has made its context (GLX or EGL) current. VTK's idea of the GL
    state is saved before and put back after every drawing.
    """

    def __init__(self, renderer: Any, scene: Scene) -> None:
        """Attach to a vtkRenderer."""
        self._renderer, self._scene = renderer, scene
        self._ctx: moderngl.Context | None = None
        self._frame: DecodedFrame | None = None
        self._mesh: DrawMesh | None = None
        self._target: Target | None = None
        # VTK swallows what an observer raises; it is kept here for whoever asked for the picture.
        self.error: LfvError | None = None
        self._tag = renderer.AddObserver("EndEvent", self._render)

    @property
    def triangle_count(self) -> int:
        """Triangles drawn for each frame."""
        return 0 if self._mesh is None else len(self._mesh.triangles)

    def _render(self, *_: object) -> None:
        if self.error is not None:
            return
        window = self._renderer.GetRenderWindow()
        state = window.GetState()
        state.Push()
        try:
            self._draw(*window.GetActualSize())
        except LfvError as error:
            self.error = error
        finally:
            window.GetShaderCache().ReleaseCurrentShader()
            state.Pop()

    def _draw(self, width: int, height: int) -> None:
        if self._ctx is None:
            self._ctx = attach()
            self._compositor, self._resolver = Compositor(self._ctx), Resolver(self._ctx)
        into = self._ctx.detect_framebuffer()
        frame, view, finish = self._scene(width, height)
        if frame is None:
            return
        self._take(frame)
        target = self._sized(width, height)
        self._compositor.draw_pinhole(target, view)
        into.viewport = (0, 0, width, height)
        self._resolver.draw(target, into, finish, upright=True)

    def _take(self, frame: DecodedFrame) -> None:
        if frame is self._frame:
            return
        if frame.mesh is not self._mesh:
            self._mesh = frame.mesh
            self._compositor.set_mesh(frame.mesh)
        self._compositor.set_frame(frame.frame)
        self._compositor.set_planes(frame.rung, frame.y, frame.u, frame.v)
        self._frame = frame

    def _sized(self, width: int, height: int) -> Target:
        assert self._ctx is not None
        if self._target is None or (self._target.width, self._target.height) != (width, height):
            if self._target is not None:
                self._target.release()
            self._target = Target(self._ctx, width, height)
        return self._target

    def release(self) -> None:
        """Give everything back to the GL and leave the renderer; its context must be current."""
        self._renderer.RemoveObserver(self._tag)
        if self._ctx is not None:
            self._compositor.release()
            self._resolver.release()
            if self._target is not None:
                self._target.release()
            self._ctx = self._target = None
