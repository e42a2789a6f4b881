"""What a test asks of the player on a page, and what it is told."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from playwright.sync_api import Page

from tests.browser.pictures import DrawnEye, Picture, decoded
from tests.browser.watching import PLAYER, until

_ELEMENT = f"document.querySelector('{PLAYER}')"
_SNAPSHOT = f"""async () => {{
  const bytes = new Uint8Array(await (await {_ELEMENT}.snapshot()).arrayBuffer());
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}}"""


@dataclass(frozen=True)
class Head:
    """Position in metres; yaw to the right and pitch up, radians."""

    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    yaw: float = 0.0
    pitch: float = 0.0

    @property
    def quaternion(self) -> tuple[float, float, float, float]:
        """(w, x, y, z) of T_show_head."""
        (c, s), (d, t) = ((float(np.cos(a)), float(np.sin(a))) for a in (-0.5 * self.yaw, 0.5 * self.pitch))
        return (c * d, c * t, s * d, -s * t)


def state(page: Page) -> dict[str, Any]:
    """The player's state, but for its pictures."""
    return dict(page.evaluate(f"(({{ thumbnails, poster, ...rest }}) => rest)({_ELEMENT}.state)"))


def stats(page: Page) -> dict[str, Any]:
    return dict(page.evaluate(f"{_ELEMENT}.stats()"))


def call(page: Page, code: str) -> Any:
    """Run a method or set a property of the player: `call(page, "pause()")`."""
    return page.evaluate(f"{_ELEMENT}.{code}")


def snapshot(page: Page) -> Picture:
    """The next picture that is drawn."""
    return decoded(base64.b64decode(page.evaluate(_SNAPSHOT)))


def look(page: Page, *, time: float, frame: int, head: Head | None = None, rung: int | None = None) -> Picture:
    """The picture of a frame, which is shown from `time` on, seen from a head; the show is paused there."""
    head = head or Head()
    call(page, "pause()")
    call(page, f"head = {json.dumps(vars(head))}")
    if rung is not None:
        call(page, f"setAttribute('rung', {_ELEMENT}.state.rungs[{rung}].name)")
    call(page, f"seek({time!r})")
    shown = f"{_ELEMENT}.stats().frame === {frame} && !{_ELEMENT}.state.stalled"
    until(page, shown if rung is None else f"{shown} && {_ELEMENT}.state.rung === {rung}")
    return snapshot(page)


def eyes(page: Page) -> list[DrawnEye]:
    """Of the newest picture."""
    found = page.evaluate(
        f"{_ELEMENT}.eyes().map((eye) => [[...eye.projection], [...eye.view], Object.values(eye.viewport)])"
    )
    return [
        DrawnEye(np.reshape(projection, (4, 4)).T, np.reshape(view, (4, 4)).T, *(int(side) for side in viewport))
        for projection, view, viewport in found
    ]
