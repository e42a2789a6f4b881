"""The window draws what the headless renderer draws, and leaves VTK's own drawing alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from player.buffer import DecodedFrame
from player.clock import PlayClock, advanced, sought, toggled
from player.composite.view import head_view
from player.feed import ShowFeed
from player.film import comfort_box
from player.frames import FrameReading, read_frames
from player.headless import HeadlessRenderer
from player.pose.comfort import fade
from player.pose.fly import head_pose, shifted, turned
from player.window import PlayerWindow, WindowLook
from player.window_input import Gestures
from protocol.container import open_show
from tests.player.scenes import PLANE, psnr
from tests.player.shows import RUNG, manifest

LOOK = WindowLook(width=320, height=240, fov=math.radians(90), off_screen=True)


@pytest.fixture(scope="module")
def frames(show_path: Path) -> list[DecodedFrame]:
    with open_show(show_path) as show:
        return list(read_frames(ShowFeed(show, 0), 0, FrameReading()))


@pytest.fixture
def window() -> Iterator[PlayerWindow]:
    with PlayerWindow(comfort_box(manifest()), LOOK) as opened:
        yield opened


def test_window_shows_what_the_headless_renderer_shows(window: PlayerWindow, frames: list[DecodedFrame]) -> None:
    with HeadlessRenderer(PLANE, RUNG) as headless:
        for frame in (frames[0], frames[7], frames[1]):
            window.show(frame)
            window.head = turned(shifted(window.head, comfort_box(manifest()), right=0.1, up=0.05), right=0.2, up=0.1)
            drawn = window.screenshot()
            headless.set_decoded(frame)
            view = head_view(head_pose(window.head), width=320, height=240, fov=LOOK.fov)
            expected = headless.render(view, fade=fade(comfort_box(manifest()), np.array(window.head.position)))
            assert psnr(drawn / 255.0, expected) >= 35
            assert drawn.std() > 10


def test_overlay_is_drawn_over_the_layers_and_goes_away(window: PlayerWindow, frames: list[DecodedFrame]) -> None:
    window.show(frames[5])
    plain = window.screenshot()
    window.write("frame 5\nbuffer 3 of 4")
    written = window.screenshot()
    window.write("")
    changed = np.abs(written.astype(int) - plain).max(axis=-1) > 40
    y, x = np.nonzero(changed)
    assert len(y) > 50 and y.min() > 150 and x.max() < 250
    np.testing.assert_array_equal(window.screenshot(), plain)


def test_vtks_own_actors_are_drawn_as_without_the_layers(window: PlayerWindow, frames: list[DecodedFrame]) -> None:
    """Many pictures in a row, with a lit sphere in the overlay's renderer: VTK's GL state survives."""
    pyvista = pytest.importorskip("pyvista")
    renderers = window._window.GetRenderers()
    overlay = renderers.GetItemAsObject(renderers.GetNumberOfItems() - 1)
    actor = pyvista.Actor(mapper=pyvista.DataSetMapper(pyvista.Sphere(radius=0.3)))
    overlay.AddActor(actor)
    overlay.ResetCamera()
    before = window.screenshot()
    for frame in frames:
        window.show(frame)
        window.render()
    window.frame = None
    np.testing.assert_array_equal(window.screenshot(), before)
    assert before.max() > 100


def test_drags_keys_and_wheel_are_gathered_between_pictures() -> None:
    gestures = Gestures()
    gestures.drag("turn", (10, 10))
    gestures.move((14, 7))
    gestures.move((15, 7))
    gestures.drag(None, (15, 7))
    gestures.move((90, 90))
    gestures.wheel(1)
    for key in ("w", "w", "S", "Left", "Left", "space"):
        gestures.key_down(key)
    taken = gestures.take()
    assert taken.turn == (5, -3) and taken.slide == (0, 0) and taken.wheel == 1
    assert taken.pressed == ("w", "s", "left", "left", "space")
    assert "w" in taken.keys
    gestures.key_up("w")
    again = gestures.take()
    assert again.turn == (0, 0) and again.pressed == () and "w" not in again.keys
    gestures.key_down("Escape")
    assert gestures.quit


def test_clock_runs_wraps_stops_and_seeks() -> None:
    clock = PlayClock(duration=2.0)
    assert advanced(clock, seconds=0.5).time == 0.5
    assert advanced(clock, seconds=2.5).time == 0.5
    assert advanced(toggled(clock), seconds=0.5).time == 0.0
    once = advanced(PlayClock(duration=2.0, loop=False), seconds=3.0)
    assert (once.time, once.playing) == (2.0, False)
    assert toggled(once).time == 0.0
    assert sought(clock, seconds=-5).time == 0.0
    assert sought(clock, seconds=5).time == 2.0
