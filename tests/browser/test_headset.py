"""In a headset: both eyes see what the Python player draws for them, controllers work, and nothing holds the head."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from encoder.bench.impairment import Impairment, Outage
from encoder.bench.proxy import proxy_in_thread
from player.pose.comfort import ComfortBox, fade
from player.pose.trace import circle, pose_at
from protocol.container import open_show
from protocol.geometry import inverse
from protocol.serve.script import Script
from protocol.serve.server import ServeConfig
from samples.make_counter_show import LOW, make_counter_show
from tests.browser.headsets import move_head, press, push_stick, wear_headset
from tests.browser.pictures import DrawnEye, eye_reference, psnr
from tests.browser.playing import call, eyes, snapshot, state, stats
from tests.browser.watching import PLAYER, shown, until, watch
from tests.protocol.serve.running import Running, running

LEAST_DB = 35.0
TRACE_S, LOOKS = 10, 6
IPD = 0.063
FROZEN_S = 3.0
SLOW = Impairment(rate=2e6)
# Chromium's software renderer has the extension; many devices do not.
_NO_MULTIVIEW = """
const original = WebGL2RenderingContext.prototype.getExtension;
WebGL2RenderingContext.prototype.getExtension = function (name) {
  return name === "OVR_multiview2" ? null : original.call(this, name);
};
"""
ROOM = np.array([0.3, 1.6, -0.2])  # where the wearer stands


@pytest.fixture
def server(dome_show: Path, script: Script) -> Iterator[Running]:
    with running(dome_show, config=ServeConfig(script=script)) as server:
        yield server


@pytest.fixture
def worn(page: Page, server: Running, request: pytest.FixtureRequest) -> Page:
    """A page whose viewer has a headset on the head and has entered VR by the button."""
    wear_headset(page)
    if getattr(request, "param", None) == "eye by eye":
        page.add_init_script(_NO_MULTIVIEW)
    page.set_viewport_size({"width": 640, "height": 320})
    watch(page, server.port, "dome")
    shown(page)
    move_head(page, ROOM, (1, 0, 0, 0))
    _enter(page)
    return page


@pytest.mark.parametrize("worn", ["both at once", "eye by eye"], indirect=True)
def test_both_eyes_along_a_head_path(worn: Page, dome_show: Path) -> None:
    """A path of 10 s: the eyes follow it, 63 mm apart, and each sees what the Python player draws there."""
    with open_show(dome_show) as opened:
        manifest = opened.manifest
    box = ComfortBox(np.array(manifest.comfort_min), np.array(manifest.comfort_max))
    trace = circle(box.low, box.high, duration_s=TRACE_S)
    call(worn, "pause()")
    call(worn, "seek(0)")
    until(worn, f"document.querySelector('{PLAYER}').stats().frame === 0")
    worn.wait_for_timeout(3500)  # the panel goes away
    for second in np.linspace(0, TRACE_S, LOOKS):
        T_show_head = pose_at(trace, float(second))
        yaw = 0.4 * np.sin(second)
        move_head(worn, ROOM + T_show_head[:3, 3] - (box.low + box.high) / 2, (np.cos(yaw / 2), 0, np.sin(yaw / 2), 0))
        worn.wait_for_timeout(200)
        picture = snapshot(worn)
        left, right = drawn = eyes(worn)
        places = [inverse(eye.view)[:3, 3] for eye in drawn]
        assert np.linalg.norm(places[1] - places[0]) == pytest.approx(IPD, abs=1e-4)
        assert np.mean(places, axis=0) == pytest.approx(T_show_head[:3, 3], abs=5e-3)
        assert inverse(left.view)[:3, 2] == pytest.approx([np.sin(yaw), 0, np.cos(yaw)], abs=1e-4)
        dim = fade(box, np.mean(places, axis=0))
        wanted = [eye_reference(dome_show, 0, eye, rung=state(worn)["rung"], dim=dim) for eye in drawn]
        for eye, reference in zip(drawn, wanted, strict=True):
            assert psnr(_part(picture, eye), reference) >= LEAST_DB, second
        # The parallax is right, too: each eye's picture is nearer to its own reference than to the other one's.
        assert psnr(_part(picture, left), wanted[0]) > psnr(_part(picture, left), wanted[1])
        assert psnr(_part(picture, right), wanted[1]) > psnr(_part(picture, right), wanted[0])
    assert stats(worn)["draws"] <= 100


def test_controllers_pause_and_seek(worn: Page) -> None:
    press(worn, "trigger")
    until(worn, _says("playing === false"))
    push_stick(worn, -1.0)
    until(worn, _says("time === 0"))  # the show is shorter than a step
    push_stick(worn, 1.0)
    until(worn, _says("Math.abs(time - 0.2) < 1e-9"))  # its last frame
    press(worn, "trigger", hand="left")
    until(worn, _says("playing === true"))


def test_squeezing_puts_the_head_back(worn: Page, dome_show: Path) -> None:
    with open_show(dome_show) as opened:
        middle = (np.array(opened.manifest.comfort_min) + opened.manifest.comfort_max) / 2
    move_head(worn, ROOM + np.array([0.05, 0.02, 0.01]), (np.cos(0.5), 0, np.sin(0.5), 0))
    worn.wait_for_timeout(300)
    assert np.linalg.norm(_place(worn) - middle) > 0.03
    press(worn, "squeeze")
    worn.wait_for_timeout(300)
    assert _place(worn) == pytest.approx(middle, abs=3e-3)


def test_leave_and_enter_again(worn: Page) -> None:
    size = worn.evaluate(_canvas_size())
    call(worn, "leaveVr()")
    until(worn, _says("vr === 'available'"))
    worn.wait_for_timeout(300)
    assert len(eyes(worn)) == 1 and snapshot(worn).shape[:2] == (320, 640)
    displayed = stats(worn)["displayed"]
    until(worn, f"document.querySelector('{PLAYER}').stats().displayed > {displayed}")
    _enter(worn)
    assert len(eyes(worn)) == 2 and worn.evaluate(_canvas_size()) == size


def test_a_frozen_network_does_not_hold_the_head(page: Page, script: Script, tmp_path: Path) -> None:
    """For 3 s nothing comes, amid a show; pictures with new head poses go on, and then the show."""
    wear_headset(page)
    page.set_viewport_size({"width": 640, "height": 320})
    # A line that only just carries the show, so that little is here ahead.
    rungs = (replace(LOW, bits_per_second=1_800_000),)
    path = make_counter_show(tmp_path / "counter.lfv", frames=600, rungs=rungs)
    with running(path, config=ServeConfig(script=script)) as server, proxy_in_thread(server.port, SLOW) as proxy:
        watch(page, proxy.port, "counter")
        shown(page)
        _enter(page)
        proxy.impair(replace(SLOW, outages=(Outage(0.0, FROZEN_S, "silent"),)))
        call(page, "seek(15)")
        frozen, places, frames = time.monotonic(), [], []
        while time.monotonic() < frozen + FROZEN_S - 0.3:
            move_head(page, ROOM + np.array([0.004 * len(places), 0, 0]), (1, 0, 0, 0))
            page.wait_for_timeout(200)
            places.append(float(_place(page)[0]))
            frames.append(stats(page)["frame"])
        assert len(set(frames)) == 1, "the show went on although nothing came"
        assert len(places) > 3 and all(later > earlier for earlier, later in pairwise(places)), places
        until(page, f"document.querySelector('{PLAYER}').stats().frame >= 450")


def _enter(page: Page) -> None:
    page.get_by_role("button", name="VR").click()
    until(page, _says("vr === 'presenting'"))
    until(page, f"document.querySelector('{PLAYER}').eyes().length === 2")


def _says(condition: str) -> str:
    """Whether the player's state is so; its fields by their names."""
    return (
        f"((state) => {{ const {{ playing, time, vr }} = state; return {condition}; }})"
        f"(document.querySelector('{PLAYER}').state)"
    )


def _canvas_size() -> str:
    canvas = f"document.querySelector('{PLAYER}').shadowRoot.querySelector('canvas')"
    return f"(({{ width, height }}) => [width, height])({canvas})"


def _place(page: Page) -> np.ndarray:
    """Of the middle between the eyes, metres, show frame."""
    return np.mean([inverse(eye.view)[:3, 3] for eye in eyes(page)], axis=0)


def _part(picture: np.ndarray, eye: DrawnEye) -> np.ndarray:
    """An eye's part of a picture of both."""
    top = len(picture) - eye.y - eye.height
    return picture[top : top + eye.height, eye.x : eye.x + eye.width]
