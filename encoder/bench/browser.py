"""How long a viewer waits who opens a page: for the first paint, for the show's first picture, after a seek.

Chromium draws and decodes on the processor here, as in the tests; what it measures is the player and its network.
"""

from __future__ import annotations

import logging
import shutil
import statistics
import tempfile
from contextlib import ExitStack
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from encoder.bench.figure import Figure
from encoder.bench.streaming.processes import impaired, served, worker
from encoder.bench.streaming.shows import BenchShow, write_bench_show
from encoder.bench.streaming.startup import LADDER, LINK
from protocol.serve.player_files import NOT_BUILT, read_script

if TYPE_CHECKING:
    from playwright.sync_api import Browser

log = logging.getLogger(__name__)

# WebGL 2 on the processor, and nothing that a browser does behind a person's back.
ARGUMENTS = (
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_SIZE = {"width": 640, "height": 360}
# In the page, from its start on: when the first picture of the show was drawn, and of a seek.
_FIRST = """
window.told = new Promise((resolve) => {
  document.addEventListener("DOMContentLoaded", () => {
    const player = document.querySelector("lfv-player");
    player.addEventListener("framechange", () => resolve(performance.now()), { once: true });
  });
});
"""
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN"
_SEEK = """(time) => new Promise((resolve) => {
  const player = document.querySelector("lfv-player");
  const asked = performance.now();
  player.seek(time);
  const shown = ({ detail }) => {
    if (Math.abs(detail.time - time) > 0.5) return;
    player.removeEventListener("framechange", shown);
    resolve(performance.now() - asked);
  };
  player.addEventListener("framechange", shown);
})"""


def bench_browser(quick: bool) -> list[Figure]:
    """Over 50 Mbit/s and 50 ms each way; nothing where there is no Chromium, no Playwright or no player built."""
    script, program = read_script(), shutil.which("chromium")
    if script is None or program is None or find_spec("playwright") is None:
        missing = "there is no chromium, or no playwright of PyPI to drive it"
        log.warning("the browser's player is not measured: %s", NOT_BUILT if script is None else missing)
        return []
    from playwright.sync_api import sync_playwright

    runs, chunks, side = (1, 8, 64) if quick else (12, 16, 512)
    with tempfile.TemporaryDirectory(prefix="lfv-bench-") as folder, ExitStack() as stack:
        path = write_bench_show(Path(folder) / "bench.lfv", BenchShow(chunks, Fraction(1), LADDER, side))
        port = urlsplit(stack.enter_context(served(path)).urls["http"]).port
        slow = stack.enter_context(worker(impaired, port, LINK)).answer()
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        measured = [_run(browser, f"http://127.0.0.1:{slow}/watch/bench", chunks) for _ in range(runs)]
        browser.close()
    out = [Figure("browser_bundle_gzip", len(script.gzipped), "B")]
    for what, milliseconds in zip(
        ("first_paint", "first_frame", "seek_cold"), zip(*measured, strict=True), strict=True
    ):
        out += [
            Figure(f"browser_{what}_p50", 1e-3 * statistics.median(milliseconds), "s"),
            Figure(f"browser_{what}_worst", 1e-3 * max(milliseconds), "s"),
        ]
    return out


def _run(browser: Browser, url: str, chunks: int) -> tuple[float, float, float]:
    """Milliseconds from the navigation to the first paint and to the first frame, in a fresh profile; and of a seek."""
    context = browser.new_context(viewport=_SIZE)  # type: ignore[arg-type]
    try:
        page = context.new_page()
        page.add_init_script(_FIRST)
        page.goto(url)
        first = page.evaluate("window.told")
        return page.evaluate(_PAINT), first, page.evaluate(_SEEK, chunks - 1.5)
    finally:
        context.close()
