"""One connection to a web server, kept open: requests one after the other, answers as they come."""

from __future__ import annotations

import asyncio
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
        self._began = 0.0
        self._received = 0
        self.dial_s = 0.0
        self.rtt_s = 0.0

    async def open(self, context: ssl.SSLContext | None) -> None:
        """Connect, with TLS where a context is given. The caller limits the time. Raises OSError."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        self._reader, self._writer = await asyncio.open_connection(
            self._address.host, self._address.port, ssl=context, limit=_READ_BYTES
        )
        # A handshake of TLS takes one more round trip at least: an estimate from above.
        self.dial_s = self.rtt_s = loop.time() - started

    @property
    def idle(self) -> bool:
        """Whether a request may be sent."""
        return self._http.our_state is h11.IDLE and self._writer is not None and not self._writer.is_closing()

    @property
    def rate(self) -> float:
        """Bytes per second of the body that is under way; 0 before it comes."""
        elapsed = asyncio.get_running_loop().time() - self._began
        return self._received / elapsed if self._received and elapsed > 0 else 0.0

    async def ask(self, target: str, headers: Headers, *, within_s: float | None = None) -> Answer | None:
        """Send a GET and read the answer's head; `within_s` replaces the usual patience.

        None where the server had closed the connection before it read the request: ask again on a new one.
        """
        assert self._writer is not None
        reused, self._used = self._used, True
        always = [("Host", self._address.authority), ("User-Agent", AGENT), ("Accept-Encoding", "identity")]
        request = self._http.send(h11.Request(method="GET", target=target, headers=always + headers))
        self._http.send(h11.EndOfMessage())
        asked = asyncio.get_running_loop().time()
        self._writer.write(request or b"")
        silent = True
        interim = 0
        while True:
            event = self._next_event()
            if event is h11.NEED_DATA:
                if not await self._feed(within_s) and silent and reused:
                    return None
                silent = False
            elif isinstance(event, h11.Response):
                self._began, self._received = asyncio.get_running_loop().time(), 0
                self.rtt_s = min(self.rtt_s, self._began - asked)
                pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers]
                return Answer(event.status_code, dict(reversed(pairs)))
            elif not isinstance(event, h11.InformationalResponse):
                raise failures.closed(self._address)
            elif (interim := interim + 1) > _MOST_INTERIM:
                raise StreamError(f"{self._address.text} does not come to its answer")

    async def read(self) -> bytes | bytearray | None:
        """More of the body; None at its end, after which the connection may be idle again."""
        while True:
            event = self._next_event()
            if event is h11.NEED_DATA:
                await self._feed(None)
            elif isinstance(event, h11.Data):
                self._received += len(event.data)
                return event.data
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

    def _next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        try:
            return self._http.next_event()
        except h11.RemoteProtocolError as error:
            if self._ended:
                raise failures.closed(self._address) from error
            raise StreamError(
                f"{self._address.text} does not speak HTTP ({error}); check the address", code=failures.CAPABILITY
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
