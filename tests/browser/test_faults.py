"""What goes wrong is told in words or heals by itself; nothing is asked for without end."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page

from encoder.bench.impairment import Impairment, Outage
from encoder.bench.proxy import proxy_in_thread
from encoder.cli import main
from protocol.container import open_show
from protocol.header import HEADER_BYTES
from protocol.serve.script import Script
from protocol.serve.server import ServeConfig
from samples.make_counter_show import FULL, make_counter_show
from tests.browser.complaints import Complaints
from tests.browser.playing import call, state, stats
from tests.browser.watching import PLAYER, loaded, shown, until, watch
from tests.end_to_end.web_server import nginx
from tests.protocol.serve.running import running

OUTAGE_S = 5.0


@pytest.mark.parametrize("kind", ["reset", "silent"])
@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_an_outage_heals_by_itself(
    page: Page, complaints: Complaints, script: Script, tmp_path: Path, kind: str, scheme: str
) -> None:
    complaints.allow("net::ERR_|WebSocket connection to")  # what Chromium says of lost connections
    rungs = (replace(FULL, bits_per_second=3_000_000),)
    path = make_counter_show(tmp_path / "counter.lfv", frames=1200, rungs=rungs)
    slow = Impairment(rate=5e6)
    with running(path, config=ServeConfig(script=script)) as server, proxy_in_thread(server.port, slow) as proxy:
        watch(page, proxy.port, "counter")
        call(page, f"setAttribute('src', '{scheme}://127.0.0.1:{proxy.port}/counter.lfv')")
        shown(page)
        page.wait_for_timeout(1000)
        proxy.impair(replace(slow, outages=(Outage(0.0, OUTAGE_S, kind),)))  # type: ignore[arg-type]
        page.wait_for_timeout(1000 * OUTAGE_S)
        frame = stats(page)["frame"]
        until(page, f"document.querySelector('{PLAYER}').stats().frame > {frame} + 10", seconds=10)
        until(page, f"document.querySelector('{PLAYER}').state.connected")
        assert state(page)["failure"] is None


def _segment(path: Path) -> tuple[int, int]:
    with open_show(path) as show:
        segment = show.index.chunks[1].segments[0]
        return segment.offset, segment.length


def _truncated(path: Path) -> None:
    """The file ends amid the second chunk."""
    offset, length = _segment(path)
    path.write_bytes(path.read_bytes()[: offset + length // 2])


def _damaged(path: Path) -> None:
    """A byte of the second chunk is another one."""
    offset, length = _segment(path)
    data = bytearray(path.read_bytes())
    data[offset + length // 2] ^= 1
    path.write_bytes(data)


def _wrong_manifest(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[HEADER_BYTES + 20] ^= 0x55
    path.write_bytes(data)


def _no_show(path: Path) -> None:
    path.write_bytes(b"<html>not found</html>" * 100)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_truncated, "cut short|shorter|ends|length|bytes"),
        (_damaged, "chunk 1 .*wrong checksum"),
        (_wrong_manifest, "wrong checksum"),
        (_no_show, "not a show"),
    ],
)
def test_a_spoilt_show_is_told_in_words(
    page: Page, complaints: Complaints, script: Script, show_path: Path, tmp_path: Path,
    spoil: Callable[[Path], None], says: str,
) -> None:  # fmt: skip
    complaints.allow("net::ERR_|Failed to load resource")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    folder, work = tmp_path / "www", tmp_path / "nginx"
    work.mkdir()
    assert main(["export", "page", str(folder)]) == 0
    (folder / "show.lfv").write_bytes(show_path.read_bytes())
    spoil(folder / "show.lfv")
    with nginx(folder, work) as server:
        page.goto(server.url("index.html"))
        loaded(page)
        until(page, f"document.querySelector('{PLAYER}').state.phase === 'failed'")
        message = state(page)["failure"]["message"]
        page.wait_for_timeout(300)
        alert = page.get_by_role("alert")
        assert alert.is_visible() and message.lower() in alert.inner_text().lower()
        count = len(asked)
        page.wait_for_timeout(1500)
        assert len(asked) == count, "it goes on asking"
    assert re.search(says, message), message


def test_retry_plays_what_is_mended(
    page: Page, complaints: Complaints, script: Script, show_path: Path, tmp_path: Path
) -> None:
    complaints.allow("net::ERR_|Failed to load resource")
    with running(show_path, config=ServeConfig(script=script)) as server:
        watch(page, server.port, "tiny")
        loaded(page)
        call(page, f"setAttribute('src', 'http://127.0.0.1:{server.port}/other.lfv')")
        until(page, f"document.querySelector('{PLAYER}').state.phase === 'failed'")
        assert "other" in state(page)["failure"]["message"]
        assert page.get_by_role("button", name="Retry").is_visible()
        call(page, f"setAttribute('src', 'http://127.0.0.1:{server.port}/tiny.lfv')")
        shown(page)
        assert not page.get_by_role("alert").is_visible()
