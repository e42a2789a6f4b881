"""One connection to a web server, kept open: requests one after the other, answers as they come."""

from __future__ import annotations

import asyncio
import math
import ssl
from contextlib import suppress

import h11

from player.source import failures
from player.source.address import Address
from player.source.http_answer import Answer
from player.source.keepalive import PATIENCE
from player.source.link import AGENT, STALL_S
from protocol.errors import StreamError
from protocol.limits import KIB

_READ_BYTES = 256 * KIB
_MOST_INTERIM = 8  # answers of the kind "100 Continue" before the true one
_CLOSE_S = 0.5
_SLOW_START_BYTES = 14600  # that a new connection sends in its first round trip (RFC 6928)
_TELLING_BYTES = 64 * KIB  # of a body, before they say how fast it comes

Headers = list[tuple[str, str]]


class HttpConnection:
    """To one host and port. Whatever fails raises StreamError; then the connection can only be closed."""

    def __init__(self, address: Address) -> None:
        """Prepare; `address` is where it leads, and what errors name."""
        self._address = address
        self._http = h11.Connection(h11.CLIENT)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._used = self._ended = False
        self._ahead: h11.Request | None = None
        self._began = 0.0
        self._received = 0
        self._last_rate = 0.0
        self._dial_s = 0.0
        self._head_s = 0.0

    async def open(self, context: ssl.SSLContext | None) -> None:
        """Connect, with TLS where a context is given. The caller limits the time. Raises OSError."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        self._reader, self._writer = await asyncio.open_connection(
            self._address.host, self._address.port, ssl=context, limit=_READ_BYTES
        )
        self._dial_s = loop.time() - started

    @property
    def idle(self) -> bool:
        """Whether a request may be sent, or the one that was sent ahead may be read."""
        return self._http.our_state is h11.IDLE and self._writer is not None and not self._writer.is_closing()

    @property
    def rtt_s(self) -> float:
        """A round trip, and what the server needs to think: the least seen."""
        return self._head_s or self._dial_s

    @property
    def redial_s(self) -> float:
        """What another connection would cost: to open it, and its slow start up to what a round trip holds."""
        holds = self.rate * self.rtt_s / _SLOW_START_BYTES
        return self._dial_s + self.rtt_s * math.log2(max(2.0, holds))

    @property
    def rate(self) -> float:
        """Bytes per second of the body that is under way, or at its beginning of the one before; 0 if unknown."""
        elapsed = asyncio.get_running_loop().time() - self._began
        return self._received / elapsed if self._received >= _TELLING_BYTES and elapsed > 0 else self._last_rate

    def ask_ahead(self, target: str, headers: Headers) -> None:
        """Send the next GET while an answer is still coming: the way does not idle between two. Only one at a time."""
        assert self._writer is not None and self._ahead is None
        self._ahead = self._request(target, headers)
        self._writer.write(h11.Connection(h11.CLIENT).send(self._ahead) or b"")

    async def ask(self, target: str, headers: Headers, *, within_s: float | None = None) -> Answer | None:
        """Send a GET, unless it was sent ahead, and read the answer's head; `within_s` replaces the usual patience.

        None where the server had closed the connection before it read the request: ask again on a new one.
        """
        assert self._writer is not None
        reused, self._used = self._used, True
        request = self._request(target, headers)
        data = self._http.send(request)
        self._http.send(h11.EndOfMessage())
        ahead, self._ahead = self._ahead, None
        assert ahead is None or ahead == request
        asked = asyncio.get_running_loop().time()
        if ahead is None:
            self._writer.write(data or b"")
        silent = True
        interim = 0
        while True:
            event = self._next_event()
            if event is h11.NEED_DATA:
                if not await self._feed(within_s) and silent and reused:
                    return None
                silent = False
            elif isinstance(event, h11.Response):
                self._last_rate = self.rate
                self._began, self._received = asyncio.get_running_loop().time(), 0
                if ahead is None:
                    self._head_s = min(self._head_s or math.inf, self._began - asked)
                pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers]
                return Answer(event.status_code, dict(reversed(pairs)))
            elif not isinstance(event, h11.InformationalResponse):
                raise failures.closed(self._address)
            elif (interim := interim + 1) > _MOST_INTERIM:
                raise StreamError(f"{self._address.text} does not come to its answer")

    async def read(self) -> bytearray | None:
        """More of the body, for the caller to keep; None at its end, after which the connection may be idle again."""
        while True:
            event = self._next_event()
            if event is h11.NEED_DATA:
                await self._feed(None)
            elif isinstance(event, h11.Data):
                self._received += len(event.data)
                return event.data if isinstance(event.data, bytearray) else bytearray(event.data)
            elif isinstance(event, h11.EndOfMessage):
                if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
                    self._http.start_next_cycle()
                return None
            else:
                raise failures.closed(self._address)

    async def close(self) -> None:
        """End it. Harmless when it is not open."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        if self._http.our_state is not h11.IDLE or self._address.secure:
            # Nobody waits for what is still under way, nor for the other end's part of TLS's goodbye.
            writer.transport.abort()
        writer.close()
        with suppress(OSError):
            async with asyncio.timeout(_CLOSE_S):
                await writer.wait_closed()

    def _request(self, target: str, headers: Headers) -> h11.Request:
        always = [("Host", self._address.authority), ("User-Agent", AGENT), ("Accept-Encoding", "identity")]
        return h11.Request(method="GET", target=target, headers=always + headers)

    def _next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        try:
            return self._http.next_event()
        except h11.RemoteProtocolError as error:
            if self._ended:
                raise failures.closed(self._address) from error
            raise StreamError(
                f"{self._address.text} does not speak HTTP ({failures.brief(error)}); check the address",
                code=failures.CAPABILITY,
            ) from error

    async def _feed(self, within_s: float | None) -> bool:
        """Wait for bytes -> whether some came, rather than the end."""
        assert self._reader is not None
        patience = max(STALL_S, PATIENCE * self.rtt_s) if within_s is None else within_s
        try:
            async with asyncio.timeout(patience):
                data = await self._reader.read(_READ_BYTES)
        except TimeoutError as error:
            raise failures.silent(self._address, patience) from error
        except OSError:
            data = b""  # reset: as good as closed
        self._ended = not data
        self._http.receive_data(data)
        return bool(data)
