"""http:// and https://: a show on any web server, read by byte ranges. SPEC section 8.11."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress

from player.source import failures
from player.source.address import Address
from player.source.http_answer import Answer, Copy, check_first, check_range, moved_to, refusal
from player.source.http_connection import Headers, HttpConnection
from player.source.link import LinkOptions
from player.source.pulled_link import Ahead, PulledLink, Segment
from player.source.tls import client_context
from protocol.container import decode_front
from protocol.errors import FormatError, StreamError, UsageError
from protocol.header import decode_header
from protocol.limits import FIRST_READ_BYTES, KIB
from protocol.session.client import Opened

_MOST_REDIRECTS = 5
_AHEAD_ROUND_TRIPS, _AHEAD_S = 1.5, 0.02  # before the end of a segment the next one is asked for
_PIECE_BYTES = 64 * KIB
_MOST_WORDS = 1024  # bytes of a refusal's text


def link(address: Address, options: LinkOptions) -> PulledLink:
    """A link to an http:// or https:// address."""
    return PulledLink(address, HttpFetcher(address, options))


class HttpFetcher:
    """See pulled_link.Fetcher. One connection at a time, one request per segment."""

    def __init__(self, address: Address, options: LinkOptions) -> None:
        self._address, self._options = address, options
        self._target = address  # where redirects led
        self._tls: ssl.SSLContext | None = None
        self._connection: HttpConnection | None = None
        self._left: int | None = None  # bytes of the answer that is under way, where its head is here
        self._ahead: tuple[int, int] | None = None  # what was asked for while that comes
        self._copy: Copy | None = None
        self._opened: Opened | None = None

    async def open(self) -> Opened:
        """As Link.open: one request, a second one where manifest and index are long."""
        within_s = self._options.connect_s
        with failures.reaching(self._address, within_s=within_s):
            async with asyncio.timeout(within_s):
                answer = await self._first_answer()
        if answer.status >= 400:
            raise refusal(self._target, answer, await self._words())
        length, self._copy = check_first(self._target, answer, length=FIRST_READ_BYTES)
        front = await self._body(length)
        name = self._address.text
        try:
            header = decode_header(front)
        except FormatError as error:
            raise FormatError(f"{name}: {error}") from error
        if self._copy.size != header.file_bytes:
            how = "is cut short" if self._copy.size < header.file_bytes else "has bytes behind its end"
            raise FormatError(f"{name}: the show {how}; it should have {header.file_bytes} bytes")
        if len(front) < header.front_bytes:
            front += await self._range(len(front), header.front_bytes - len(front))
        _, manifest, index = decode_front(front, name=name)
        self._opened = Opened(manifest, index, live=False)
        return self._opened

    async def fetch(self, segment: Segment, *, progress: Callable[[int], None], ahead: Ahead) -> bytes:
        """See Fetcher."""
        wanted = self._extent(segment)

        def tell(received: int) -> None:
            progress(received)
            self._ask_ahead(wanted[1] - received, ahead)

        return await self._range(*wanted, tell)

    async def close(self) -> None:
        """See Fetcher."""
        connection, self._connection, self._ahead = self._connection, None, None
        if connection is not None:
            await connection.close()

    async def _first_answer(self) -> Answer:
        for _ in range(_MOST_REDIRECTS + 1):
            answer = await self._ask(0, FIRST_READ_BYTES, within_s=self._options.connect_s)
            moved = moved_to(self._target, answer)
            if moved is None:
                return answer
            await self.close()
            self._target = moved
        raise StreamError(
            f"{self._address.text} sends players from address to address without end", code=failures.CAPABILITY
        )

    def _extent(self, segment: Segment) -> tuple[int, int]:
        """Offset and length in the file."""
        if self._opened is None:
            raise StreamError(f"{self._address.text} is not open yet; wait for it")
        entry = self._opened.index.chunks[segment[0]].segments[segment[1]]
        return entry.offset, entry.length

    def _ask_ahead(self, left: int, ahead: Ahead) -> None:
        """Ask for the next segment a good round trip before `left` bytes of this one are here."""
        connection = self._connection
        if connection is None or self._ahead is not None or not left:
            return
        if left <= connection.rate * (_AHEAD_ROUND_TRIPS * connection.rtt_s + _AHEAD_S):
            segment = ahead()
            if segment is not None:
                self._ahead = self._extent(segment)
                connection.ask_ahead(self._target.path, self._headers(*self._ahead))

    async def _range(self, start: int, length: int, progress: Callable[[int], None] = lambda _: None) -> bytes:
        """Bytes [start, start + length) of the copy that was opened."""
        assert self._copy is not None
        await self._settle(start, length)
        answer = await self._ask(start, length)
        if answer.status >= 400 and answer.status != 416:
            raise refusal(self._target, answer, await self._words())
        check_range(self._target, answer, self._copy, start=start, length=length)
        return await self._body(length, progress)

    async def _ask(self, start: int, length: int, *, within_s: float | None = None) -> Answer:
        headers = self._headers(start, length)
        self._left = self._ahead = None
        connection = await self._connected()
        answer = await connection.ask(self._target.path, headers, within_s=within_s)
        if answer is None:
            # Servers close what was idle for a while, and whoever asks just then cannot know.
            await self.close()
            connection = await self._connected()
            answer = await connection.ask(self._target.path, headers, within_s=within_s)
        if answer is None:
            raise failures.closed(self._target)
        return answer

    async def _body(self, length: int, progress: Callable[[int], None] = lambda _: None) -> bytes:
        assert self._connection is not None
        pieces: list[bytearray] = []
        received, self._left = 0, length
        while (piece := await self._connection.read()) is not None:
            received += len(piece)
            self._left = length - received
            if self._left < 0:
                raise StreamError(f"{self._target.text} sends more than {length} bytes, which it announced")
            # Small ones are put together: a server that sends single bytes costs no more memory than another.
            if pieces and len(pieces[-1]) < _PIECE_BYTES:
                pieces[-1] += piece
            else:
                pieces.append(piece)
            progress(received)
        if self._left:
            raise failures.closed(self._target)
        return b"".join(pieces)

    async def _settle(self, start: int, length: int) -> None:
        """What a cancelled fetch left under way is read where that is soon done; else its connection is given up."""
        connection, ahead = self._connection, self._ahead
        if connection is None or (connection.idle and ahead in (None, (start, length))):
            return
        unread = None if self._left is None else self._left + (ahead[1] if ahead is not None else 0)
        if unread is not None and unread <= connection.rate * connection.redial_s:
            with suppress(StreamError):
                await _drain(connection)
                if ahead is not None and ahead != (start, length) and connection.idle:
                    answer = await self._ask(*ahead)
                    assert self._copy is not None
                    check_range(self._target, answer, self._copy, start=ahead[0], length=ahead[1])
                    await _drain(connection)
        if not connection.idle:
            await self.close()

    async def _connected(self) -> HttpConnection:
        """The connection, if it is free for a request; else a new one."""
        if self._connection is not None and self._connection.idle:
            return self._connection
        await self.close()
        if self._target.secure and self._tls is None:
            self._tls = client_context(self._options.ca_file)
        connection = HttpConnection(self._target)
        within_s = self._options.connect_s
        with failures.reaching(self._target, within_s=within_s):
            async with asyncio.timeout(within_s):
                await connection.open(self._tls if self._target.secure else None)
        self._connection = connection
        return connection

    async def _words(self) -> bytes:
        """What a server says about its refusal, as far as it comes soon."""
        assert self._connection is not None
        words = bytearray()
        with suppress(StreamError):
            while len(words) < _MOST_WORDS and (piece := await self._connection.read()) is not None:
                words += piece
        return bytes(words)

    def _headers(self, start: int, length: int) -> Headers:
        headers: Headers = [("Range", f"bytes={start}-{start + length - 1}"), *self._authorization()]
        if self._copy is not None and self._copy.condition is not None:
            headers.append(("If-Range", self._copy.condition))
        return headers

    def _authorization(self) -> Headers:
        """The token, for the server that was named and nobody else."""
        token = self._address.token or self._options.token
        named, target = self._address, self._target
        same = (named.host, named.port, named.kind) == (target.host, target.port, target.kind)
        if not token or not (same or (named.host == target.host and target.secure and not named.secure)):
            return []
        if not token.isascii() or not token.isprintable() or " " in token:
            raise UsageError("the token has characters that HTTP cannot carry; use letters, digits, '-' and '_'")
        return [("Authorization", f"Bearer {token}")]


async def _drain(connection: HttpConnection) -> None:
    """Read the answer that is under way to its end."""
    while not connection.idle and await connection.read() is not None:
        pass
