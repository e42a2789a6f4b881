"""What pages and people ask at inconvenient moments: before the show is open, at its end, twice, or in error."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from protocol.serve.script import Script
from protocol.serve.server import ServeConfig
from samples.make_counter_show import make_counter_show
from tests.browser.complaints import Complaints
from tests.browser.headsets import wear_headset
from tests.browser.playing import call, state, stats
from tests.browser.watching import PLAYER, loaded, shown, until, watch
from tests.protocol.serve.running import Running, running

_ELEMENT = f"document.querySelector('{PLAYER}')"
_STATE = f"{_ELEMENT}.state"


@pytest.fixture
def server(script: Script, tmp_path: Path) -> Iterator[Running]:
    path = make_counter_show(tmp_path / "counter.lfv", frames=60)
    with running(path, config=ServeConfig(script=script)) as server:
        yield server


def _again(page: Page, server: Running, attributes: str, then: str = "") -> None:
    """Another player in the page's place, and what is asked of it in the same task."""
    watch(page, server.port, "counter")
    loaded(page)
    page.evaluate(f"""() => {{
      const player = document.createElement("{PLAYER}");
      const attributes = {{ src: "/counter.lfv", {attributes} }};
      for (const [name, value] of Object.entries(attributes)) player.setAttribute(name, value);
      document.querySelector("{PLAYER}").replaceWith(player);
      {then}
    }}""")


def test_play_before_the_show_is_open(page: Page, server: Running) -> None:
    _again(page, server, "autoplay: 'false'", "player.play();")
    shown(page)
    until(page, f"{_ELEMENT}.stats().displayed > 5")
    assert state(page)["playing"]


def test_pause_and_seek_before_the_show_is_open(page: Page, server: Running) -> None:
    _again(page, server, "", "player.pause(); player.seek(1);")
    shown(page)
    until(page, f"{_ELEMENT}.stats().frame === 30")
    page.wait_for_timeout(300)
    assert not state(page)["playing"] and stats(page)["frame"] == 30


def test_loop_and_rung_before_the_show_is_open(page: Page, server: Running) -> None:
    _again(page, server, "", "player.setAttribute('loop', 'false'); player.setAttribute('rung', 'low');")
    shown(page)
    until(page, f"{_STATE}.rung === 2 && {_STATE}.fixedRung === 2")
    until(page, f"!{_STATE}.playing")
    assert stats(page)["frame"] == 59


def test_the_end_is_told_and_one_press_plays_again(page: Page, server: Running) -> None:
    _again(page, server, "loop: 'false'")
    shown(page)
    call(page, "seek(1.8)")
    until(page, f"!{_STATE}.playing && {_ELEMENT}.paused")
    assert stats(page)["frame"] == 59
    page.get_by_role("button", name="Play").first.click()
    until(page, f"{_STATE}.playing && {_ELEMENT}.stats().frame < 50")


def test_a_fixed_rung_outlives_a_retry(page: Page, server: Running) -> None:
    _again(page, server, "rung: 'low'")
    shown(page)
    page.evaluate(f"{_ELEMENT}.session.port.retry()")
    until(page, f"{_STATE}.shown && {_STATE}.rung === 2 && {_STATE}.fixedRung === 2")


@pytest.mark.parametrize("src", ["http://[bad", "http://127.0.0.1:99999/x.lfv"])
def test_what_is_no_address(page: Page, server: Running, src: str) -> None:
    _again(page, server, f"src: '{src}'")
    page.get_by_role("alert").wait_for()
    assert src in page.get_by_role("alert").inner_text()


def test_what_is_no_time(page: Page, server: Running) -> None:
    _again(page, server, "")
    shown(page)
    refused = f"(() => {{ try {{ {_ELEMENT}.seek(NaN) }} catch (error) {{ return error.name }} }})()"
    assert page.evaluate(refused) == "TypeError"
    before = stats(page)["displayed"]
    until(page, f"{_ELEMENT}.stats().displayed > {before} + 5")


def test_enter_twice_and_leave_while_entering(page: Page, server: Running) -> None:
    wear_headset(page)
    _again(page, server, "")
    shown(page)
    until(page, f"{_STATE}.vr === 'available'")
    rejected = "async (action) => { try { await action() } catch (error) { return error.message } }"
    page.evaluate(f"{_ELEMENT}.enterVr()")
    assert "already" in page.evaluate(f"({rejected})(() => {_ELEMENT}.enterVr())")
    assert state(page)["vr"] == "presenting"
    call(page, "leaveVr()")
    until(page, f"{_STATE}.vr === 'available'")
    left = f"({rejected})(() => {{ const entering = {_ELEMENT}.enterVr(); {_ELEMENT}.leaveVr(); return entering }})"
    assert "left" in page.evaluate(left)
    assert state(page)["vr"] == "available"
    page.evaluate(f"{_ELEMENT}.enterVr()")
    assert state(page)["vr"] == "presenting"


def test_a_lost_graphics_context_comes_back(page: Page, complaints: Complaints, server: Running) -> None:
    complaints.allow("CONTEXT_LOST|context lost|Context Lost|Context Restored|WebGL")
    _again(page, server, "")
    shown(page)
    page.evaluate(f"""() => {{
      const gl = {_ELEMENT}.shadowRoot.querySelector("canvas").getContext("webgl2");
      window.loss = gl.getExtension("WEBGL_lose_context");
      window.loss.loseContext();
    }}""")
    page.get_by_role("alert").wait_for()
    assert "graphics driver was reset" in page.get_by_role("alert").inner_text()
    page.evaluate("window.loss.restoreContext()")
    shown(page)
    until(page, f"{_STATE}.failure === null && {_ELEMENT}.stats().displayed > 5")


def test_what_the_pages_policy_forbids(page: Page, complaints: Complaints, server: Running) -> None:
    """Our pages reach no other server; that looks like a server that is down, but is told as what it is."""
    complaints.allow("Content Security Policy|refused by policy")
    watch(page, server.port, "counter")
    call(page, "setAttribute('src', 'ws://127.0.0.1:9/counter.lfv')")
    page.get_by_role("alert").wait_for(timeout=5000)
    assert "connect-src" in page.get_by_role("alert").inner_text()
