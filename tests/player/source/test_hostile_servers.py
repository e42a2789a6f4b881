"""Servers that lie, break the protocol or fall silent: every one ends in one error in words, and none costs memory."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Awaitable, Callable
from dataclasses import replace
from fractions import Fraction

import msgpack
import pytest

from player.source.address import parse_address
from player.source.link import LinkOptions, open_link
from protocol.errors import FormatError, LfvError, StreamError
from protocol.index import ChunkEntry, encode_row
from protocol.limits import MAX_FRONT_BYTES, MAX_PART_BYTES, MIB
from protocol.session.events import Grown
from protocol.session.messages import (
    FRONT,
    SEGMENT,
    Appended,
    End,
    Error,
    Hello,
    PartHead,
    Ping,
    Pong,
    Welcome,
    encode_message,
    encode_part_head,
)
from tests.player.source.scripted import (
    QUICK,
    TRANSPORTS,
    Peer,
    front_part,
    message,
    opened,
    part,
    run,
    scripted,
    subscribed,
    welcome,
)
from tests.protocol.session.shows import MemoryShow

SHOW = MemoryShow([(600_000, 300), (40_000, 16_385)])
both = pytest.mark.parametrize("transport", TRANSPORTS)


def head(**changes: int) -> bytes:
    """Of the first part of the first segment."""
    return encode_part_head(replace(PartHead(SEGMENT, 1, 0, 0, 0, 600_000), **changes))


def packed(**document: object) -> bytes:
    return bytes(msgpack.packb(document))


NESTED = b"\x91" * 60_000 + b"\xc0"
CLAIMS = b"\x82\xa4type\xa3end\xa6chunks\xdd\xff\xff\xff\xff"

BREAKING: dict[str, tuple[list[bytes], str]] = {
    "parts out of order": ([part(SHOW, 0, 0, start=50_000, end=100_000)], "out of order"),
    "a part twice": ([part(SHOW, 0, 0, end=50_000)] * 2, "out of order"),
    "another chunk": ([part(SHOW, 1, 0)], "sends chunk 1; 0 of 2 is next"),
    "a chunk that is not there": ([head(chunk=7) + bytes(20_000)], "sends chunk 7"),
    "a rung that nobody asked for": ([part(SHOW, 0, 1)], "sends rung 1, which nobody asked for"),
    "another size": ([head(total=300_000) + bytes(20_000)], "its index differs"),
    "gigabytes": ([head(total=(1 << 32) - 1) + bytes(20_000)], "a part is of 4294967295 bytes"),
    "more than the whole": ([head(total=20_000) + bytes(30_000)], "30000 bytes of the 20000"),
    "a generation of the future": (
        [part(SHOW, 0, 0, generation=9, end=50_000)],
        "sends generation 9",
    ),
    "parts of a byte": ([head() + b"x"], "a part has 1 bytes of the 600000"),
    "a part of nothing": ([head()], "has no payload"),
    "the front again": ([front_part(SHOW)], "front out of order"),
    "more than it was granted": ([part(SHOW, 0, 0)], "more than it was granted"),
    "a welcome again": ([encode_message(Welcome(1, "x", (), False, 5))], "welcomes twice"),
    "an end before the end": ([encode_message(End(1, 2))], "before its last chunk"),
    "growth of a finished show": ([encode_message(Appended(2, b"x"))], "appends chunk 2"),
    "what only clients say": ([encode_message(Hello((1,), "", "", "", (), 0))], "does not send hello"),
    "nothing at all": ([b""], "breaks the protocol"),
    "junk": ([b"\x00\xff junk"], "breaks the protocol"),
    "another type": ([packed(type="gossip")], "breaks the protocol"),
    "a key too few": ([packed(type="end", chunks=2)], "breaks the protocol"),
    "a number too large": ([packed(type="end", generation=1, chunks=1 << 40)], "breaks the protocol"),
    "deep nesting": ([NESTED], "breaks the protocol"),
    "an array of 4 billion": ([CLAIMS], "breaks the protocol"),
    "a long message": ([packed(type="bye", reason="x" * 100_000)], "at most 65536"),
    "a long text": ([packed(type="bye", reason="x" * 5000)], "longer than|breaks the protocol"),
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is long sooner than it would be."""
    monkeypatch.setattr("player.source.keepalive.STALL_S", 0.4)
    monkeypatch.setattr("player.source.keepalive.PING_S", 0.3)
    monkeypatch.setattr("player.source.keepalive.SILENCE_S", 0.8)


