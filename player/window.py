"""The window: pyvista and VTK own it and the interaction, the layers are drawn in its OpenGL context."""

from __future__ import annotations

import math
import os
import sys
import time
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pyvista
from numpy.typing import NDArray
from vtkmodules.vtkInteractionStyle import vtkInteractorStyleUser
from vtkmodules.vtkRenderingCore import vtkRenderer, vtkTextActor

from player.buffer import DecodedFrame
from player.composite.attached import AttachedLayers
from player.composite.target import Finish
from player.composite.view import Array, PinholeView, head_view
from player.pose.comfort import ComfortBox, fade
from player.pose.fly import FlyHead, centred, head_pose, moved, shifted, turned
from player.stats import Stats
from player.window_input import Gestures, Taken
from protocol.errors import DisplayError

# The window asks for no more pictures than this a second.
_MOST_RATE = 120.0
_WHEEL_STEP_S = 0.08


@dataclass(frozen=True)
class WindowLook:
    """Size in pixels, horizontal field of view in radians, title, and whether it stays invisible."""

    width: int = 1280
    height: int = 720
    fov: float = math.radians(90.0)
    title: str = "lfv"
    off_screen: bool = False


class PlayerWindow:
    """A window onto a show: `show` says which frame, `poll` moves the head, `render` draws. It knows no time itself."""

    def __init__(
        self,
        box: ComfortBox,
        look: WindowLook,
        *,
        background: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> None:
        """Open it.

        Raises:
            DisplayError: there is no display.
        """
        if not look.off_screen and sys.platform == "linux" and not os.environ.get("DISPLAY"):
            raise DisplayError("no display to open a window on; log in to a desktop, or use --headless --out FOLDER")
        self._look, self._box, self._background = look, box, background
        self.head: FlyHead = centred(box)
        self.frame: DecodedFrame | None = None
        self._pose: Array | None = None
        self.gestures = Gestures()
        self._plotter = pyvista.Plotter(
            off_screen=look.off_screen, window_size=[look.width, look.height], title=look.title
        )
        self._window = cast(Any, self._plotter.render_window)
        self._interactor: Any = None
        self._window.SetMultiSamples(0)
        self._plotter.renderer.SetBackground(*background)
        self._layers = AttachedLayers(self._plotter.renderer, self._scene)
        self._text = self._overlay()
        if not look.off_screen:
            self._listen()

    @property
    def triangle_count(self) -> int:
        """Triangles drawn for each frame."""
        return self._layers.triangle_count

    @property
    def closed(self) -> bool:
        """The user has closed the window or asked to quit."""
        return self.gestures.quit

    def show(self, frame: DecodedFrame) -> None:
        """The frame to draw from now on."""
        self.frame = frame

    def place(self, T_world_head: Array | None) -> None:
        """Draw from this pose instead of the head that mouse and keyboard move; None goes back to it."""
        self._pose = T_world_head

    def write(self, text: str) -> None:
        """The overlay's text; empty hides it."""
        self._text.SetInput(text)
        self._text.SetVisibility(bool(text))

    def poll(self, seconds: float) -> Taken:
        """Take the input since the last call and move the head; `seconds` is how long keys were held."""
        self._interactor.ProcessEvents()
        taken = self.gestures.take()
        width = max(1, self._window.GetActualSize()[0])
        angle = self._look.fov / width
        self.head = turned(self.head, right=-taken.turn[0] * angle, up=-taken.turn[1] * angle)
        metre = float(np.max(self._box.high - self._box.low)) / width
        self.head = shifted(self.head, self._box, right=-taken.slide[0] * metre, up=-taken.slide[1] * metre)
        self.head = moved(self.head, self._box, taken.keys, seconds=seconds)
        forward = "w" if taken.wheel > 0 else "x"
        self.head = moved(self.head, self._box, frozenset(forward), seconds=_WHEEL_STEP_S * abs(taken.wheel))
        if "r" in taken.pressed:
            self.head = centred(self._box)
        return taken

    def render(self) -> None:
        """Draw now.

        Raises:
            FormatError, DisplayError: the frame cannot be drawn.
        """
        self._window.Render()
        if self._layers.error is not None:
            raise self._layers.error

    def screenshot(self) -> NDArray[np.uint8]:
        """Draw, and read back (H, W, 3) uint8 sRGB."""
        self.render()
        return np.asarray(self._plotter.screenshot(return_img=True, transparent_background=False))[..., :3]

    def close(self) -> None:
        """Free the GL objects and the window."""
        self._window.MakeCurrent()
        self._layers.release()
        self._plotter.close()

    def __enter__(self) -> PlayerWindow:
        self._plotter.show(auto_close=False, interactive=False, interactive_update=not self._look.off_screen)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _scene(self, width: int, height: int) -> tuple[DecodedFrame | None, PinholeView, Finish]:
        pose = head_pose(self.head) if self._pose is None else self._pose
        view = head_view(pose, width=width, height=height, fov=self._look.fov)
        return self.frame, view, Finish(self._background, fade(self._box, pose[:3, 3]))

    def _overlay(self) -> vtkTextActor:
        # A renderer of its own, drawn after the layers, so that they do not cover it.
        renderer = vtkRenderer()
        renderer.SetLayer(1)
        renderer.InteractiveOff()
        self._window.SetNumberOfLayers(2)
        self._window.AddRenderer(renderer)
        text = vtkTextActor()
        text.SetPosition(12, 12)
        text.GetTextProperty().SetFontSize(16)
        text.GetTextProperty().SetFontFamilyToCourier()
        text.GetTextProperty().SetBackgroundColor(0, 0, 0)
        text.GetTextProperty().SetBackgroundOpacity(0.5)
        text.SetVisibility(False)
        renderer.AddViewProp(text)
        return text

    def _listen(self) -> None:
        self._interactor = self._window.GetInteractor()
        self._style = vtkInteractorStyleUser()
        self._interactor.SetInteractorStyle(self._style)
        self.gestures.attach(self._interactor)


def stopwatch_step(stats: Stats) -> float:
    """Wait for the next picture's turn; the seconds since the last one's."""
    last = stats.times[-1]
    wait = last + 1.0 / _MOST_RATE - time.perf_counter()
    if wait > 0:
        time.sleep(wait)
    stats.times.append(time.perf_counter())
    return stats.times[-1] - last
