"""What a request over HTTP is answered with. No socket here: a request in, an answer out. SPEC section 8.11."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import unquote

from protocol.errors import StorageError, StreamError
from protocol.serve.access import EVERYONE, Access, offered_token
from protocol.serve.answers import Answer, Headers, Request, in_words, with_headers
from protocol.serve.content import Content, answer_with
from protocol.serve.metrics import CONTENT_TYPE as METRICS_TYPE
from protocol.serve.metrics import Metrics, render
from protocol.serve.page import listing
from protocol.serve.player_files import NOT_BUILT
from protocol.serve.script import Script, script_content
from protocol.serve.shelf import SUFFIX, Shelf, StaticShow
from protocol.serve.watch_page import SCRIPT_PATH, WATCH, watch_page

_METHODS = "GET, HEAD, OPTIONS"
_YEAR_S = 31536000
_DAY_S = 86400
_FOR_ANYONE: Headers = (("Access-Control-Allow-Origin", EVERYONE), ("Cross-Origin-Resource-Policy", "cross-origin"))


@dataclass
class Site:
    """What requests are answered from.

    Attributes:
        zmq_port: where ZeroMQ listens, once it does.
        script: the browser's player, None where it is not built.
    """

    shelf: Shelf
    access: Access
    metrics: Metrics
    secure: bool = False
    zmq_port: int | None = None
    script: Script | None = None


def answer(request: Request, site: Site, *, draining: bool = False) -> Answer:
    """The answer to a request, refusals in words included. Raises nothing of its own."""
    path, query = _path_and_query(request.target)
    origin = request.headers.get("origin")
    # The player itself is no secret: any page may embed it. The shows that it then asks for are another matter.
    anyone = path == SCRIPT_PATH
    refusal = None if anyone else site.access.refusal(origin, request.headers.get("host"))
    if refusal is not None:
        return with_headers(in_words(403, refusal), ("Vary", "Origin"))
    if request.method == "OPTIONS":
        found = _preflight()
    elif request.method not in ("GET", "HEAD"):
        found = with_headers(in_words(405, f"{request.method[:16]} is not done here; use GET"), ("Allow", _METHODS))
    else:
        found = _found(request, path, query, site, draining=draining)
    return with_headers(found, *(_FOR_ANYONE if anyone else _cross_origin(site.access, origin)))


def _found(request: Request, path: str, query: str, site: Site, *, draining: bool) -> Answer:
    shelf = site.shelf
    if path == "/health":
        state = "draining" if draining else "ok"
        return _json(503 if draining else 200, {"status": state, "shows": len(shelf.names())})
    if draining:
        return with_headers(in_words(503, "the server is going away", close=True), ("Retry-After", "5"))
    if path == SCRIPT_PATH:
        if site.script is None:
            return in_words(404, NOT_BUILT)
        return answer_with(script_content(site.script, request.headers.get("accept-encoding")), request)
    token = offered_token(request.headers, query)
    if path.startswith(WATCH):
        return _watch(request, site, path.removeprefix(WATCH), token)
    if path.endswith(SUFFIX):
        return _show(request, shelf, path.removeprefix("/").removesuffix(SUFFIX), token)
    if path not in ("/", "/shows", "/metrics"):
        return in_words(404, "nothing is there; see /shows")
    if not shelf.admits(token):
        return _unauthorised("wrong token" if token else "this server wants a token", token)
    if path == "/shows":
        return _json(200, shelf.catalogue())
    if path == "/metrics":
        return Answer(
            200, (("Content-Type", METRICS_TYPE), ("Cache-Control", "no-store")), render(site.metrics).encode()
        )
    return listing(
        shelf.shows(),
        host=request.headers.get("host", ""),
        secure=site.secure,
        zmq_port=site.zmq_port,
        token=token if shelf.guarded else "",
        player=site.script is not None,
    )


def _path_and_query(target: str) -> tuple[str, str]:
    """Of `/path?query`, or of what proxies send: `http://host/path?query`."""
    if not target.startswith("/"):
        target = "/" + target.partition("://")[2].partition("/")[2]
    path, _, query = target.partition("?")
    return unquote(path), query


def _watch(request: Request, site: Site, name: str, token: str) -> Answer:
    try:
        show = site.shelf.find(name, token)
    except StreamError as error:
        if error.code != "busy":
            return _refused(error, token)
        show = None  # it has not begun: the page waits for it
    if site.script is None:
        return in_words(503, NOT_BUILT)
    title = "" if show is None else show.manifest.title
    live = not isinstance(show, StaticShow)
    return watch_page(name, title=title, live=live, host=request.headers.get("host", ""))


def _show(request: Request, shelf: Shelf, name: str, token: str) -> Answer:
    try:
        show = shelf.find(name, token)
    except StreamError as error:
        return _refused(error, token)
    if not isinstance(show, StaticShow):
        return in_words(409, f"'{name}' is live; play its ws:// or tcp:// address")
    try:
        return answer_with(_content(show, "private" if shelf.guarded else "public"), request)
    except StorageError as error:
        return in_words(503, str(error))


def _content(show: StaticShow, audience: str) -> Content:
    return Content(
        noun="show",
        etag=show.etag,
        size=show.size,
        part=show.part,
        kept=(("Cache-Control", f"{audience}, max-age={_YEAR_S}, immutable"),),
        described=(("Content-Type", "application/octet-stream"),),
    )


def _refused(error: StreamError, token: str) -> Answer:
    return _unauthorised(str(error), token) if error.code == "token" else in_words(404, str(error))


def _unauthorised(message: str, token: str) -> Answer:
    challenge = 'Bearer realm="lfv"' + (', error="invalid_token"' if token else "")
    return with_headers(in_words(401, message), ("WWW-Authenticate", challenge))


def _preflight() -> Answer:
    return Answer(
        204,
        (
            ("Allow", _METHODS),
            ("Access-Control-Allow-Methods", _METHODS),
            ("Access-Control-Allow-Headers", "Authorization, If-Match, If-None-Match, If-Range, Range"),
            ("Access-Control-Max-Age", str(_DAY_S)),
        ),
    )


def _cross_origin(access: Access, origin: str | None) -> Headers:
    """What lets the pages of other origins read the answer. Its bytes are kept for a year, hence Vary always."""
    exposed = ("Access-Control-Expose-Headers", "Accept-Ranges, Content-Length, Content-Range, ETag")
    if EVERYONE in access.origins:
        return (("Access-Control-Allow-Origin", EVERYONE), exposed)
    if origin is None:
        return (("Vary", "Origin"),)
    return (("Vary", "Origin"), ("Access-Control-Allow-Origin", origin), exposed)


def _json(status: int, document: object) -> Answer:
    body = json.dumps(document, ensure_ascii=False, indent=1).encode()
    return Answer(status, (("Content-Type", "application/json"), ("Cache-Control", "no-store")), body)
