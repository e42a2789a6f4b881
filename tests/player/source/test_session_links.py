"""Links over sessions, WebSocket and ZeroMQ alike: what an honest server delivers, and how the link asks for it."""

from __future__ import annotations

import asyncio
from fractions import Fraction

import pytest

from player.source.address import parse_address
from player.source.link import LinkOptions, open_link
from protocol.errors import StreamError, UsageError
from protocol.session.events import Arrived, Ended, Grown, Left, Progress
from protocol.session.messages import (
    PART_HEADER_BYTES,
    Bye,
    Credit,
    Hello,
    Ping,
    decode_message,
    encode_message,
    is_part,
)
from tests.player.source.scripted import (
    QUICK,
    TRANSPORTS,
    Peer,
    delivered,
    honest,
    message,
    opened,
    part,
    run,
    scripted,
    segments,
    subscribed,
    welcome,
)
from tests.protocol.session.shows import DURATION, MemoryShow

KIB = 1024
both = pytest.mark.parametrize("transport", TRANSPORTS)


@both
def test_a_show_comes_whole_and_in_order(transport: str) -> None:
    show = MemoryShow([(3_000_000, 20), (2_500_000, 30), (1, 2)])

    async def test() -> None:
        async with scripted(transport, honest(show)) as url, opened(url) as link:
            link.begin(Fraction(0), 0)
            events = await delivered(link)
            assert segments(events) == {i: (0, show.segment(i, 0)) for i in range(3)}
            progress = [e for e in events if isinstance(e, Progress) and e.chunk == 0]
            assert len(progress) > 1 and progress[-1].received == progress[-1].total == 3_000_000

    run(test)


@both
def test_what_the_show_is_comes_first(transport: str) -> None:
    show = MemoryShow(live=True)

    async def test() -> None:
        async with scripted(transport, honest(show)) as url:
            link = open_link(parse_address(url), QUICK)
            with pytest.raises(StreamError, match="not open yet"):
                link.begin(Fraction(0), 0)
            found = await link.open()
            assert found.live and found.index == show.index and found.manifest.title == "Tiny é"
            await link.close()

    run(test)


@both
def test_a_seek_drops_what_is_under_way(transport: str) -> None:
    show = MemoryShow([(4_000_000, 1)] * 6)

    async def test() -> None:
        async with scripted(transport, honest(show)) as url, opened(url) as link:
            link.begin(Fraction(0), 0)
            await link.receive()
            link.begin(4 * DURATION, 0)
            assert sorted(segments(await delivered(link))) == [4, 5]
            link.begin(None, 1)
            assert segments(await delivered(link)) == {5: (1, show.segment(5, 1))}

    run(test)


@both
def test_another_rung_comes_from_the_next_chunk_on(transport: str) -> None:
    show = MemoryShow([(2_000_000, 1000)] * 5)

    async def test() -> None:
        async with scripted(transport, honest(show)) as url, opened(url) as link:
            link.switch(1)  # nothing has begun that could change
            link.begin(Fraction(0), 0)
            while not isinstance(await link.receive(), Progress):
                pass
            link.switch(1)
            rungs = [rung for _, (rung, _) in sorted(segments(await delivered(link)).items())]
            assert rungs[0] == 0 and rungs[-1] == 1 and rungs == sorted(rungs)

    run(test)


@both
def test_a_rung_that_is_not_there_is_refused_here(transport: str) -> None:
    async def test() -> None:
        async with scripted(transport, honest(MemoryShow())) as url, opened(url) as link:
            for rung in (-1, 2, 9):
                with pytest.raises(UsageError, match=f"rungs 0 to 1, and no {rung}"):
                    link.begin(Fraction(0), rung)
                with pytest.raises(UsageError, match=f"no {rung}"):
                    link.switch(rung)

    run(test)


@both
def test_a_live_show_grows_and_ends(transport: str) -> None:
    show = MemoryShow([(100, 1)], live=True)

    async def test() -> None:
        async with scripted(transport, honest(show)) as url, opened(url) as link:
            link.begin(None, 0)
            assert isinstance(await link.receive(), Progress)
            assert isinstance(await link.receive(), Arrived)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(link.receive(), 0.1)
            show.grow([(200, 1)])
            grown = await link.receive()
            assert isinstance(grown, Grown) and grown.index == show.index
            await link.receive()
            arrived = await link.receive()
            assert isinstance(arrived, Arrived) and arrived.data == show.segment(1, 0)
            show.finish()
            assert await link.receive() == Ended()

    run(test)


@both
def test_without_flow_nothing_more_is_granted(transport: str) -> None:
    show = MemoryShow([(400_000, 1)] * 20)
    options = LinkOptions(first_credit=128 * KIB, least_credit=64 * KIB, most_credit=128 * KIB)

    async def test() -> None:
        async with scripted(transport, honest(show)) as url, opened(url, options) as link:
            link.flow(False)
            link.begin(Fraction(0), 0)
            received = 0
            while True:
                try:
                    event = await asyncio.wait_for(link.receive(), 0.3)
                except TimeoutError:
                    break
                assert isinstance(event, Progress)
                received = event.received
            # The front, of the same credit, came before; a server may wait for 16 KiB more.
            assert 64 * KIB < received <= 128 * KIB
            link.flow(True)
            assert len(segments(await delivered(link))) == 20

    run(test)


