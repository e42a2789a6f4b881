"""http:// and https:// against lfv's server and static sites, good and bad."""

from __future__ import annotations

import asyncio
import socket
from fractions import Fraction
from pathlib import Path

import pytest

from player.source.address import parse_address
from player.source.link import LinkOptions, open_link
from protocol.errors import FormatError, LfvError, StreamError, UsageError
from protocol.limits import FIRST_READ_BYTES
from protocol.serve.server import ServeConfig, tls_context
from protocol.session.events import Arrived, Ended, Event, Progress
from tests.player.source.scripted import QUICK, delivered, opened, raw_server, run, segments
from tests.player.source.served import failure, fetched, kept, web
from tests.player.source.static_site import Reply, Request, Site, honest, plain, static_site
from tests.protocol.session.shows import DURATION, MemoryShow

SHOW = MemoryShow([(300_000, 1000), (200_000, 2000), (100_000, 3000)])
FILE = SHOW.file_bytes()


def extents(show: MemoryShow, rung: int = 0) -> list[tuple[int, int]]:
    """[start, end) of each chunk's segment."""
    return [(c.segments[rung].offset, c.segments[rung].end) for c in show.index.chunks]


def ended(site: Site, options: LinkOptions = QUICK) -> LfvError:
    """How playing such a site ends."""

    async def test() -> LfvError:
        async with static_site(site) as url:
            with pytest.raises(LfvError) as raised:
                await fetched(url, options)
            assert url.removesuffix("show.lfv") in str(raised.value)
            return raised.value

    return run(test)


# What is asked


def test_whole_shows_come_from_lfvs_server(tiny: Path, big: Path) -> None:
    async def test() -> None:
        async with web(tiny, big) as server:
            base = f"http://127.0.0.1:{server.port}"
            assert await fetched(f"{base}/big.lfv") == kept(big)
            assert await fetched(f"{base}/tiny.lfv", rung=1) == kept(tiny, rung=1)

    run(test)


def test_one_request_for_the_front_and_one_for_each_segment() -> None:
    site = Site(FILE)

    async def test() -> None:
        async with static_site(site) as url:
            assert await fetched(url) == {i: SHOW.segment(i, 0) for i in range(3)}

    run(test)
    assert site.ranges == [(0, FIRST_READ_BYTES), *extents(SHOW)]
    assert site.connections == 1
    assert {request.path for request in site.requests} == {"/dir/show.lfv"}
    assert [request.headers.get("if-range") for request in site.requests] == [None, *['"the-tag"'] * 3]
    assert {request.headers["accept-encoding"] for request in site.requests} == {"identity"}


def test_a_long_front_takes_a_second_request() -> None:
    show = MemoryShow([(10, 10)], poster=b"\xff\xd8\xff\xe0" + bytes(150_000))
    site = Site(show.file_bytes())

    async def test() -> None:
        async with static_site(site) as url:
            assert await fetched(url, rung=1) == {0: show.segment(0, 1)}

    run(test)
    assert site.ranges == [(0, FIRST_READ_BYTES), (FIRST_READ_BYTES, len(show.front)), *extents(show, 1)]


def test_a_file_shorter_than_the_first_request() -> None:
    show = MemoryShow([(10, 10), (20, 20)])
    site = Site(show.file_bytes())
    assert len(site.data) < FIRST_READ_BYTES

    async def test() -> None:
        async with static_site(site) as url:
            assert await fetched(url) == {0: show.segment(0, 0), 1: show.segment(1, 0)}

    run(test)


def test_the_next_segment_is_asked_for_while_one_comes() -> None:
    """Else the way would idle for a round trip between two."""
    show = MemoryShow([(400_000, 1)] * 3)
    site = Site(show.file_bytes(), lambda site, request: honest(site, request, piece=40_000, pause_s=0.01))

    async def test() -> None:
        async with static_site(site) as url:
            assert await fetched(url) == {i: show.segment(i, 0) for i in range(3)}

    run(test)
    front, *rest = ["asked", "answered"], *["asked"] * 2, "answered", "asked", *["answered"] * 2
    assert site.moments == [*front, *rest]
    assert site.connections == 1


