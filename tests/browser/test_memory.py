"""Playing in a loop takes no more memory after a while than at first."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import psutil
import pytest

from protocol.serve.script import Script
from protocol.serve.server import ServeConfig
from samples.make_counter_show import make_counter_show
from tests.browser.chromium import chromium
from tests.browser.playing import call, stats
from tests.browser.watching import shown, watch
from tests.protocol.serve.running import running

log = logging.getLogger(__name__)

# LFV_SOAK_S=600 plays for ten minutes; with -o log_cli=true -o log_cli_level=INFO the figures are seen.
SECONDS = float(os.environ.get("LFV_SOAK_S", "12"))
SAMPLES = 8
MOST_GROWTH = 1.15
MOST_PROCESS_GROWTH = 64 << 20  # the worker's memory too, and the browser's own
_LIVE_BYTES = """async () => {
  for (let i = 0; i < 2; i++) {
    gc();
    await new Promise((done) => setTimeout(done, 100));
  }
  return performance.memory.usedJSHeapSize;
}"""


@pytest.mark.timeout(SECONDS + 120)
def test_a_loop(script: Script, tmp_path: Path) -> None:
    path = make_counter_show(tmp_path / "counter.lfv", frames=90)
    with (
        chromium("--js-flags=--expose-gc", "--enable-precise-memory-info") as browser,
        running(path, config=ServeConfig(script=script)) as server,
    ):
        page = browser.new_page(viewport={"width": 256, "height": 128})
        watch(page, server.port, "counter")
        shown(page)
        call(page, "setAttribute('rung', 'full')")
        page.wait_for_timeout(5000)
        found = []
        for _ in range(SAMPLES):
            page.wait_for_timeout(1000 * SECONDS / SAMPLES)
            heap, figures = page.evaluate(_LIVE_BYTES), stats(page)
            found.append((heap, _renderer_bytes(), figures["textureBytes"], figures["displayed"]))
    heaps, processes, textures, displayed = zip(*found, strict=True)
    log.info("JS heap %s, process %s, textures %s, displayed %s", heaps, processes, textures, displayed)
    assert displayed[-1] - displayed[0] > 5 * SECONDS
    assert len(set(textures)) == 1
    assert min(heaps[-2:]) <= MOST_GROWTH * min(heaps[:2]), heaps
    assert min(processes[-2:]) <= min(processes[:2]) + MOST_PROCESS_GROWTH, processes


def _renderer_bytes() -> int:
    """Of the browser's process that runs the page and its worker."""
    children = psutil.Process().children(recursive=True)
    return max(child.memory_info().rss for child in children if "--type=renderer" in " ".join(child.cmdline()))
