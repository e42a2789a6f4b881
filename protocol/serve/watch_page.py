"""The page at `/watch/NAME`: the browser's player over the whole window."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from urllib.parse import quote

from protocol.serve.answers import Answer
from protocol.serve.player_files import SCRIPT
from protocol.serve.shelf import SUFFIX

WATCH = "/watch/"
SCRIPT_PATH = f"/player/{SCRIPT}"

_HOST = re.compile(r"[a-z0-9._-]+(?::\d{1,5})?|\[[0-9a-f:.]+\](?::\d{1,5})?", re.IGNORECASE)
_STYLE = (
    "html,body{margin:0;height:100%;background:#000;color:#ccc;font:16px/1.5 sans-serif}"
    "lfv-player{display:block;width:100%;height:100dvh}"
)
# The token goes from the page's address to the player; the server never writes it. What is live comes over WebSocket,
# secure where the page is, also behind a proxy that speaks TLS for the server.
_HAND_OVER = """
const player = document.querySelector("lfv-player");
const token = new URLSearchParams(location.search).get("token");
if (token) player.setAttribute("token", token);
if (player.dataset.live !== undefined) {
  const address = new URL(player.getAttribute("src"), location.href);
  address.protocol = location.protocol.replace("http", "ws");
  player.setAttribute("src", address.href);
}
"""
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
<lfv-player src="{src}" keys="page"{live}>{title}: the player has not loaded; it needs JavaScript.</lfv-player>
<script type="module">{hand_over}</script>
<script type="module" src="..{script}"></script>
</html>
"""
_MAY = ("xr-spatial-tracking", "gyroscope", "accelerometer", "fullscreen", "autoplay")


def watch_page(name: str, *, title: str, live: bool, host: str) -> Answer:
    """The page of a show.

    Args:
        live: more may come, so it is played over WebSocket.
        host: what the request calls this server.
    """
    # Relative addresses, so that it also works where a proxy puts the server below a path.
    body = _PAGE.format(
        title=escape(title or name),
        style=_STYLE,
        src=escape(f"../{quote(name + SUFFIX, safe='')}"),
        live=" data-live" if live else "",
        hand_over=_HAND_OVER,
        script=SCRIPT_PATH,
    )
    headers = (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", _policy(host)),
        ("Referrer-Policy", "no-referrer"),  # the page's address may hold a token
        ("Permissions-Policy", ", ".join(f"{feature}=(self)" for feature in _MAY)),
    )
    return Answer(200, headers, body.encode())


def _policy(host: str) -> str:
    """What the page may do: run the player, its worker and its WebAssembly, and talk to this server."""
    # Not every browser takes 'self' for WebSocket as well. The header is the client's own word: nothing else gets in.
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {_hash_of(_HAND_OVER)} 'wasm-unsafe-eval'",
            "worker-src blob:",
            f"style-src {_hash_of(_STYLE)}",
            "img-src blob: data:",
            "media-src blob:",
            f"connect-src 'self'{sockets}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'self'",
        )
    )


def _hash_of(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