def test_what_was_asked_for_and_not_answered_is_asked_for_again() -> None:
    show = MemoryShow([(400_000, 1)] * 3)

    def closing(site: Site, request: Request) -> Reply:
        return honest(site, request, piece=40_000, pause_s=0.01, more="Connection: close\r\n", hang_up=True)

    site = Site(show.file_bytes(), closing)

    async def test() -> None:
        async with static_site(site) as url:
            assert await fetched(url) == {i: show.segment(i, 0) for i in range(3)}

    run(test)
    assert site.connections == 4


def test_a_seek_away_from_what_was_asked_for_ahead() -> None:
    show = MemoryShow([(400_000, 1)] * 4)
    site = Site(show.file_bytes(), lambda site, request: honest(site, request, piece=40_000, pause_s=0.01))

    async def test() -> None:
        async with static_site(site) as url, opened(url) as link:
            for target in (3, 1, 3):
                asked = len(site.requests)
                link.begin(Fraction(0), 0)
                while len(site.requests) < asked + 2:
                    await link.receive()
                link.begin(target * DURATION, 0)
                assert segments(await delivered(link)) == {i: (0, show.segment(i, 0)) for i in range(target, 4)}

    run(test)


def test_progress_is_told_as_bytes_come() -> None:
    def slow(site: Site, request: Request) -> Reply:
        return honest(site, request, piece=30_000, pause_s=0.005)

    async def test() -> list[Event]:
        async with static_site(Site(FILE, slow)) as url, opened(url) as link:
            link.begin(Fraction(0), 0)
            return await delivered(link)

    received = [e.received for e in run(test) if isinstance(e, Progress) and e.chunk == 0]
    assert len(received) > 4 and received == sorted(received) and received[-1] == 300_000


# Seeking


def test_a_seek_drops_a_segment_that_would_take_long() -> None:
    show = MemoryShow([(8_000_000, 1), (8_000_000, 1), (1000, 1)])

    def slow(site: Site, request: Request) -> Reply:
        return honest(site, request, piece=100_000, pause_s=0.05)

    site = Site(show.file_bytes(), slow)

    async def test() -> float:
        async with static_site(site) as url, opened(url) as link:
            link.begin(Fraction(0), 0)
            while not isinstance(event := await link.receive(), Progress) or event.received < 300_000:
                pass
            start = asyncio.get_running_loop().time()
            link.begin(2 * DURATION, 0)
            events = await delivered(link)
            assert segments(events) == {2: (0, show.segment(2, 0))}
            return asyncio.get_running_loop().time() - start

    assert run(test) < 1.0
    assert site.connections == 2


def test_a_seek_reads_on_where_little_is_left() -> None:
    show = MemoryShow([(2_000_000, 1), (1000, 1)])

    def dribbling(site: Site, request: Request) -> Reply:
        return honest(site, request, piece=1_990_000, pause_s=0.05)

    site = Site(show.file_bytes(), dribbling)

    async def test() -> None:
        async with static_site(site) as url, opened(url) as link:
            link.begin(Fraction(0), 0)
            while not isinstance(event := await link.receive(), Progress) or event.received < 1_990_000:
                pass
            link.begin(DURATION, 0)
            assert list(segments(await delivered(link))) == [1]

    run(test)
    assert site.connections == 1


def test_many_seeks_at_once_end_with_the_last() -> None:
    async def test() -> None:
        async with static_site(Site(FILE)) as url, opened(url) as link:
            for _ in range(30):
                for chunk in (0, 2, 1):
                    link.begin(chunk * DURATION, chunk % 2)
                    await asyncio.sleep(0)
            assert segments(await delivered(link)) == {1: (1, SHOW.segment(1, 1)), 2: (1, SHOW.segment(2, 1))}
            link.begin(None, 0)
            assert segments(await delivered(link)) == {2: (0, SHOW.segment(2, 0))}

    run(test)


