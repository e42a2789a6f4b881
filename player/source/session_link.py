"""A link over any wire that carries messages: a session, its credit, and its signs of life."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from fractions import Fraction
from typing import Protocol

from player.source import failures
from player.source.address import Address
from player.source.credit import CreditWindow
from player.source.keepalive import KeepAlive
from player.source.link import AGENT, Delivery, LinkOptions, check_rung
from player.source.mailbox import Mailbox
from protocol.errors import FormatError, LfvError, StreamError, UsageError
from protocol.limits import MAX_CREDIT_BYTES, MIN_PART_BYTES
from protocol.session.client import Arrived, ClientSession, Left, Opened, Ponged

_TICK_S = 0.25
# Granted anew when half of it is used: what is left then still covers a server's least part.
_LEAST_CREDIT = 2 * MIN_PART_BYTES


class Wire(Protocol):
    """What carries a session's messages."""

    def send(self, message: bytes) -> None:
        """Send, now or as soon as there is room. Harmless where the connection is lost."""

    def abort(self) -> None:
        """End it without a word. Harmless where it has ended."""

    async def close(self) -> None:
        """Send what was given to `send`, briefly tried, and end it."""


class Receiver(Protocol):
    """What a wire tells its link; nothing here raises."""

    def heard(self) -> None:
        """Bytes have come, though perhaps no message yet."""

    def take(self, message: bytes | bytearray | memoryview) -> None:
        """A message has come."""

    def lost(self, error: LfvError) -> None:
        """The wire has ended."""


Dial = Callable[[Address, LinkOptions, Receiver], Awaitable[Wire]]


