"""Picture and geometry belong together on the screen: 2,000 displayed frames with seeks and rung switches."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from playwright.sync_api import Page

from protocol.serve.script import Script
from protocol.serve.server import ServeConfig
from samples.make_counter_show import BITS, BLOCK, FULL, HEIGHT, LOW, MEDIUM, PROJECTION, WIDTH, make_counter_show
from tests.browser.playing import call, stats
from tests.browser.watching import shown, until, watch
from tests.protocol.serve.running import running

DISPLAYED, SEEK_EVERY, SWITCH_EVERY = 2000, 37, 53
RATE = 60
FRAMES = 1800
# So far to the right the head stands: squares of set bits, at disparity 1, move by 12.8 texels, the others by half.
HEAD_X = 0.2
SCALE = 2  # pixels a texel
MARGIN = 32  # texels that are seen at both sides of the grid, where near squares of the outer columns go
FOV = 2 * math.degrees(math.atan((WIDTH / 2 + MARGIN) / PROJECTION.density))

# Each frame's own two numbers are read from the canvas in the task that drew it. Rows are counted from below.
_WATCH = """
({ bits, block, width, height, margin, scale, columns }) => {
  const player = document.querySelector("lfv-player");
  const gl = player.shadowRoot.querySelector("canvas").getContext("webgl2");
  const pixel = new Uint8Array(4 * width * height * scale * scale);
  const at = (x, y) => {
    const from = 4 * ((height * scale - 1 - Math.round(y * scale)) * width * scale + Math.round((x + margin) * scale));
    return [pixel[from], pixel[from + 1], pixel[from + 2]];
  };
  const orange = ([r, , b]) => r - b > 60 && b < 40;
  window.told = { shown: 0, mismatches: [], unclear: [], rungs: [], seen: {} };
  player.addEventListener("framechange", ({ detail: { index, rung } }) => {
    gl.readPixels(0, 0, width * scale, height * scale, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
    let [picture, geometry] = [0, 0];
    for (let bit = 0; bit < bits; bit++) {
      const [row, column] = [Math.floor(bit / columns), bit % columns];
      // The far layer's blocks, at disparity 0.1, have moved by 1.28 texels.
      const [lit] = at((column + 0.5) * block - 1.3, (row + 0.5) * block);
      const centre = (column + 0.5) * block;
      const middle = height / 2 + (row + 0.5) * block;
      const [near, far] = [orange(at(centre - 14, middle)), orange(at(centre - 5, middle))];
      if (near === far) window.told.unclear.push([index, bit]);
      picture = 2 * picture + Number(lit > 60);
      geometry = 2 * geometry + Number(near);
    }
    window.told.shown += 1;
    window.told.seen[index] = true;
    if (picture !== index || geometry !== index) window.told.mismatches.push([index, picture, geometry]);
    if (window.told.rungs.at(-1) !== rung) window.told.rungs.push(rung);
  });
}
"""


def test_every_displayed_frame(page: Page, script: Script, tmp_path: Path) -> None:
    rungs = tuple(replace(rung, bits_per_second=400_000) for rung in (FULL, MEDIUM, LOW))
    path = make_counter_show(tmp_path / "counter.lfv", frames=FRAMES, rate=Fraction(RATE), rungs=rungs)
    page.set_viewport_size({"width": (WIDTH + 2 * MARGIN) * SCALE, "height": HEIGHT * SCALE})
    with running(path, config=ServeConfig(script=script)) as server:
        watch(page, server.port, "counter")
        shown(page)
        call(page, f"setAttribute('fov', '{FOV}')")
        call(page, f"head = {{ position: [{HEAD_X}, 0, 0], yaw: 0, pitch: 0 }}")
        page.wait_for_timeout(100)
        page.evaluate(
            _WATCH,
            {
                "bits": BITS,
                "block": BLOCK,
                "columns": WIDTH // BLOCK,
                "scale": SCALE,
                "width": WIDTH + 2 * MARGIN,
                "height": HEIGHT,
                "margin": MARGIN,
            },
        )
        for step in range(DISPLAYED):
            wanted = (step + 1) * min(SEEK_EVERY, SWITCH_EVERY)
            if wanted > DISPLAYED:
                break
            if step % 2:
                call(page, f"seek({(step * 677 % FRAMES) / RATE})")
            else:
                call(page, f"setAttribute('rung', '{rungs[step // 2 % 3].name}')")
            until(page, f"window.told.shown >= {wanted}", seconds=60)
        until(page, f"window.told.shown >= {DISPLAYED}", seconds=60)
        told = page.evaluate("window.told")
        figures = stats(page)
    assert told["mismatches"] == [] and told["unclear"] == []
    assert told["shown"] >= DISPLAYED and len(told["rungs"]) > 10
    assert figures["mostHeld"] <= 4