def test_another_rung_from_the_next_chunk_on() -> None:
    def slow(site: Site, request: Request) -> Reply:
        return honest(site, request, piece=50_000, pause_s=0.02)

    async def test() -> None:
        async with static_site(Site(FILE, slow)) as url, opened(url) as link:
            link.begin(Fraction(0), 0)
            await link.receive()
            link.switch(1)
            found = segments(await delivered(link))
            assert [rung for rung, _ in found.values()] == [0, 1, 1]

    run(test)


def test_without_flow_nothing_is_asked_for() -> None:
    site = Site(FILE)

    async def test() -> None:
        async with static_site(site) as url, opened(url) as link:
            link.flow(False)
            link.begin(Fraction(0), 0)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(link.receive(), 0.1)
            assert len(site.requests) == 1
            link.flow(True)
            assert len(segments(await delivered(link))) == 3

    run(test)


def test_a_player_that_takes_nothing_is_not_sent_everything() -> None:
    show = MemoryShow([(8_000_000, 1)] * 8)
    site = Site(show.file_bytes())

    async def test() -> None:
        async with static_site(site) as url, opened(url) as link:
            link.begin(Fraction(0), 0)
            await asyncio.sleep(0.7)
            assert len(site.requests) <= 7
            assert len(segments(await delivered(link))) == 8

    run(test)


# Connections that end


@pytest.mark.parametrize("more", ["", "Connection: close\r\n"])
def test_connections_that_end_between_two_requests_cost_nothing(more: str) -> None:
    def once(site: Site, request: Request) -> Reply:
        return honest(site, request, more=more, hang_up=True)

    site = Site(FILE, once)

    async def test() -> None:
        async with static_site(site) as url:
            assert await fetched(url) == {i: SHOW.segment(i, 0) for i in range(3)}

    run(test)
    assert site.connections == 4


def test_a_connection_that_ends_inside_an_answer_is_lost() -> None:
    def cut(site: Site, request: Request) -> Reply:
        reply = honest(site, request, hang_up=True)
        return Reply(reply.head, reply.body[:-1], hang_up=True) if request.start else reply

    error = ended(Site(FILE, cut))
    assert isinstance(error, StreamError) and error.code == "" and str(error).endswith("closed the connection")


@pytest.mark.parametrize("stop_after", [0, 100_000])
def test_silence_is_noticed(monkeypatch: pytest.MonkeyPatch, stop_after: int) -> None:
    monkeypatch.setattr("player.source.http_connection.STALL_S", 0.3)

    def mute(site: Site, request: Request) -> Reply:
        return honest(site, request, piece=50_000, stop_after=stop_after if request.start else None)

    error = ended(Site(FILE, mute))
    assert isinstance(error, StreamError) and error.code == ""
    assert str(error).startswith("nothing came from http://127.0.0.1") and str(error).endswith("for 0.3 s")


def test_nobody_there() -> None:
    async def test() -> None:
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            error = await failure(f"http://127.0.0.1:{bound.getsockname()[1]}/x.lfv")
            assert isinstance(error, StreamError) and error.code == "" and "refuses the connection" in str(error)
            bound.listen()
            error = await failure(f"http://127.0.0.1:{bound.getsockname()[1]}/x.lfv", LinkOptions(connect_s=0.2))
            assert "does not answer within 0.2 s" in str(error)
        assert "is not found" in str(await failure("http://no-such-host.invalid/x.lfv"))

    run(test)


# Servers that cannot serve shows


