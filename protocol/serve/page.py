"""The addresses of a show, and the page at `/` that lists them for people."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from urllib.parse import quote, urlencode

from protocol.serve.access import host_name
from protocol.serve.answers import Answer
from protocol.serve.player_files import NOT_BUILT
from protocol.serve.shelf import SUFFIX, ServedShow

_STYLE = "body{font:16px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em}code{user-select:all}"
# Nothing on the page runs, and its address, which may hold a token, goes nowhere.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"


def addresses(name: str, *, live: bool, host: str, secure: bool, zmq_port: int | None) -> list[str]:
    """Where players find a show: bytes over HTTP where it is finished, WebSocket, ZeroMQ.

    Args:
        name: of the show.
        host: name or address with the port of HTTP and WebSocket.
        secure: they speak TLS.
        zmq_port: of ZeroMQ, None where there is none.
    """
    path, s = quote(name + SUFFIX), "s" if secure else ""
    out = [] if live else [f"http{s}://{host}/{path}"]
    out.append(f"ws{s}://{host}/{path}")
    if zmq_port is not None:
        bare = host_name(host)
        out.append(f"tcp://{f'[{bare}]' if ':' in bare else bare}:{zmq_port}/{path}")
    return out


def watch_address(name: str, *, host: str, secure: bool) -> str:
    """Where a browser plays a show; `host` and `secure` as above."""
    return f"http{'s' if secure else ''}://{host}/{_link(name, '')}"


def listing(
    shows: Iterable[ServedShow], *, host: str, secure: bool, zmq_port: int | None, token: str, player: bool
) -> Answer:
    """The page.

    Args:
        token: what the links to watch a show take along, or empty.
        player: there is a player for browsers.
    """
    items = []
    for show in shows:
        found = addresses(show.name, live=show.live, host=host, secure=secure, zmq_port=zmq_port)
        lines = "".join(f"<br><code>{escape(address)}</code>" for address in found)
        about = "live" if show.live else f"{float(show.index.duration):.1f} s"
        called = f"<b>{escape(show.manifest.title or show.name)}</b>"
        if player:
            called = f'<a href="{escape(_link(show.name, token))}">{called}</a>'
        items.append(f"<li>{called} ({about}){lines}</li>")
    hint = "" if player else f"<p>Here in the browser: {escape(NOT_BUILT)}.</p>"
    body = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>lfv</title><link rel="icon" href="data:,">'
        f"<style>{_STYLE}</style><h1>Shows</h1><ul>{''.join(items)}</ul>{hint}"
        "<p>Watch an address with <code>lfv play ADDRESS</code>.</p></html>\n"
    )
    headers = (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", _POLICY),
        ("Referrer-Policy", "no-referrer"),
    )
    return Answer(200, headers, body.encode())


def _link(name: str, token: str) -> str:
    """Relative, so that it also works where a proxy puts the server below a path."""
    return f"watch/{quote(name, safe='')}" + (f"?{urlencode({'token': token})}" if token else "")
