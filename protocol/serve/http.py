"""What a request over HTTP is answered with. No socket here: a request in, an answer out. SPEC section 8.11."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from urllib.parse import unquote

from protocol.errors import StorageError, StreamError
from protocol.serve.access import EVERYONE, Access, offered_token
from protocol.serve.metrics import CONTENT_TYPE as METRICS_TYPE
from protocol.serve.metrics import Metrics, render
from protocol.serve.page import listing
from protocol.serve.ranges import holds, range_applies, requested_range
from protocol.serve.shelf import SUFFIX, FilePart, Shelf, StaticShow

_METHODS = "GET, HEAD, OPTIONS"
_YEAR_S = 31536000
_DAY_S = 86400
_TEXT = "text/plain; charset=utf-8"

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Request:
    """A request without a body. `headers` have small letters; one that came twice is joined by a comma."""

    method: str
    target: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """Status, headers besides the ones that every answer has, and a body that is here or in a file."""

    status: int
    headers: Headers = ()
    body: bytes | FilePart = b""
    close: bool = False

    @property
    def length(self) -> int:
        """Bytes of the body."""
        return len(self.body) if isinstance(self.body, bytes) else self.body.length


@dataclass
class Site:
    """What requests are answered from. `zmq_port`: where ZeroMQ listens, once it does."""

    shelf: Shelf
    access: Access
    metrics: Metrics
    secure: bool = False
    zmq_port: int | None = None


def answer(request: Request, site: Site, *, draining: bool = False) -> Answer:
    """The answer to a request, refusals in words included. Raises nothing of its own."""
    origin = request.headers.get("origin")
    refusal = site.access.refusal(origin, request.headers.get("host"))
    if refusal is not None:
        return _with_headers(in_words(403, refusal), ("Vary", "Origin"))
    if request.method == "OPTIONS":
        return _with_headers(_preflight(), *_cross_origin(site.access, origin))
    if request.method not in ("GET", "HEAD"):
        found = _with_headers(in_words(405, f"{request.method[:16]} is not done here; use GET"), ("Allow", _METHODS))
    else:
        found = _page(request, site, draining=draining)
    return _with_headers(found, *_cross_origin(site.access, origin))


def in_words(status: int, message: str, *, close: bool = False) -> Answer:
    """An answer that is a sentence for people."""
    return Answer(status, (("Content-Type", _TEXT), ("Cache-Control", "no-store")), f"{message}\n".encode(), close)


def reason(status: int) -> str:
    """The status' name."""
    return HTTPStatus(status).phrase


def _page(request: Request, site: Site, *, draining: bool) -> Answer:
    path, query = _path_and_query(request.target)
    shelf = site.shelf
    if path == "/health":
        state = "draining" if draining else "ok"
        return _json(503 if draining else 200, {"status": state, "shows": len(shelf.names())})
    if draining:
        return _with_headers(in_words(503, "the server is going away", close=True), ("Retry-After", "5"))
    token = offered_token(request.headers, query)
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
    headers, body = listing(
        shelf.shows(), host=request.headers.get("host", ""), secure=site.secure, zmq_port=site.zmq_port
    )
    return Answer(200, headers, body)


def _path_and_query(target: str) -> tuple[str, str]:
    """Of `/path?query`, or of what proxies send: `http://host/path?query`."""
    if not target.startswith("/"):
        target = "/" + target.partition("://")[2].partition("/")[2]
    path, _, query = target.partition("?")
    return unquote(path), query


def _show(request: Request, shelf: Shelf, name: str, token: str) -> Answer:
    try:
        show = shelf.find(name, token)
    except StreamError as error:
        return _unauthorised(str(error), token) if error.code == "token" else in_words(404, str(error))
    if not isinstance(show, StaticShow):
        return in_words(409, f"'{name}' is live; play its ws:// or tcp:// address")
    try:
        return _file(request, show, "private" if shelf.guarded else "public")
    except StorageError as error:
        return in_words(503, str(error))


def _file(request: Request, show: StaticShow, audience: str) -> Answer:
    asked = request.headers
    kept = (("ETag", show.etag), ("Cache-Control", f"{audience}, max-age={_YEAR_S}, immutable"))
    if asked.get("if-match") is not None and not holds(asked["if-match"], show.etag):
        return _with_headers(in_words(412, "the show is not the one that you have"), ("ETag", show.etag))
    if holds(asked.get("if-none-match"), show.etag):
        return Answer(304, kept)
    headers = (*kept, ("Content-Type", "application/octet-stream"), ("Accept-Ranges", "bytes"))
    part = None
    # RFC 9110, 14.2: a range means nothing to HEAD.
    if request.method == "GET" and range_applies(asked.get("if-range"), show.etag):
        part = requested_range(asked.get("range"), size=show.size)
    if part is None:
        return Answer(200, headers, show.part(0, show.size))
    where = ("Content-Range", part.content_range(show.size))
    if not part.length:
        return _with_headers(in_words(416, f"the show has {show.size} bytes"), where)
    return Answer(206, (*headers, where), show.part(part.start, part.length))


def _unauthorised(message: str, token: str) -> Answer:
    challenge = 'Bearer realm="lfv"' + (', error="invalid_token"' if token else "")
    return _with_headers(in_words(401, message), ("WWW-Authenticate", challenge))


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


def _with_headers(found: Answer, *more: tuple[str, str]) -> Answer:
    return replace(found, headers=found.headers + more)
