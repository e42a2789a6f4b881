"""The page that plays a show in a browser, its script, and the links that lead there."""

from __future__ import annotations

import gzip
import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest

from protocol.serve.access import Access
from protocol.serve.answers import Answer, Request
from protocol.serve.http import Site, answer
from protocol.serve.live import LiveShow
from protocol.serve.metrics import Metrics
from protocol.serve.script import script_of, takes_gzip
from protocol.serve.shelf import Shelf, open_static
from protocol.serve.watch_page import watch_page

CODE = b'customElements.define("lfv-player", class extends HTMLElement {});\n' * 50
HOSTILE = '"><script>alert(1)</script>&amp;.lfv', "' onload='alert(1).lfv", "a?b#c%2F:d.lfv", "javascript:alert(1).lfv"


class Elements(HTMLParser):
    """What a browser makes of a page: its elements with their attributes, and the texts of scripts and styles."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": [], "title": []}
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.found and (texts := self.texts.get(self.found[-1][0])) is not None and data.strip():
            texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture
def site(show: Path) -> Iterator[Site]:
    shelf = Shelf()
    shelf.add(open_static(show))
    yield Site(shelf, Access(), Metrics(), script=script_of(CODE))
    shelf.close()


@pytest.fixture
def guarded(show: Path) -> Iterator[Site]:
    shelf = Shelf(token="s3&cret")
    shelf.add(open_static(show))
    yield Site(shelf, Access(), Metrics(), script=script_of(CODE))
    shelf.close()


def ask(site: Site, target: str, method: str = "GET", *, draining: bool = False, **headers: str) -> Answer:
    """What a client gets; `headers` with _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return answer(Request(method, target, {"host": "localhost:8080", **named}), site, draining=draining)


def text(found: Answer) -> bytes:
    assert isinstance(found.body, bytes)
    return found.body


def header(found: Answer, name: str) -> str:
    return ", ".join(value for key, value in found.headers if key == name)


def hashed(code: str) -> str:
    return f"'sha256-{b64encode(sha256(code.encode()).digest()).decode()}'"


def test_the_page_plays_the_show(site: Site) -> None:
    found = ask(site, "/watch/tiny")
    page = Elements(text(found))
    assert found.status == 200 and header(found, "Content-Type") == "text/html; charset=utf-8"
    assert page.all("lfv-player") == [{"src": "../tiny.lfv", "keys": "page"}]
    assert page.all("script") == [{"type": "module"}, {"type": "module", "src": "../player/lfv-player.js"}]
    assert page.texts["title"] == ["Tiny é"]


def test_the_page_may_do_little(site: Site) -> None:
    found = ask(site, "/watch/tiny")
    page, policy = Elements(text(found)), header(found, "Content-Security-Policy").split("; ")
    (script,), (style,) = page.texts["script"], page.texts["style"]
    assert policy[0] == "default-src 'none'"
    assert f"script-src 'self' {hashed(script)} 'wasm-unsafe-eval'" in policy
    assert f"style-src {hashed(style)}" in policy
    assert "connect-src 'self' ws://localhost:8080 wss://localhost:8080" in policy
    assert not any("unsafe-inline" in part or "'unsafe-eval'" in part or "*" in part for part in policy)
    assert header(found, "Cache-Control") == "no-store" and header(found, "Referrer-Policy") == "no-referrer"
    assert "xr-spatial-tracking=(self)" in header(found, "Permissions-Policy")
    assert header(found, "Access-Control-Allow-Origin") == ""


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("a.example", True),
        ("[::1]:8080", True),
        ("a.example; script-src *", False),
        ("a.example 'unsafe-inline'", False),
        ("*", False),
        ("", False),
    ],
)
def test_a_host_that_is_none_gets_into_no_policy(show: Path, host: str, named: bool) -> None:
    shelf = Shelf()
    shelf.add(open_static(show))
    found = ask(Site(shelf, Access(("*",)), Metrics(), script=script_of(CODE)), "/watch/tiny", host=host)
    (connect,) = [p for p in header(found, "Content-Security-Policy").split("; ") if p.startswith("connect-src")]
    assert connect == "connect-src 'self'" + (f" ws://{host} wss://{host}" if named else "")
    shelf.close()


@pytest.mark.parametrize("name", HOSTILE)
def test_names_stay_names(show: Path, tmp_path: Path, name: str) -> None:
    stem = name.replace("/", "").removesuffix(".lfv")
    path = tmp_path / f"{stem}.lfv"
    path.write_bytes(show.read_bytes())
    shelf = Shelf()
    shelf.add(open_static(path))
    site = Site(shelf, Access(), Metrics(), script=script_of(CODE))
    (link,) = Elements(text(ask(site, "/"))).all("a")
    assert set(link) == {"href"} and re.fullmatch(r"watch/[\w.%~-]+", link["href"] or "")
    found = ask(site, f"/{link['href']}")
    page = Elements(text(found))
    assert found.status == 200 and len(page.all("script")) == 2
    (player,) = page.all("lfv-player")
    assert set(player) == {"src", "keys"} and re.fullmatch(r"\.\./[\w.%~-]+", player["src"] or "")
    assert ask(site, (player["src"] or "").removeprefix("..")).status == 200
    shelf.close()


def test_hostile_titles(site: Site) -> None:
    page = Elements(text(watch_page("a", title="</title><script>x</script>", live=False, host="a")))
    assert len(page.all("script")) == 2 and page.texts["title"] == ["</title><script>x</script>"]