@pytest.mark.parametrize(
    ("reply", "code", "says"),
    [
        (plain("200 OK", body=b"x" * 10), "capability", "ignores byte ranges"),
        (plain("401 Unauthorized"), "token", "asks for a token"),
        (
            plain("404 Not Found", "Content-Type: text/plain", body=b"gone fishing\n"),
            "show",
            "(HTTP 404: gone fishing)",
        ),
        (plain("409 Conflict", "Content-Type: text/plain", body=b"it is live"), "capability", "it is live"),
        (plain("416 Range Not Satisfiable"), "show", "is empty"),
        (plain("429 Too Many Requests"), "", "busy (HTTP 429)"),
        (plain("503 Service Unavailable"), "", "busy (HTTP 503)"),
        (plain("204 No Content"), "capability", "HTTP 204"),
        (Reply(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", hang_up=True), "capability", "does not speak HTTP"),
        (Reply(b"220 mail ready\r\n\r\n"), "capability", "does not speak HTTP"),
        (
            Reply(b"HTTP/1.1 206 Partial\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"),
            "capability",
            "does not speak HTTP",
        ),
        (
            Reply(b"HTTP/1.1 206 P\r\n" + b"X: " + b"y" * 9_000_000),
            "capability",
            "does not speak HTTP",
        ),
        (Reply(b"HTTP/1.1 100 Continue\r\n\r\n" * 100), "", "does not come to its answer"),
        (Reply(b"", hang_up=True), "", "closed the connection"),
    ],
)
def test_answers_that_bring_no_show(reply: Reply, code: str, says: str) -> None:
    error = ended(Site(FILE, lambda site, request: reply))
    assert isinstance(error, StreamError)
    assert (error.code, says in str(error)) == (code, True), error


def test_more_bytes_than_announced_are_not_taken() -> None:
    def endless(site: Site, request: Request) -> Reply:
        head = f"HTTP/1.1 206 P\r\nTransfer-Encoding: chunked\r\nContent-Range: bytes 0-65535/{len(FILE)}\r\n\r\n"
        return Reply(
            head.encode(),
            b"8000\r\n" + bytes(0x8000) + b"\r\n" if False else (b"8000\r\n" + bytes(0x8000) + b"\r\n") * 50,
        )

    assert "sends more than 65536 bytes" in str(ended(Site(FILE, endless)))


def test_chunked_ranges_are_understood() -> None:
    def chunked(site: Site, request: Request) -> Reply:
        reply = honest(site, request)
        head = reply.head.replace(b"Content-Length: %d" % len(reply.body), b"Transfer-Encoding: chunked")
        return Reply(head, b"%x\r\n" % len(reply.body) + reply.body + b"\r\n0\r\n\r\n")

    async def test() -> None:
        async with static_site(Site(FILE, chunked)) as url:
            assert await fetched(url) == {i: SHOW.segment(i, 0) for i in range(3)}

    run(test)


@pytest.mark.parametrize("later", [plain("503 Busy"), plain("429 Slow down")])
def test_trouble_on_the_way_may_be_tried_again(later: Reply) -> None:
    error = ended(Site(FILE, lambda site, request: later if request.start else honest(site, request)))
    assert isinstance(error, StreamError) and error.code == "" and "busy" in str(error)


@pytest.mark.parametrize(
    "later",
    [
        lambda site, request: honest(site, request, tag='"another"'),
        lambda site, request: plain("200 OK", 'ETag: "another"', body=b"x"),
        lambda site, request: plain("416 Range Not Satisfiable"),
        lambda site, request: plain("302 Found", "Location: /elsewhere.lfv"),
    ],
)
def test_a_show_that_changes_on_the_server_is_noticed(later: object) -> None:
    error = ended(Site(FILE, lambda site, request: later(site, request) if request.start else honest(site, request)))  # type: ignore[operator]
    assert isinstance(error, StreamError) and error.code == "" and "has changed on the server" in str(error)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (bytes(100_000), "not a show"),
        (b"\x89LFV", "not a show|ends inside its header"),
        (FILE[:-10], "is cut short"),
        (FILE + b"x", "bytes behind its end"),
        (FILE[:100] + b"\xff" + FILE[101:], "checksum"),
    ],
)
def test_what_is_no_show_is_a_format_error(data: bytes, says: str) -> None:
    error = ended(Site(data))
    assert isinstance(error, FormatError)
    assert any(each in str(error) for each in says.split("|")), error


# Redirects and tokens