class SessionLink:
    """A link (see player.source.link) to a server that speaks the session's protocol."""

    def __init__(self, address: Address, options: LinkOptions, dial: Dial) -> None:
        """Prepare. `dial` connects; what it raises is a StreamError or UsageError."""
        self._address, self._options, self._dial = address, options, dial
        self._window = CreditWindow(
            first=options.first_credit,
            least=max(options.least_credit, _LEAST_CREDIT),
            most=min(options.most_credit, MAX_CREDIT_BYTES),
        )
        self._mail = Mailbox()
        self._wire: Wire | None = None
        self._session: ClientSession | None = None
        self._keepalive: KeepAlive | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._asked = 0.0
        self._opened: Opened | None = None
        self._flows = True
        self._greeted = self._begun = False
        self._left: str | None = None

    # What the player calls

    async def open(self) -> Opened:
        """See Link."""
        try:
            return await self._open()
        except BaseException:
            self._end()
            raise

    async def _open(self) -> Opened:
        loop = asyncio.get_running_loop()
        token = self._address.token or self._options.token
        try:
            self._session = ClientSession(show=self._address.show, token=token, agent=AGENT, credit=self._window.size)
        except FormatError as error:
            raise UsageError(f"{self._address.text} or its token is longer than a server reads: {error}") from error
        with failures.reaching(self._address, within_s=self._options.connect_s):
            async with asyncio.timeout(self._options.connect_s):
                self._wire = await self._dial(self._address, self._options, self)
        self._asked = loop.time()
        self._keepalive = KeepAlive(now=self._asked)
        self._flush()
        self._tick()
        event = await self._mail.get()
        if isinstance(event, Left):
            raise self._gone(event.reason)
        assert isinstance(event, Opened)
        return event

    def begin(self, time: Fraction | None, rung: int) -> None:
        """See Link."""
        if self._mail.error is not None:
            return
        session = self._session_for(rung)
        self._mail.drop_segments()
        self._begun = True
        session.subscribe(time, rung=rung)
        self._grant()
        self._flush()

    def switch(self, rung: int) -> None:
        """See Link."""
        if self._mail.error is not None:
            return
        session = self._session_for(rung)
        if self._begun:
            session.switch(rung)
            self._flush()

    def flow(self, open: bool) -> None:
        """See Link."""
        self._flows = open
        self._grant()
        self._flush()

    async def receive(self) -> Delivery:
        """See Link."""
        event = await self._mail.get()
        assert not isinstance(event, Opened)
        if isinstance(event, Arrived):
            # There is room again.
            self._grant()
            self._flush()
        return event

    async def close(self) -> None:
        """See Link."""
        wire, session = self._wire, self._session
        if wire is not None and session is not None and self._mail.error is None:
            session.leave("the player closes")
            self._flush()
            self._wire = None
            self._end()
            await wire.close()
        self._end()

    # What the wire calls

    def heard(self) -> None:
        """See Receiver."""
        if self._keepalive is not None:
            self._keepalive.heard(asyncio.get_running_loop().time())

    def take(self, message: bytes | bytearray | memoryview) -> None:
        """See Receiver."""
        session, keepalive = self._session, self._keepalive
        if session is None or keepalive is None or self._mail.error is not None:
            return
        now = asyncio.get_running_loop().time()
        keepalive.heard(now)
        if not self._greeted:
            self._greeted = True
            keepalive.went_round(now - self._asked)
        granted = session.granted
        try:
            events = session.receive(message if isinstance(message, bytes) else memoryview(message))
        except FormatError as error:
            self._fail(self._broken(error))
            return
        except StreamError as error:
            self._fail(StreamError(f"{self._address.text}: {error}", code=error.code))
            return
        if session.granted < granted:
            self._window.received(granted - session.granted, now=now, rtt_s=keepalive.rtt_s)
        for event in events:
            if isinstance(event, Ponged):
                keepalive.ponged(event.id, now)
            else:
                self._note(event)
                self._mail.put(event)
        self._grant()
        self._flush()

    def lost(self, error: LfvError) -> None:
        """See Receiver."""
        self._fail(error if self._left is None else self._gone(self._left))

    # What happens in between

    def _note(self, event: Opened | Delivery) -> None:
        """Keep in mind what is still to come."""
        if isinstance(event, Opened):
            self._opened = event
        elif isinstance(event, Left):
            self._left = event.reason

    def _grant(self) -> None:
        session = self._session
        if session is None or self._mail.error is not None:
            return
        if self._opened is not None and (not self._flows or self._mail.unread > self._window.size):
            self._window.pause()
            return
        if not session.due:
            self._window.pause()
        count = self._window.grant(session.granted)
        if count:
            session.grant(count)

    def _flush(self) -> None:
        """Hand the session's messages to the wire."""
        if self._wire is not None and self._session is not None:
            while self._session.outgoing:
                self._wire.send(self._session.outgoing.popleft())

    def _tick(self) -> None:
        """Several times a second: ping, and notice silence."""
        loop, session, keepalive = asyncio.get_running_loop(), self._session, self._keepalive
        if session is None or keepalive is None or self._mail.error is not None:
            return
        self._timer = loop.call_later(_TICK_S, self._tick)
        now = loop.time()
        if not self._greeted:
            if now - self._asked > self._options.connect_s:
                self._fail(failures.late(self._address, self._options.connect_s))
            return
        silence = keepalive.silence(now, due=session.due)
        if silence is not None:
            self._fail(failures.silent(self._address, silence))
        elif self._opened is not None:
            number = keepalive.ping(now)
            if number is not None:
                session.ping(number)
                self._flush()

    def _broken(self, error: FormatError) -> LfvError:
        """A show that is damaged, or a server that does not keep to the protocol."""
        if self._opened is None:
            return FormatError(f"{self._address.text}: {error}")
        return StreamError(f"{self._address.text} breaks the protocol: {error}")

    def _session_for(self, rung: int) -> ClientSession:
        if self._session is None or self._opened is None:
            raise StreamError(f"{self._address.text} is not open yet; wait for it")
        check_rung(self._address, rung, self._opened.index)
        return self._session

    def _gone(self, reason: str) -> StreamError:
        return StreamError(f"{self._address.text} went away: {reason or 'it does not say why'}")

    def _fail(self, error: LfvError) -> None:
        self._mail.fail(error)
        self._end()

    def _end(self) -> None:
        """Nothing of it goes on by itself; whoever waits is told."""
        self._mail.fail(StreamError(f"{self._address.text} is closed"))
        if self._timer is not None:
            self._timer.cancel()
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.abort()
