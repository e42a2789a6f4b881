"""The page that `lfv export page` writes, on a plain nginx."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page

from encoder.cli import main
from protocol.serve.script import Script
from tests.browser.complaints import Complaints
from tests.browser.watching import PLAYER, loaded, shown, source
from tests.end_to_end.web_server import WebServer, nginx


@pytest.fixture
def server(show_path: Path, script: Script, tmp_path: Path) -> Iterator[WebServer]:
    """The two files beside a show, and nothing else."""
    folder, work = tmp_path / "www", tmp_path / "nginx"
    work.mkdir()
    assert main(["export", "page", str(folder)]) == 0
    (folder / "a b").mkdir()
    for name in ("show.lfv", "a b/é.lfv"):
        shutil.copy(show_path, folder / name)
    with nginx(folder, work) as server:
        yield server


@pytest.mark.parametrize(("query", "name"), [("", "show.lfv"), ("?src=a%20b%2F%C3%A9.lfv", "a b/é.lfv")])
def test_a_show_beside_it(page: Page, server: WebServer, query: str, name: str) -> None:
    page.goto(server.url(f"index.html{query}"))
    loaded(page)
    assert source(page) == server.url(quote(name))
    shown(page)


def test_a_show_elsewhere(page: Page, server: WebServer) -> None:
    """The page's policy lets the player ask other servers; whether they answer is up to them."""
    elsewhere = server.url("show.lfv").replace("127.0.0.1", "localhost")
    page.goto(server.url(f"index.html?src={quote(elsewhere)}"))
    loaded(page)
    assert source(page) == elsewhere
    shown(page)


@pytest.mark.parametrize("src", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "blob:x", "http://["])
def test_what_is_no_address_of_a_show(page: Page, server: WebServer, src: str) -> None:
    page.goto(server.url(f"index.html?src={quote(src)}"))
    assert page.locator("body").inner_text().strip() == "What stands behind src= is no address of a show."
    assert page.locator(PLAYER).count() == 0


def test_opened_from_a_disk(page: Page, complaints: Complaints, script: Script, tmp_path: Path) -> None:
    complaints.allow("lfv-player.js")
    assert main(["export", "page", str(tmp_path)]) == 0
    page.goto(f"file://{tmp_path}/index.html")
    assert "put this page on a web server" in page.locator("body").inner_text()
