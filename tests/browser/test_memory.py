"""Playing in a loop takes no more memory after a while than at first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from protocol.serve.script import Script
from protocol.serve.server import ServeConfig
from samples.make_counter_show import make_counter_show
from tests.browser.chromium import chromium
from tests.browser.playing import stats
from tests.browser.watching import shown, watch
from tests.protocol.serve.running import running

# LFV_SOAK_S=600 plays for ten minutes.
SECONDS = float(os.environ.get("LFV_SOAK_S", "24"))
SAMPLES = 8
MOST_GROWTH = 1.15
_LIVE_BYTES = "async () => { gc(); await new Promise((done) => setTimeout(done, 100)); gc(); return performance.memory.usedJSHeapSize }"


@pytest.mark.slow
def test_a_loop(script: Script, tmp_path: Path) -> None:
    path = make_counter_show(tmp_path / "counter.lfv", frames=90)
    with (
        chromium("--js-flags=--expose-gc", "--enable-precise-memory-info") as browser,
        running(path, config=ServeConfig(script=script)) as server,
    ):
        page = browser.new_page(viewport={"width": 256, "height": 128})
        watch(page, server.port, "counter")
        shown(page)
        page.wait_for_timeout(3000)
        found = []
        for _ in range(SAMPLES):
            page.wait_for_timeout(1000 * SECONDS / SAMPLES)
            figures = stats(page)
            found.append((page.evaluate(_LIVE_BYTES), figures["textureBytes"], figures["displayed"]))
    heaps, textures, displayed = zip(*found, strict=True)
    print(f"JS heap {heaps}, textures {textures}, displayed {displayed}")
    assert displayed[-1] > displayed[0] + 10 * SECONDS / 2
    assert len(set(textures)) == 1
    assert min(heaps[-2:]) <= MOST_GROWTH * min(heaps[:2]), heaps
