"""A headset that is not there: Meta's WebXR emulator (the npm package iwer) with its Quest 3."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from playwright.sync_api import Page

from tests.conftest import REPOSITORY

_IWER = REPOSITORY / "player" / "web" / "node_modules" / "iwer" / "build" / "iwer.min.js"
# Chromium has WebXR of its own, without a device.
_INSTALL = """
window.headset = new IWER.XRDevice(IWER.metaQuest3);
headset.installRuntime({ forceInstall: true });
headset.stereoEnabled = true;
"""


def wear_headset(page: Page) -> None:
    """Have the page's browser find a headset. To be called before the page is opened."""
    if not _IWER.is_file():
        pytest.skip("the npm package iwer is not installed; 'make web' installs it")
    page.add_init_script(_IWER.read_text(encoding="utf-8") + _INSTALL)


def move_head(page: Page, position: Sequence[float], quaternion: Sequence[float]) -> None:
    """Of the emulated headset: metres in its own room; (w, x, y, z)."""
    w, x, y, z = quaternion
    page.evaluate(
        "([[x, y, z], q]) => { headset.position.set(x, y, z); headset.quaternion.set(...q); }",
        [list(position), [x, y, z, w]],
    )


def press(page: Page, button: str, *, hand: str = "right") -> None:
    """Push a controller's button and let it go, slowly enough for a frame to see it."""
    for value in (1, 0):
        page.evaluate(f"headset.controllers.{hand}.updateButtonValue('{button}', {value})")
        page.wait_for_timeout(150)


def push_stick(page: Page, x: float, *, hand: str = "right") -> None:
    """Push a controller's stick to a side and let it go."""
    for value in (x, 0):
        page.evaluate(f"headset.controllers.{hand}.updateAxes('thumbstick', {value}, 0)")
        page.wait_for_timeout(150)
