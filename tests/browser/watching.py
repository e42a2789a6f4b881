"""Opening a show in a browser as a person does."""

from __future__ import annotations

import time
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import Page

PLAYER = "lfv-player"
_POLL_MS = 20


def address(port: int, name: str, **query: str) -> str:
    """Of the page that plays a show of a server on this machine."""
    return f"http://127.0.0.1:{port}/watch/{quote(name, safe='')}" + (f"?{urlencode(query)}" if query else "")


def watch(page: Page, port: int, name: str, **query: str) -> None:
    """Open that page and wait until the player has taken over."""
    page.goto(address(port, name, **query))
    loaded(page)


def until(page: Page, expression: str, *, seconds: float = 20.0) -> None:
    """Wait until JavaScript is true of a page. Playwright's own waiting needs `eval`, which our pages forbid."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression):
        if time.monotonic() > deadline:
            pytest.fail(f"after {seconds:g} s it is still not so: {expression}")
        page.wait_for_timeout(_POLL_MS)


def loaded(page: Page) -> None:
    """Wait until the player's module runs."""
    until(page, f"customElements.get('{PLAYER}') !== undefined")


def shown(page: Page) -> None:
    """Wait until a picture of the show is on the screen. Fails where the player gives up."""
    until(page, f"(({{ shown, phase }}) => shown || phase === 'failed')(document.querySelector('{PLAYER}').state)")
    failure = page.evaluate(f"document.querySelector('{PLAYER}').state.failure?.message")
    assert failure is None, failure


def source(page: Page) -> str:
    """The address that the page gave to the player."""
    return str(page.evaluate("new URL(document.querySelector('lfv-player').getAttribute('src'), location.href).href"))
