"""A session over WebSocket: each message of SPEC section 8 is one binary message, uncompressed."""

from __future__ import annotations

import asyncio
import logging
import struct

from websockets.datastructures import Headers as HandshakeHeaders
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request as HandshakeRequest
from websockets.protocol import OPEN, SERVER
from websockets.protocol import Protocol as Framing
from websockets.server import ServerProtocol

from protocol import limits
from protocol.serve.answers import Headers, Request
from protocol.serve.connection import Connection
from protocol.serve.delivery import Delivery
from protocol.serve.shelf import FilePart
from protocol.session.allowance import Allowance
from protocol.session.messages import Bye, Error

log = logging.getLogger(__name__)

_TURN_BYTES = 4 * limits.MIB  # for one client before the others have their turn
_MOST_WAITING = 2 * limits.MAX_PART_BYTES  # only who asks without reading any answer has more
_SLICE_BYTES = 4 * limits.KIB  # parsed at a time, so that a flood of tiny frames is seen early
_JOINED_BYTES = 64 * limits.KIB  # up to this, a copy costs less than a write of its own
_REASON_BYTES = 123  # RFC 6455, section 5.5
_FINAL_BINARY = 0x82


def handshake(request: Request, *, version: str) -> tuple[int, Headers, bytes]:
    """The answer to a request to become a WebSocket: status 101, or another one with a reason in words.

    Args:
        version: of HTTP in the request, like "1.1".
    """
    headers = HandshakeHeaders(list(request.headers.items()))
    # No extensions: compressing video again costs a factor of 20 and gains nothing.
    response = ServerProtocol().accept(HandshakeRequest(request.target, headers, request.method, f"HTTP/{version}"))
    pairs = tuple(response.headers.raw_items())
    if response.status_code != 101:
        # As every answer has them anyway.
        pairs = tuple(pair for pair in pairs if pair[0].lower() not in ("connection", "content-length", "date"))
    return response.status_code, pairs, bytes(response.body or b"")


def frame_head(length: int) -> bytes:
    """The header of a whole, unmasked binary message of `length` bytes (RFC 6455, section 5.2)."""
    if length < 126:
        return struct.pack("!BB", _FINAL_BINARY, length)
    if length < 1 << 16:
        return struct.pack("!BBH", _FINAL_BINARY, 126, length)
    return struct.pack("!BBQ", _FINAL_BINARY, 127, length)


class WebSocketHandler:
    """Frames on a connection, the library's parser behind them, and a session behind that."""

    kind = "websocket"

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._framing = Framing(SERVER, state=OPEN, max_size=limits.MAX_MESSAGE_BYTES, logger=log)
        site, now = connection.house.site, connection.now
        self._delivery = Delivery(site.shelf, site.metrics, transport=self.kind, wake=self.room, now=now)
        self._allowance = Allowance(now=now)
        self._fragments: list[bytes] = []
        self._pending = 0  # bytes of a frame that is not complete
        self._since: float | None = now  # of the first byte of a message that is not complete, or of the handshake
        self._flooded = False
        self._over: float | None = None  # since when only the client's part of the close is missing

    @property
    def active(self) -> bool:
        return True

    def received(self, data: bytes) -> None:
        view = memoryview(data)
        while view and not (self._connection.closing or self._flooded):
            self._parse(bytes(view[:_SLICE_BYTES]))
            view = view[_SLICE_BYTES:]
        self._pump()

    def room(self) -> None:
        self._pump()

    def ended(self) -> bool:
        # Nobody is there for what still waits, and the system might try for minutes.
        self._connection.transport.abort()
        return False

    def lost(self) -> None:
        self._delivery.close()

    def sweep(self, now: float) -> None:
        deadlines = self._connection.house.deadlines
        if self._since is not None and now - self._since > deadlines.message_s:
            self._delivery.fail("timeout", f"a message did not end within {deadlines.message_s:g} s")
        self._delivery.tick(now)
        self._pump()
        if self._over is not None and now - self._over > deadlines.linger_s:
            self._connection.close(heard=True)

    def start_drain(self) -> None:
        self._delivery.leave("the server is going away")
        self._pump()

    def end_drain(self) -> None:
        self._delivery.leave("the server is going away", at_once=True)
        self._pump()

    def _parse(self, data: bytes) -> None:
        now = self._connection.now
        self._framing.receive_data(data)
        self._pending += len(data)
        for frame in self._framing.events_received():
            assert isinstance(frame, Frame)
            self._take(frame, now)
        if not self._pending and not self._fragments:
            self._since = None
        elif self._since is None:
            self._since = now
        self._pass_on()

    def _take(self, frame: Frame, now: float) -> None:
        length = len(frame.data)
        self._pending -= length + 6 + (0 if length < 126 else 2 if length < 1 << 16 else 8)
        if not self._allowance.take(0, now=now):
            self._flooded = True
            self._delivery.fail("limit", f"more than {limits.MAX_MESSAGES_PER_S} frames a second")
        elif frame.opcode is Opcode.TEXT:
            self._delivery.fail("message", "messages are binary")
        elif frame.opcode in (Opcode.BINARY, Opcode.CONT):
            self._fragments.append(bytes(frame.data))
            if frame.fin:
                message, self._fragments = b"".join(self._fragments), []
                self._hear(message, now)
        if not self._fragments:
            self._since = None

    def _hear(self, message: bytes, now: float) -> None:
        if self._connection.busy is None:
            self._delivery.receive(message, now=now)
        else:
            # Not before the client's first word: some libraries do not hear what comes while they speak.
            self._delivery.fail("busy", self._connection.busy)

    def _pass_on(self) -> None:
        """Send what the library wants to say: pongs, and the end."""
        for data in self._framing.data_to_send():
            if data:
                self._connection.write(data)
            else:
                self._connection.close(heard=self._framing.close_rcvd is not None)
        if self._connection.outlet.backlog > _MOST_WAITING:
            self._connection.cut("flood")

    def _pump(self) -> None:
        """Send as much as the client and the network take."""
        connection, turn = self._connection, 0
        while not connection.outlet.full and not connection.closing:
            if turn > _TURN_BYTES:
                asyncio.get_running_loop().call_soon(self._pump)
                return
            message = self._delivery.next_unread()
            if message is None:
                self._close_if_over()
                return
            head, payload = message
            length = payload.length if isinstance(payload, FilePart) else len(payload)
            head, turn = frame_head(len(head) + length) + head, turn + length
            if isinstance(payload, FilePart):
                connection.write(head)
                connection.send(payload)
            elif length <= _JOINED_BYTES:
                connection.write(head + payload)
            else:
                connection.write(head)
                connection.write(payload)

    def _close_if_over(self) -> None:
        if not self._delivery.closing or self._framing.state is not OPEN:
            return
        self._framing.send_close(*_farewell(self._delivery.parting))
        self._over = self._connection.now
        self._pass_on()
        if self._flooded:
            self._connection.close(heard=False)


def _farewell(parting: Error | Bye | None) -> tuple[int, str]:
    """The close frame's code and reason for a session's last message; None where the client said goodbye."""
    if parting is None:
        return CloseCode.NORMAL_CLOSURE, ""
    if isinstance(parting, Bye):
        return CloseCode.GOING_AWAY, _short(parting.reason)
    codes = {"busy": CloseCode.TRY_AGAIN_LATER, "storage": CloseCode.INTERNAL_ERROR}
    return codes.get(parting.code, CloseCode.POLICY_VIOLATION), _short(parting.message)


def _short(reason: str) -> str:
    return reason.encode()[:_REASON_BYTES].decode(errors="ignore")