def broken(transport: str, script: Callable[[Peer], Awaitable[None]], options: LinkOptions = QUICK) -> LfvError:
    """How a link to such a server ends."""

    async def test() -> LfvError:
        async with scripted(transport, script) as url:
            link = open_link(parse_address(url), options)
            with pytest.raises(LfvError) as raised:
                await link.open()
                link.begin(Fraction(0), 0)
                while True:
                    await link.receive()
            with pytest.raises(type(raised.value)) as again:
                await link.receive()
            assert again.value is raised.value or "is closed" in str(again.value)
            await link.close()
            assert url in str(raised.value)
            return raised.value

    return run(test)


@both
@pytest.mark.parametrize("name", BREAKING)
def test_what_breaks_the_protocol_ends_the_link(transport: str, name: str) -> None:
    data, says = BREAKING[name]

    async def script(peer: Peer) -> None:
        await subscribed(peer, SHOW)
        for each in data:
            await peer.send(each)

    error = broken(transport, script)
    assert isinstance(error, StreamError) and error.code == ""
    assert any(each in str(error) for each in says.split("|")), error


@both
def test_a_message_larger_than_any_is_not_taken_in(transport: str) -> None:
    async def script(peer: Peer) -> None:
        await subscribed(peer, SHOW)
        await peer.send(head() + bytes(MAX_PART_BYTES + 1))

    error = broken(transport, script)
    assert isinstance(error, StreamError) and error.code == ""
    assert "of more than" in str(error) or "closed the connection" in str(error)


