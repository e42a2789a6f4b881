"""The pages of `lfv serve` in a browser: they work, under policies that forbid all else, whatever a show is called."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request

from protocol.chunk import encode_segment
from protocol.manifest import encode_manifest
from protocol.partial import PartialShow
from protocol.serve.script import Script
from protocol.serve.server import ServeConfig
from tests.browser.complaints import Complaints
from tests.browser.static_server import static_server
from tests.browser.watching import PLAYER, loaded, shown, source, until, watch
from tests.player import shows
from tests.protocol.serve.process import port_of, serve
from tests.protocol.serve.running import Running, running

HOSTILE = '"><img src=x onerror=alert(1)>', "' onload='alert(1)", "a?b#c%2F:d é", "javascript:alert(1)"
FETCH = "fetch(document.querySelector('lfv-player').getAttribute('src')).then((answer) => answer.status)"
EMBED = """<!doctype html><link rel="icon" href="data:,">
<script type="module" src="{server}/player/lfv-player.js"></script><lfv-player src="{server}/tiny.lfv"></lfv-player>"""


@pytest.fixture
def server(show_path: Path, script: Script) -> Iterator[Running]:
    with running(show_path, config=ServeConfig(script=script)) as server:
        yield server


def test_the_list_leads_to_the_show(page: Page, server: Running) -> None:
    page.goto(f"http://127.0.0.1:{server.port}/")
    assert page.locator("h1").inner_text() == "Shows"
    page.get_by_role("link", name="tiny").click()
    loaded(page)
    assert page.url == f"http://127.0.0.1:{server.port}/watch/tiny" and page.title() == "tiny"
    assert source(page) == f"http://127.0.0.1:{server.port}/tiny.lfv"


def test_the_show_plays_under_the_policy(page: Page, server: Running) -> None:
    """Worker, WebAssembly, posters: the player needs no more than the page allows."""
    watch(page, server.port, "tiny")
    shown(page)


def test_the_player_fills_the_window(page: Page, server: Running) -> None:
    watch(page, server.port, "tiny")
    assert page.locator(PLAYER).bounding_box() == {"x": 0, "y": 0, "width": 640, "height": 480}


def test_the_page_is_safe_from_inline_code(page: Page, server: Running, complaints: Complaints) -> None:
    """The policy is in force: what gets into the page by a hole does not run."""
    complaints.allow("Content Security Policy|refused by policy")
    watch(page, server.port, "tiny")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=data:, onerror=\"window.ran = 1\">')")
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))")
    page.wait_for_timeout(100)
    assert page.evaluate("window.ran") is None and complaints.found


def test_the_token_goes_to_the_player_and_nowhere_else(page: Page, show_path: Path, script: Script) -> None:
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    with running(show_path, token="s3&cret", config=ServeConfig(script=script)) as server:
        page.goto(f"http://127.0.0.1:{server.port}/?token=s3%26cret")
        page.get_by_role("link", name="tiny").click()
        loaded(page)
        assert page.locator(PLAYER).get_attribute("token") == "s3&cret"
        assert source(page) == f"http://127.0.0.1:{server.port}/tiny.lfv"
    assert any("lfv-player.js" in request.url for request in asked)
    assert not any(request.headers.get("referer") for request in asked)


def test_without_the_token(page: Page, complaints: Complaints, show_path: Path, script: Script) -> None:
    complaints.allow("status of 401|favicon")
    with running(show_path, token="s3cret", config=ServeConfig(script=script)) as server:
        answer = page.goto(f"http://127.0.0.1:{server.port}/watch/tiny")
        assert answer is not None and answer.status == 401
        assert "this server wants a token" in page.locator("body").inner_text()


@pytest.mark.parametrize("name", HOSTILE)
def test_names_stay_names(page: Page, show_path: Path, tmp_path: Path, script: Script, name: str) -> None:
    shutil.copy(show_path, tmp_path / f"{name}.lfv")
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    with running(tmp_path / f"{name}.lfv", config=ServeConfig(script=script)) as server:
        page.goto(f"http://127.0.0.1:{server.port}/")
        page.get_by_role("link").click()
        loaded(page)
        assert page.evaluate(FETCH) == 200 and page.locator("img").count() == 0


def test_without_a_player(page: Page, complaints: Complaints, show_path: Path) -> None:
    complaints.allow("status of 503|favicon")
    with running(show_path) as server:
        page.goto(f"http://127.0.0.1:{server.port}/")
        assert "make web" in page.locator("body").inner_text() and page.get_by_role("link").count() == 0
        page.goto(f"http://127.0.0.1:{server.port}/watch/tiny")
        assert "make web" in page.locator("body").inner_text()


def test_a_live_show_before_it_begins_and_then(page: Page, tmp_path: Path, script: Script) -> None:
    out = tmp_path / "concert.lfv"
    with serve(out, "--live") as (_, said):
        watch(page, port_of(said), "concert")
        assert source(page) == f"ws://127.0.0.1:{port_of(said)}/concert.lfv"
        with PartialShow.open_or_create(out, fingerprint=b"live") as encoder:
            for number in range(shows.CHUNKS):
                encoder.append([encode_segment(shows.chunk(number))], notes=encode_manifest(shows.manifest()))
            until(page, "fetch('/shows').then((answer) => answer.json()).then(({ shows }) => shows.length === 1)")
            page.reload()
            shown(page)
            assert page.evaluate(f"document.querySelector('{PLAYER}').state.live")


def test_embedded_in_a_page_of_another_origin(page: Page, show_path: Path, tmp_path: Path, script: Script) -> None:
    with (
        static_server(tmp_path) as origin,
        running(show_path, config=ServeConfig(script=script, origins=(origin,))) as server,
    ):
        (tmp_path / "article.html").write_text(EMBED.format(server=f"http://127.0.0.1:{server.port}"))
        page.goto(f"{origin}/article.html")
        shown(page)
