"""What else viewers have: sound that is the clock, live shows, other codecs, controls before any media."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route

from protocol.chunk import encode_segment
from protocol.partial import PartialShow
from protocol.serve.script import Script
from protocol.serve.server import ServeConfig
from samples.make_counter_show import CounterShow, counter_chunks, counter_manifest, make_counter_show
from tests.browser.playing import call, state, stats
from tests.browser.watching import PLAYER, loaded, shown, until, watch
from tests.protocol.serve.running import Running, running

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


@pytest.mark.parametrize("codec", ["av1"])
def test_other_codecs(page: Page, script: Script, tmp_path: Path, codec: str) -> None:
    path = make_counter_show(tmp_path / "counter.lfv", frames=30, codec=codec)
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