@both
@pytest.mark.parametrize(
    ("said", "code", "says"),
    [
        (Error("token", "wrong token"), "token", "refuses 'tiny': wrong token"),
        (Error("show", "no show"), "show", "no show"),
        (Error("version", "too new"), "version", "too new"),
        (Error("from the future", "eh"), "from the future", "eh"),
        (Error("busy", "come back"), "", "come back"),
        (Error("storage", "disk"), "", "disk"),
        (Welcome(9, "x", (), False, 100), "version", "protocol 9"),
    ],
)
def test_a_refusal_is_told_with_its_code(transport: str, said: Error | Welcome, code: str, says: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.take()
        await peer.send(encode_message(said))

    error = broken(transport, script)
    assert isinstance(error, StreamError)
    assert (error.code, says in str(error)) == (code, True)


@both
def test_what_is_no_show_is_a_format_error(transport: str) -> None:
    async def script(peer: Peer) -> None:
        await message(peer, Hello)
        await peer.send(encode_message(Welcome(1, "x", (), False, 30_000)))
        await peer.send(encode_part_head(PartHead(FRONT, 0, 0, 0, 0, 30_000)) + bytes(30_000))

    error = broken(transport, script)
    assert isinstance(error, FormatError) and "not a show" in str(error)


@both
def test_a_front_over_the_cap_is_refused_before_it_comes(transport: str) -> None:
    async def script(peer: Peer) -> None:
        await message(peer, Hello)
        await peer.send(
            packed(type="welcome", version=1, agent="", capabilities=[], live=False, front_bytes=MAX_FRONT_BYTES + 1)
        )

    assert "front_bytes" in str(broken(transport, script))


@both
def test_who_never_answers_is_left(transport: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.take()

    error = broken(transport, script, LinkOptions(connect_s=0.3))
    assert isinstance(error, StreamError) and error.code == ""
    assert "does not answer within 0.3 s" in str(error)


@both
@pytest.mark.parametrize("stage", ["the front", "a segment", "the rest of a segment"])
def test_who_stops_sending_what_is_due_is_left(transport: str, stage: str, impatient: None) -> None:
    async def script(peer: Peer) -> None:
        if stage == "the front":
            await message(peer, Hello)
            await peer.send(encode_message(Welcome(1, "x", (), False, len(SHOW.front))))
            return
        await subscribed(peer, SHOW)
        if stage == "the rest of a segment":
            await peer.send(part(SHOW, 0, 0, end=50_000))

    error = broken(transport, script)
    assert isinstance(error, StreamError) and error.code == ""
    assert str(error).startswith("nothing came from")


@both
def test_who_answers_no_pings_is_left(transport: str, impatient: None) -> None:
    async def script(peer: Peer) -> None:
        await welcome(peer, MemoryShow(live=True))

    async def test() -> None:
        async with scripted(transport, script) as url, opened(url) as link:
            with pytest.raises(StreamError, match="nothing came from"):
                await link.receive()

    run(test)


@both
def test_who_answers_pings_and_has_nothing_to_send_is_kept(transport: str, impatient: None) -> None:
    async def script(peer: Peer) -> None:
        await welcome(peer, MemoryShow(live=True))
        while True:
            ping = await message(peer, Ping)
            await peer.send(encode_message(Pong(ping.id)))

    async def test() -> None:
        async with scripted(transport, script) as url, opened(url) as link:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(link.receive(), 2.0)

    run(test)


@both
def test_who_hangs_up_is_noticed_at_once(transport: str) -> None:
    async def script(peer: Peer) -> None:
        await subscribed(peer, SHOW)
        await peer.send(part(SHOW, 0, 0, end=50_000))
        await peer.cut()

    error = broken(transport, script)
    assert isinstance(error, StreamError) and error.code == ""
    assert str(error).endswith("closed the connection")


@both
def test_promises_cost_no_memory(transport: str, impatient: None) -> None:
    """A front of 24 MiB is announced and never comes."""

    async def script(peer: Peer) -> None:
        await message(peer, Hello)
        await peer.send(encode_message(Welcome(1, "x", (), False, MAX_FRONT_BYTES)))

    assert allocated(lambda: broken(transport, script)) < MIB


@both
def test_a_flood_of_small_messages_costs_no_memory(transport: str) -> None:
    """Nobody receives, and news of growth come by the thousand."""
    show = MemoryShow([(1, 1)], live=True)
    grown = MemoryShow([(1, 1)] * 3000)
    rows = [encode_row(chunk) for chunk in shifted(grown, show)]

    async def script(peer: Peer) -> None:
        await welcome(peer, show)
        for number, row in enumerate(rows[1:], start=1):
            await peer.send(encode_message(Appended(number, row)))

    async def test() -> None:
        async with scripted(transport, script) as url, opened(url) as link:
            await asyncio.sleep(1.0)
            event = await link.receive()
            assert isinstance(event, Grown) and len(event.index.chunks) > 100

    # Without the rule that new news replace old ones, some 3000 indices of up to 3000 chunks.
    assert allocated(lambda: run(test)) < 16 * MIB


def allocated(action: Callable[[], object]) -> int:
    """The most bytes that Python held at once during the action, beyond what it held before."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        action()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def shifted(show: MemoryShow, first: MemoryShow) -> list[ChunkEntry]:
    """The show's chunks as they would lie behind the front of another one."""
    by = first.index.chunks[0].segments[0].offset - show.index.chunks[0].segments[0].offset
    return [
        replace(chunk, segments=tuple(replace(s, offset=s.offset + by) for s in chunk.segments))
        for chunk in show.index.chunks
    ]
