"""ws:// and wss://: one session message is one binary message of a WebSocket."""

from __future__ import annotations

import asyncio
from functools import partial
from ipaddress import ip_address
from typing import Any, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI, PayloadTooBig, WebSocketException
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State

from player.source import failures
from player.source.address import Address
from player.source.http_answer import words_of
from player.source.link import AGENT, LinkOptions
from player.source.session_link import Receiver, SessionLink, Wire
from player.source.tls import client_context
from player.source.websocket_frames import FrameTaker
from protocol.errors import MissingExtraError, StreamError
from protocol.fields import printable
from protocol.limits import MAX_PART_BYTES
from protocol.session.messages import PART_HEADER_BYTES

MAX_BYTES = PART_HEADER_BYTES + MAX_PART_BYTES
_MOST_OTHERS = 4096  # frames, or pieces of them, without a message: at most 512 KiB of answers pile up
_CLOSE_S = 0.5


def link(address: Address, options: LinkOptions) -> SessionLink:
    """A link to a ws:// or wss:// address."""
    return SessionLink(address, options, dial)


async def dial(address: Address, options: LinkOptions, receiver: Receiver) -> Wire:
    """Connect and shake hands. Raises StreamError, UsageError; OSError and TimeoutError of the network."""
    opening = _Connect(
        f"{address.kind}://{address.authority}{address.path}",
        ssl=client_context(options.ca_file) if address.secure else None,
        compression=None,
        max_size=MAX_BYTES,
        ping_interval=None,
        open_timeout=None,
        close_timeout=_CLOSE_S,
        user_agent_header=AGENT,
        proxy=None if is_loopback(address.host) else True,
        # The library calls it like the class, with keywords.
        create_connection=cast(type[ClientConnection], partial(_Connection, address=address, receiver=receiver)),
    )
    try:
        return _WebSocketWire(await opening)
    except InvalidStatus as error:
        raise _refusal(address, error.response) from error
    except ImportError as error:
        raise MissingExtraError(f"the proxy for {address.text} needs python-socks; pip install python-socks") from error
    except (InvalidHandshake, InvalidURI) as error:
        cause = error.__cause__
        if isinstance(cause, EOFError | OSError):
            raise failures.closed(address) from error
        raise StreamError(
            f"{address.text} does not speak WebSocket ({failures.brief(error)}); check the address",
            code=failures.CAPABILITY,
        ) from error


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine, which no proxy stands in front of."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _refusal(address: Address, response: Response) -> StreamError:
    """Why a server answered the handshake with something else."""
    status = response.status_code
    said = f"HTTP {status}{words_of(response.headers.get('Content-Type', ''), bytes(response.body or b''))}"
    if status in failures.RETRYABLE:
        return StreamError(f"{address.text} is busy ({said})")
    if status in failures.REFUSALS:
        code, reason = failures.REFUSALS[status]
        return StreamError(f"{address.text} {reason} ({said})", code=code)
    if "Location" in response.headers and 300 <= status < 400:
        reason = "is somewhere else now; give the address that it answers in a browser"
    else:
        reason = "does not serve sessions; give the address that 'lfv serve' prints, or http:// for a plain web server"
    return StreamError(f"{address.text} {reason} ({said})", code=failures.CAPABILITY)


class _Connect(connect):
    """Follows no redirect: the token is for the server that was named."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class _Connection(ClientConnection, asyncio.BufferedProtocol):
    """Hands messages to the receiver in the callback that brings them: no queue and no task in between.

    Whole binary messages are read to where they stay; the library does the handshake and everything unusual.
    """

    def __init__(self, protocol: ClientProtocol, *, address: Address, receiver: Receiver, **settings: Any) -> None:
        super().__init__(protocol, **settings)
        self._address, self._receiver = address, receiver
        self._fragments: bytearray | None = None
        self._frames = FrameTaker(most=MAX_BYTES, take=self._take, other=self._pass_on)
        self._since_message = 0  # pings, pongs, pieces of fragments

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._frames.room()

    def buffer_updated(self, nbytes: int) -> None:
        self._receiver.heard()
        self._frames.came(nbytes)

    def _take(self, message: bytes | bytearray | memoryview) -> None:
        self._since_message = 0
        self._receiver.take(message)

    def _pass_on(self, data: bytes) -> bool:
        self.data_received(data)
        self._since_message += 1
        broken = self.protocol.parser_exc
        if broken is not None and not isinstance(broken, EOFError):
            # The library would wait for the other end to close, and read on as long as that sends.
            self._fail(_breach(broken))
        elif self._since_message > _MOST_OTHERS:
            self._fail("sends a lot that is no message")
        return self.protocol.state is State.OPEN

    def process_event(self, event: Any) -> None:
        if self.response is None or not isinstance(event, Frame):
            super().process_event(event)
        elif event.opcode is Opcode.TEXT:
            self._fail("sends text")
        elif event.opcode is Opcode.BINARY and event.fin:
            self._take(event.data)
        elif event.opcode is Opcode.BINARY:
            self._fragments = bytearray(event.data)
        elif event.opcode is Opcode.CONT and self._fragments is not None:
            # The library keeps the sum below max_size.
            self._fragments += event.data
            if event.fin:
                whole, self._fragments = self._fragments, None
                self._take(whole)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        broken = self.protocol.parser_exc
        if isinstance(broken, WebSocketException):
            reason = _breach(broken)
        elif self.protocol.close_rcvd is not None and self.protocol.close_rcvd.reason:
            reason = f"closed the connection: {printable(self.protocol.close_rcvd.reason)}"
        else:
            reason = "closed the connection"
        self._receiver.lost(StreamError(f"{self._address.text} {reason}"))

    def _fail(self, reason: str) -> None:
        self._receiver.lost(StreamError(f"{self._address.text} {reason}"))
        self.transport.abort()


def _breach(error: Exception) -> str:
    if isinstance(error, PayloadTooBig):
        return f"sends a message of more than {MAX_BYTES} bytes"
    return f"breaks the WebSocket protocol ({failures.brief(error)})"


class _WebSocketWire:
    """See session_link.Wire."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    def send(self, message: bytes) -> None:
        try:
            self._connection.protocol.send_binary(message)
            self._connection.send_data()
        except (WebSocketException, OSError):
            # It is closing: the receiver is told by connection_lost.
            return

    def abort(self) -> None:
        self._connection.transport.abort()

    async def close(self) -> None:
        await self._connection.close()
        # Its transport closes in the loop's next turn.
        await asyncio.sleep(0)