@both
def test_the_server_never_has_more_credit_than_the_window(transport: str) -> None:
    show = MemoryShow([(300_000, 1)] * 4)
    options = LinkOptions(first_credit=200_000, least_credit=64 * KIB, most_credit=200_000)
    log: list[tuple[bool, bytes]] = []

    async def test() -> None:
        async with scripted(transport, honest(show, log)) as url, opened(url, options) as link:
            link.begin(Fraction(0), 0)
            await delivered(link)

    run(test)
    credit = most = 0
    for from_client, data in log:
        if is_part(data):
            credit -= len(data) - PART_HEADER_BYTES
        elif from_client and isinstance(found := decode_message(data), Hello | Credit):
            credit += found.credit if isinstance(found, Hello) else found.bytes
            most = max(most, credit)
    assert credit >= 0 and most == 200_000


@both
def test_a_player_that_takes_nothing_is_sent_a_bounded_amount(transport: str) -> None:
    show = MemoryShow([(100_000, 1)] * 200)
    options = LinkOptions(first_credit=256 * KIB, most_credit=256 * KIB)
    log: list[tuple[bool, bytes]] = []

    async def test() -> None:
        async with scripted(transport, honest(show, log)) as url, opened(url, options) as link:
            link.begin(Fraction(0), 0)
            await asyncio.sleep(0.5)
            assert sum(len(data) for from_client, data in log if not from_client) < 1_000_000
            assert len(segments(await delivered(link))) == 200

    run(test)


@both
def test_the_server_says_goodbye(transport: str) -> None:
    async def script(peer: Peer) -> None:
        await subscribed(peer, show)
        await peer.send(part(show, 0, 0))
        await peer.send(encode_message(Bye("moving house")))
        await peer.cut()

    show = MemoryShow()

    async def test() -> None:
        async with scripted(transport, script) as url, opened(url) as link:
            link.begin(Fraction(0), 0)
            assert isinstance(await link.receive(), Progress)
            assert isinstance(await link.receive(), Arrived)
            assert await link.receive() == Left("moving house")
            with pytest.raises(StreamError, match="went away: moving house") as raised:
                await link.receive()
            assert raised.value.code == ""

    run(test)


@both
def test_the_player_says_goodbye(transport: str) -> None:
    said: list[Bye] = []

    async def script(peer: Peer) -> None:
        await welcome(peer, MemoryShow())
        said.append(await message(peer, Bye))

    async def test() -> None:
        async with scripted(transport, script) as url:
            async with opened(url):
                pass
            while not said:
                await asyncio.sleep(0.01)

    run(test)
    assert said == [Bye("the player closes")]


@both
def test_the_hello_says_who_asks_for_what(transport: str) -> None:
    hellos: list[Hello] = []

    async def script(peer: Peer) -> None:
        hellos.append(await welcome(peer, MemoryShow()))

    async def test() -> None:
        async with scripted(transport, script) as url:
            for address, token in ((url, "from the options"), (f"{url}?token=of%20its%20own", "from the options")):
                async with opened(address, LinkOptions(token=token)):
                    pass

    run(test)
    assert [(h.show, h.token, h.credit) for h in hellos] == [
        ("tiny", "from the options", 256 * KIB),
        ("tiny", "of its own", 256 * KIB),
    ]


@both
def test_a_token_that_no_message_can_carry_is_refused_here(transport: str) -> None:
    async def test() -> None:
        async with scripted(transport, honest(MemoryShow())) as url:
            link = open_link(parse_address(url), LinkOptions(token="x" * 2000))
            with pytest.raises(UsageError, match="longer than a server reads") as raised:
                await link.open()
            assert "xxx" not in str(raised.value)

    run(test)


@both
def test_pings_are_sent_from_the_start(transport: str) -> None:
    pings: list[Ping] = []

    async def script(peer: Peer) -> None:
        await welcome(peer, MemoryShow())
        pings.append(await message(peer, Ping))

    async def test() -> None:
        async with scripted(transport, script) as url, opened(url):
            while not pings:
                await asyncio.sleep(0.01)

    run(test)


@both
def test_closing_ends_a_receive_and_may_be_done_twice(transport: str) -> None:
    async def test() -> None:
        async with scripted(transport, honest(MemoryShow(live=True))) as url:
            link = open_link(parse_address(url), QUICK)
            await link.close()
            link = open_link(parse_address(url), QUICK)
            await link.open()
            waiting = asyncio.ensure_future(link.receive())
            await asyncio.sleep(0.02)
            await link.close()
            await link.close()
            with pytest.raises(StreamError, match="is closed"):
                await waiting
            link.flow(True)
            link.begin(Fraction(0), 0)
            link.switch(0)
            with pytest.raises(StreamError, match="is closed"):
                await link.receive()

    run(test)


@both
def test_an_opening_that_is_cancelled_leaves_nothing_behind(transport: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.take()

    async def test() -> None:
        async with scripted(transport, script) as url:
            link = open_link(parse_address(url), QUICK)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(link.open(), 0.2)
            await link.close()

    run(test)