def test_redirects_are_followed_once_and_remembered() -> None:
    def moving(site: Site, request: Request) -> Reply:
        if request.path.startswith("/dir/show"):
            return plain("302 Found", "Location: /b/1.lfv?x=y")
        if request.path.startswith("/b/") and request.path[3] in "123":
            return plain("307 Temporary Redirect", f"Location: {int(request.path[3]) + 1}.lfv")
        return honest(site, request)

    site = Site(FILE, moving)

    async def test() -> None:
        async with static_site(site) as url:
            assert len(await fetched(url)) == 3

    run(test)
    assert [request.path for request in site.requests] == [
        "/dir/show.lfv", "/b/1.lfv?x=y", "/b/2.lfv", "/b/3.lfv", "/b/4.lfv", "/b/4.lfv", "/b/4.lfv", "/b/4.lfv"
    ]  # fmt: skip


def test_redirects_without_end_are_left() -> None:
    error = ended(Site(FILE, lambda site, request: plain("302 Found", "Location: /dir/again.lfv")))
    assert isinstance(error, StreamError) and error.code == "capability" and "without end" in str(error)


def test_the_token_goes_to_the_server_that_was_named_and_no_other() -> None:
    other = Site(FILE)

    async def test() -> None:
        async with static_site(other) as there:
            site = Site(FILE, lambda site, request: plain("302 Found", f"Location: {there}"))
            async with static_site(site) as url:
                assert len(await fetched(f"{url}?token=s3cret&v=1")) == 3
            assert [r.headers.get("authorization") for r in site.requests] == ["Bearer s3cret"]
            assert [r.path for r in site.requests] == ["/dir/show.lfv?v=1"]
        assert len(other.requests) == 4
        assert not any("authorization" in r.headers or "token" in r.path for r in other.requests)

    run(test)


def test_tokens_at_lfvs_server(tiny: Path) -> None:
    async def test() -> None:
        async with web(tiny, token="sesame") as server:
            url = f"http://127.0.0.1:{server.port}/tiny.lfv"
            for options in (LinkOptions(), LinkOptions(token="wrong")):
                error = await failure(url, options)
                assert isinstance(error, StreamError) and error.code == "token" and "HTTP 401" in str(error)
            assert await fetched(url, LinkOptions(token="sesame")) == kept(tiny)
            error = await failure(url, LinkOptions(token="two words\n"))
            assert isinstance(error, UsageError) and "two words" not in str(error)

    run(test)


def test_over_tls(certificate: tuple[Path, Path], big: Path) -> None:
    async def test() -> None:
        async with web(big, config=ServeConfig(tls=tls_context(*certificate))) as server:
            url = f"https://127.0.0.1:{server.port}/big.lfv"
            options = LinkOptions(ca_file=certificate[0])
            assert await fetched(url, options) == kept(big)
            async with opened(url, options) as link:
                link.begin(Fraction(0), 0)
                await link.receive()
                link.begin(5 * Fraction(1001, 10000), 0)
                event: Event | None = None
                while not isinstance(event, Arrived):
                    event = await link.receive()
                assert event.chunk == 5
                assert await link.receive() == Ended()
            error = await failure(url)
            assert isinstance(error, StreamError) and error.code == "certificate" and "--ca FILE" in str(error)
        async with web(big) as server:
            assert "does not speak TLS" in str(await failure(f"https://127.0.0.1:{server.port}/big.lfv"))

    run(test)


def test_closing_in_the_middle_leaves_nothing_behind() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    def slow(site: Site, request: Request) -> Reply:
        return honest(site, request, piece=50_000, pause_s=0.2 if request.start else 0)

    async def test() -> None:
        async with static_site(Site(FILE, slow)) as url, opened(url) as link:
            link.begin(Fraction(0), 0)
            await link.receive()
            waiting = asyncio.ensure_future(delivered(link))
            await asyncio.sleep(0.01)
            await link.close()
            with pytest.raises(StreamError, match="is closed"):
                await waiting
            await link.close()
        async with raw_server(silent) as port:
            link = open_link(parse_address(f"http://127.0.0.1:{port}/x.lfv"), QUICK)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(link.open(), 0.05)
            await link.close()

    run(test)
