"""Both ends of a session with nothing but two queues between them; each message moves when the test says so."""

from __future__ import annotations

from collections import deque

from protocol.errors import StreamError
from protocol.session.client import ClientSession, Event
from protocol.session.messages import FRONT, Hello
from protocol.session.server import PlannedPart, ServerSession
from tests.protocol.session.shows import MemoryShow


def find_only(show: MemoryShow, *, name: str = "tiny", token: str = ""):
    """What a server with one show does with a hello."""

    def find(hello: Hello) -> MemoryShow:
        if hello.token != token:
            raise StreamError("the token is wrong", code="token")
        if hello.show != name:
            raise StreamError(f"no show '{hello.show}' here; there is '{name}'", code="show")
        return show

    return find


class Pipe:
    """A server with one show, a client, and what is between them.

    Attributes:
        now: seconds, for the server.
        on_the_way: messages of the server that have not reached the client.
        events: all that the client has told.
    """

    def __init__(self, show: MemoryShow, *, credit: int = 1 << 20, name: str = "tiny", token: str = "") -> None:
        self.show, self.now = show, 0.0
        self.server = ServerSession(find_only(show), agent="server", now=self.now)
        self.client = ClientSession(show=name, token=token, agent="client", credit=credit)
        self.on_the_way: deque[bytes] = deque()
        self.events: list[Event] = []

    def up(self) -> bool:
        """One message of the client reaches the server -> whether there was one."""
        if not self.client.outgoing:
            return False
        self.server.receive(self.client.outgoing.popleft(), now=self.now)
        return True

    def serve(self) -> bool:
        """The server's wire takes one message -> whether there was one."""
        message = whole(self.server, self.show)
        if message is None:
            return False
        self.on_the_way.append(message)
        return True

    def down(self) -> bool:
        """One message of the server reaches the client -> whether there was one. Raises what the client raises."""
        if not self.on_the_way:
            return False
        self.events += self.client.receive(self.on_the_way.popleft())
        return True

    def settle(self, *, window: int | None = None) -> list[Event]:
        """Until nothing moves any more; with `window`, the client keeps that much granted -> the new events."""
        before, moved = len(self.events), True
        while moved:
            moved = self.up() | self.serve() | self.down()
            if window is not None and self.client.granted <= window // 2:
                self.client.grant(window - self.client.granted)
                moved = True
        return self.events[before:]


def whole(server: ServerSession, show: MemoryShow) -> bytes | None:
    """The server's next message with its payload."""
    message = server.next()
    if not isinstance(message, PlannedPart):
        return message
    head = message.head
    if head.kind == FRONT:
        return message.head_bytes + server.front_bytes(message)
    return message.head_bytes + show.read(head.chunk, head.rung, head.offset, message.length)
