"""Requests and answers over one connection, one at a time, until it closes or becomes a WebSocket."""

from __future__ import annotations

import asyncio
import logging
from email.utils import formatdate
from typing import cast

import h11

from protocol.fields import printable
from protocol.serve.answers import Answer, Headers, Request, in_words, reason
from protocol.serve.connection import Connection
from protocol.serve.delivery import agent
from protocol.serve.http import answer
from protocol.serve.websocket import WebSocketHandler, handshake

log = logging.getLogger(__name__)

_MAX_HEADER_BYTES = 16 * 1024
_PATIENCE_S = "5"


class HttpHandler:
    """HTTP/1.1 on a connection; h11 parses and keeps the order of things."""

    kind = "http"

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEADER_BYTES)
        self._since = connection.now  # of the request's first byte, or of the connection's start
        self._begun = True
        self._last = False  # the client says no more
        self._answering = False

    @property
    def active(self) -> bool:
        return self._answering

    def received(self, data: bytes) -> None:
        if not self._begun:
            self._begun, self._since = True, self._connection.now
        self._http.receive_data(data)
        self._advance()

    def room(self) -> None:
        if self._answering:
            self._finish()
        self._advance()

    def ended(self) -> bool:
        self._last = True
        return self._answering

    def lost(self) -> None:
        """Nothing is kept for a client."""

    def sweep(self, now: float) -> None:
        deadlines = self._connection.house.deadlines
        if self.active:
            return
        if self._begun and now - self._since > deadlines.request_s:
            self._connection.house.site.metrics.refused["slow"] += 1
            if self._http.trailing_data[0]:
                self._refuse(408, f"the request did not end within {deadlines.request_s:g} s")
            else:
                self._connection.close(heard=True)
        elif not self._begun and now - self._since > deadlines.idle_s:
            self._connection.close(heard=True)

    def start_drain(self) -> None:
        """An idle connection stays as long as others have work, so that /health can be asked."""

    def end_drain(self) -> None:
        self._connection.close(heard=True)

    def _advance(self) -> None:
        """Answer the next request if it is all there. One at a time: the other clients come in between."""
        connection = self._connection
        if self._answering or connection.closing or connection.handler is not self:
            return
        try:
            event = self._http.next_event()
            if isinstance(event, h11.Request):
                self._take(event)
            elif isinstance(event, h11.ConnectionClosed):
                connection.close(heard=True)
        except h11.RemoteProtocolError as error:
            self._refuse(error.error_status_hint, f"this is no request: {error}")

    def _take(self, event: h11.Request) -> None:
        request, house = _request(event), self._connection.house
        upgrade = request.method == "GET" and "websocket" in request.headers.get("upgrade", "").lower()
        if event.http_version not in (b"1.0", b"1.1"):
            self._refuse(505, "HTTP/1.1 is spoken here")
            return
        if _has_body(request):
            self._refuse(400, "a request here has no body")
            return
        self._http.next_event()  # the end of the request
        if upgrade:
            self._upgrade(event, request)
        elif self._connection.busy is not None:
            self._refuse(503, self._connection.busy)
        else:
            self._send(answer(request, house.site, draining=house.draining), request.method)

    def _upgrade(self, event: h11.Request, request: Request) -> None:
        house = self._connection.house
        refusal = house.site.access.refusal(request.headers.get("origin"), request.headers.get("host"))
        if refusal is not None:
            house.site.metrics.refused["origin"] += 1
            self._refuse(403, refusal)
            return
        if house.draining:
            self._refuse(503, "the server is going away")
            return
        status, headers, body = handshake(request, version=event.http_version.decode("ascii"))
        if status != 101:
            self._send(Answer(status, headers, body, close=True), "GET")
            return
        house.site.metrics.requests["101"] += 1
        response = h11.InformationalResponse(status_code=101, headers=_raw(headers), reason=reason(101))
        self._connection.write(self._http.send(response) or b"")
        first, _ = self._http.trailing_data
        self._connection.change(WebSocketHandler(self._connection))
        self._connection.handler.received(bytes(first))

    def _refuse(self, status: int, message: str) -> None:
        """An answer in words, after which the connection closes."""
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self._connection.close(heard=False)
            return
        patience = (("Retry-After", _PATIENCE_S),) if status == 503 else ()
        refused = in_words(status, message, close=True)
        self._send(Answer(status, refused.headers + patience, refused.body, close=True), "GET")

    def _send(self, found: Answer, method: str) -> None:
        connection, body = self._connection, found.body
        connection.house.site.metrics.requests[str(found.status)] += 1
        if found.status >= 400 and isinstance(body, bytes):
            said = printable(body.decode(errors="replace").strip())
            log.info("a request from %s is refused: %d %s", connection.address, found.status, said)
        head = self._head(found, method)
        # Whoever does not read the answer asks no more questions.
        self._answering = True
        connection.transport.pause_reading()
        if method == "HEAD":
            connection.write(head)
        elif isinstance(body, bytes):
            connection.write(head + body)
        else:
            connection.write(head)
            connection.send(body)
        if not connection.outlet.full:
            self._finish()

    def _head(self, found: Answer, method: str) -> bytes:
        """Status and headers. h11 believes the body to be sent; it goes around it."""
        always = [("Date", formatdate(usegmt=True)), ("Server", agent()), ("X-Content-Type-Options", "nosniff")]
        if found.status not in (204, 304):
            always.append(("Content-Length", str(found.length)))
        if found.close or self._last:
            always.append(("Connection", "close"))
        headers = _raw((*always, *found.headers))
        data = self._http.send(h11.Response(status_code=found.status, headers=headers, reason=reason(found.status)))
        if method != "HEAD" and found.length:
            counted = cast(bytes, range(found.length))  # h11 only asks for its length
            self._http.send_with_data_passthrough(h11.Data(data=counted))
        self._http.send(h11.EndOfMessage())
        return data or b""

    def _finish(self) -> None:
        """An answer is sent: what is next."""
        self._answering = False
        rest = bool(self._http.trailing_data[0])
        if self._http.our_state is h11.MUST_CLOSE or self._last:
            self._connection.close(heard=self._http.their_state is h11.DONE and not rest)
            return
        self._http.start_next_cycle()
        self._begun, self._since = rest, self._connection.now
        self._connection.transport.resume_reading()
        if self._begun:
            asyncio.get_running_loop().call_soon(self._advance)


def _request(event: h11.Request) -> Request:
    headers: dict[str, str] = {}
    for raw_name, raw_value in event.headers:
        name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Request(event.method.decode("ascii"), event.target.decode("ascii"), headers)


def _has_body(request: Request) -> bool:
    return "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"


def _raw(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers]