def test_what_is_asked_is_not_echoed(site: Site) -> None:
    for target in ("/watch/tiny?token=%3Cb%3E<b>sp00ky", "/?token=%3Cb%3E<b>sp00ky", "/watch/tiny?sp00ky"):
        assert b"sp00ky" not in text(ask(site, target))
    missing = ask(site, "/watch/%3Cscript%3E")
    assert missing.status == 404 and header(missing, "Content-Type").startswith("text/plain")


def test_a_token_lets_in_and_is_not_written(guarded: Site) -> None:
    for target, status in (
        ("/watch/tiny", 401),
        ("/watch/none", 401),
        ("/watch/tiny?token=wrong", 401),
        ("/watch/none?token=s3%26cret", 404),
        ("/watch/tiny?token=s3%26cret", 200),
    ):
        found = ask(guarded, target)
        assert found.status == status, target
        assert b"s3&" not in text(found) and b"s3%26" not in text(found)
        assert header(found, "Cache-Control") == "no-store"


def test_links_take_the_token_along(guarded: Site) -> None:
    (link,) = Elements(text(ask(guarded, "/?token=s3%26cret"))).all("a")
    assert link["href"] == "watch/tiny?token=s3%26cret"
    assert ask(guarded, f"/{link['href']}").status == 200


def test_live_shows_come_over_websocket(tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.add(LiveShow(tmp_path / "concert.lfv"))  # it has not begun yet
    found = ask(Site(shelf, Access(), Metrics(), script=script_of(CODE)), "/watch/concert")
    assert found.status == 200
    assert Elements(text(found)).all("lfv-player") == [{"src": "../concert.lfv", "keys": "page", "data-live": None}]
    shelf.close()


def test_without_a_player(show: Path) -> None:
    shelf = Shelf()
    shelf.add(open_static(show))
    site = Site(shelf, Access(), Metrics())
    for target, status in (("/watch/tiny", 503), ("/player/lfv-player.js", 404)):
        found = ask(site, target)
        assert found.status == status and b"make web" in text(found)
    assert b"make web" in text(ask(site, "/")) and not Elements(text(ask(site, "/"))).all("a")
    shelf.close()


def test_the_script(site: Site) -> None:
    found = ask(site, "/player/lfv-player.js")
    assert (found.status, found.body) == (200, CODE)
    assert header(found, "Content-Type") == "text/javascript; charset=utf-8"
    assert header(found, "Cache-Control") == "no-cache" and header(found, "Vary") == "Accept-Encoding"
    again = ask(site, "/player/lfv-player.js", if_none_match=header(found, "ETag"))
    assert (again.status, again.body) == (304, b"") and header(again, "Vary") == "Accept-Encoding"
    part = ask(site, "/player/lfv-player.js", range="bytes=3-9")
    assert (part.status, part.body) == (206, CODE[3:10])
    assert ask(site, "/player/lfv-player.js", "PUT").status == 405
    assert ask(site, "/player/lfv-player.js", draining=True).status == 503


def test_the_script_compressed(site: Site) -> None:
    plain = ask(site, "/player/lfv-player.js")
    packed = ask(site, "/player/lfv-player.js", accept_encoding="br, gzip;q=0.8")
    assert gzip.decompress(text(packed)) == CODE and packed.length < plain.length / 5
    assert header(packed, "Content-Encoding") == "gzip" and header(packed, "Vary") == "Accept-Encoding"
    assert header(packed, "ETag") != header(plain, "ETag")
    same = ask(site, "/player/lfv-player.js", accept_encoding="gzip", if_none_match=header(packed, "ETag"))
    assert same.status == 304
    other = ask(site, "/player/lfv-player.js", accept_encoding="gzip", if_none_match=header(plain, "ETag"))
    assert other.status == 200


def test_a_new_script_has_a_new_tag() -> None:
    assert script_of(b"1").digest != script_of(b"2").digest and script_of(b"1") == script_of(b"1")


def test_any_page_may_embed_the_script_and_only_that(guarded: Site) -> None:
    found = ask(guarded, "/player/lfv-player.js", origin="https://any.example", host="a.example")
    assert found.status == 200 and header(found, "Access-Control-Allow-Origin") == "*"
    assert header(found, "Cross-Origin-Resource-Policy") == "cross-origin"
    for target in ("/watch/tiny?token=s3%26cret", "/tiny.lfv?token=s3%26cret", "/player/", "/player/index.html"):
        assert ask(guarded, target, origin="https://any.example").status == 403


@pytest.mark.parametrize(
    "target", ["/player/", "/player/../tiny.lfv/", "/player/..%2f..%2fREADME.md", "/watch/", "/watch"]
)
def test_nothing_else_is_there(site: Site, target: str) -> None:
    assert ask(site, target).status == 404


@pytest.mark.parametrize(
    ("value", "takes"),
    [
        (None, False),
        ("", False),
        ("identity", False),
        ("gzip", True),
        ("GZIP", True),
        ("deflate, gzip;q=1.0, *;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip ; q=0.000, *", False),
        ("*", True),
        ("*;q=0", False),
        ("br", False),
        ("gzip;q=", True),
        (",;,;q", False),
    ],
)
def test_takes_gzip(value: str | None, takes: bool) -> None:
    assert takes_gzip(value) is takes
