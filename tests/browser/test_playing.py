"""What else viewers have: sound that is the clock, live shows, other codecs, controls before any media."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route

from protocol.chunk import encode_segment
from protocol.container import Show, open_show
from protocol.partial import PartialShow
from protocol.serve.script import Script
from protocol.serve.server import ServeConfig
from samples.append_live import append_live
from samples.make_counter_show import CounterShow, counter_chunks, counter_manifest, make_counter_show
from tests.browser.playing import call, state, stats
from tests.browser.watching import PLAYER, loaded, shown, until, watch
from tests.protocol.serve.process import port_of, serve
from tests.protocol.serve.running import Running, running

NEAR_S = 3.0  # to the live edge: a chunk, and the most that a player keeps away after stalls
_STATE = f"document.querySelector('{PLAYER}').state"


@pytest.fixture
def dome(dome_show: Path, script: Script) -> Iterator[Running]:
    with running(dome_show, config=ServeConfig(script=script)) as server:
        yield server


def test_sound_is_heard_and_is_the_clock(page: Page, dome: Running) -> None:
    """Unmuted by a click, the show's time is that of the sound device."""
    page.add_init_script("""
        window.heard = [];
        const start = AudioBufferSourceNode.prototype.start;
        AudioBufferSourceNode.prototype.start = function (when, offset) {
          window.heard.push([when, offset, this.buffer.getChannelData(0).some((sample) => sample !== 0)]);
          return start.call(this, when, offset);
        };
    """)
    watch(page, dome.port, "dome")
    shown(page)
    assert state(page)["sound"] and state(page)["muted"]
    page.mouse.move(200, 200)
    page.get_by_role("button", name="Unmute").click()
    until(page, "window.heard.length > 6")
    heard = page.evaluate("window.heard")
    assert any(loud for _, _, loud in heard)
    # Laps follow each other: what is handed over later is heard later, without a gap of more than a stretch.
    times = [when for when, _, _ in heard]
    assert times == sorted(times)
    call(page, "pause()")
    count = page.evaluate("window.heard.length")
    page.wait_for_timeout(500)
    assert page.evaluate("window.heard.length") == count


def test_a_muted_show_goes_on(page: Page, dome: Running) -> None:
    watch(page, dome.port, "dome")
    shown(page)
    before = stats(page)["displayed"]
    until(page, f"document.querySelector('{PLAYER}').stats().displayed > {before} + 10")


def test_a_live_show_is_followed_to_its_end(page: Page, script: Script, tmp_path: Path) -> None:
    """The page joins at the newest chunk, stays near the edge, goes back and forth, and plays on at the end."""
    whole, out = make_counter_show(tmp_path / "whole.lfv", frames=360), tmp_path / "counter.lfv"
    with open_show(whole) as show, serve(out, "--live") as (_, said), _encoding(show, out):
        time.sleep(2.5)
        watch(page, port_of(said), "counter")
        shown(page)
        assert state(page)["live"] and state(page)["following"] and stats(page)["frame"] >= 45
        page.wait_for_timeout(3000)
        assert state(page)["behindS"] < NEAR_S
        call(page, "seek(0.5)")
        until(page, f"document.querySelector('{PLAYER}').stats().frame < 60 && !{_STATE}.following")
        page.get_by_role("button", name=re.compile("live", re.IGNORECASE)).click()
        until(page, f"{_STATE}.following && {_STATE}.behindS < {NEAR_S}")
        until(page, f"!{_STATE}.live")
        assert state(page)["failure"] is None


@contextmanager
def _encoding(show: Show, out: Path) -> Iterator[None]:
    """A show is made as if it was filmed now; the block ends with it."""
    encoder = threading.Thread(target=append_live, args=(show, out))
    encoder.start()
    try:
        yield
    finally:
        encoder.join()


def test_av1(page: Page, script: Script, tmp_path: Path) -> None:
    path = make_counter_show(tmp_path / "counter.lfv", frames=30, codec="av1")
    with running(path, config=ServeConfig(script=script)) as server:
        watch(page, server.port, "counter")
        shown(page)
        until(page, f"document.querySelector('{PLAYER}').stats().displayed > 40")


def test_nothing_that_this_device_decodes(page: Page, script: Script, tmp_path: Path) -> None:
    """Debian's Chromium has no HEVC: it says so, and asks for no segment."""
    path = make_counter_show(tmp_path / "counter.lfv", frames=30, codec="hevc")
    with running(path, config=ServeConfig(script=script)) as server:
        watch(page, server.port, "counter")
        until(page, f"{_STATE}.phase === 'failed'")
        alert = page.get_by_role("alert")
        alert.wait_for()
        assert "does not decode hevc" in alert.inner_text() and "try another browser" in alert.inner_text()
        assert not page.get_by_role("button", name="Retry").is_visible()


def test_a_rung_that_the_decoder_gives_up(page: Page, script: Script, tmp_path: Path) -> None:
    """What the device said it can decode and cannot is left, at the frame where it was."""
    show = CounterShow(frames=60)
    path = tmp_path / "counter.lfv"
    with PartialShow.open_or_create(path, fingerprint=b"spoilt", restart=True) as journal:
        for number in range(show.chunk_count):
            chunks = counter_chunks(show, number)
            junk = tuple(replace(unit, data=b"\0\0\0\1\x65" + b"\xa5" * 60) for unit in chunks[0].video)
            journal.append([encode_segment(replace(chunks[0], video=junk)), *map(encode_segment, chunks[1:])])
        journal.finalise(counter_manifest(show, ["avc1.64000A"] * 3, [3_000, 2_000, 1_000]))
    with running(path, config=ServeConfig(script=script)) as server:
        watch(page, server.port, "counter")
        call(page, "setAttribute('rung', 'full')")
        until(page, f"{_STATE}.rungs.length && {_STATE}.rungs[0].trouble.includes('gave up')")
        shown(page)
        until(page, f"document.querySelector('{PLAYER}').stats().displayed > 20")
        assert state(page)["rung"] != 0


def test_poster_and_controls_before_any_media(page: Page, dome: Running) -> None:
    """Segments never come: poster, controls and their names are there, painted within the first moments."""
    asked: list[str] = []

    def hold(route: Route) -> None:
        if asked:
            return  # a segment: it is never answered
        asked.append(route.request.headers.get("range", ""))
        route.continue_()

    page.route("**/*.lfv", hold)
    watch(page, dome.port, "dome")
    loaded(page)
    page.get_by_role("button", name="Pause").or_(page.get_by_role("button", name="Play")).first.wait_for()
    until(page, f"document.querySelector('{PLAYER}').shadowRoot.querySelector('.poster').width > 0")
    assert asked == ["bytes=0-65535"]
    assert not state(page)["shown"] and state(page)["failure"] is None
    page.wait_for_timeout(200)
    paints = page.evaluate("performance.getEntriesByType('paint').map(({ name, startTime }) => [name, startTime])")
    assert "first-contentful-paint" in dict(paints)
