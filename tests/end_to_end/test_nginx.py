"""A show on a plain web server: every byte right, two requests before the first media, one range per segment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from player.source.address import parse_address
from player.source.link import Link, LinkOptions, open_link
from protocol.container import check_segment
from protocol.errors import StreamError
from protocol.index import Index
from protocol.session.client import Arrived, Ended
from tests.end_to_end.commands import run
from tests.end_to_end.web_server import Asked, WebServer, nginx
from tests.player.shows import write_show
from tests.protocol.session.shows import MemoryShow

LENGTHS = [[300_000 + 1000 * n, 20_000 + n] for n in range(12)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A show whose front fits the first request, one whose does not, and one with pictures."""
    folder = tmp_path_factory.mktemp("www")
    (folder / "plain.lfv").write_bytes(MemoryShow(LENGTHS).file_bytes())
    (folder / "poster.lfv").write_bytes(MemoryShow(LENGTHS, poster=b"\xff\xd8\xff" + bytes(100_000)).file_bytes())
    write_show(folder / "pictures.lfv")
    return folder


@pytest.fixture
def server(folder: Path, tmp_path: Path) -> Iterator[WebServer]:
    with nginx(folder, tmp_path) as running:
        yield running


def watch(url: str, plan: Callable[[Link, Index], None], *, until: Callable[[Arrived | Ended], bool]):
    """Open, do what `plan` says, and take what comes `until` -> the index and what came."""

    async def play() -> tuple[Index, list[Arrived | Ended]]:
        link, came = open_link(parse_address(url), LinkOptions()), []
        try:
            index = (await link.open()).index
            plan(link, index)
            while not came or not until(came[-1]):
                event = await link.receive()
                if isinstance(event, Arrived | Ended):
                    came.append(event)
        finally:
            await link.close()
        return index, came

    return asyncio.run(play())


def ranges(asked: list[Asked]) -> list[tuple[int | None, int | None]]:
    assert all(a.method == "GET" and a.status == 206 for a in asked)
    assert all(a.sent == a.last - a.first + 1 for a in asked if a.last is not None and a.first is not None)
    return [(a.first, a.last) for a in asked]


@pytest.mark.parametrize(("name", "openings"), [("plain.lfv", 1), ("poster.lfv", 2)])
@pytest.mark.parametrize("rung", [0, 1])
def test_byte_for_byte_with_one_range_per_segment(server, folder, name, openings, rung):
    index, came = watch(
        server.url(name),
        lambda link, _: link.begin(Fraction(0), rung),
        until=lambda event: isinstance(event, Ended),
    )
    data = (folder / name).read_bytes()
    wanted = [chunk.segments[rung] for chunk in index.chunks]
    assert [event.data for event in came[:-1]] == [data[s.offset : s.end] for s in wanted]
    for number, event in enumerate(came[:-1]):
        check_segment(index, number, rung, event.data)
    asked = ranges(server.asked(openings + len(wanted)))
    assert asked[0] == (0, 65_535)
    assert all(first == 65_536 and last < index.chunks[0].segments[0].offset for first, last in asked[1:openings])
    assert asked[openings:] == [(s.offset, s.end - 1) for s in wanted]


@pytest.mark.parametrize(("name", "openings"), [("plain.lfv", 1), ("poster.lfv", 2)])
def test_a_seek_asks_for_its_segment_at_once(server, folder, name, openings):
    index, came = watch(
        server.url(name),
        lambda link, index: link.begin(index.chunks[7].start, 0),
        until=lambda event: isinstance(event, Arrived),
    )
    entry = index.chunks[7].segments[0]
    assert came[0].chunk == 7 and came[0].data == (folder / name).read_bytes()[entry.offset : entry.end]
    # Those behind it may have been asked for, too, when the player left.
    asked = [(a.first, a.last) for a in server.asked(openings + 1)]
    behind = [(chunk.segments[0].offset, chunk.segments[0].end - 1) for chunk in index.chunks[7:]]
    assert asked[openings] == (entry.offset, entry.end - 1) and asked[openings:] == behind[: len(asked) - openings]
    assert all(last < index.chunks[0].segments[0].offset or first == 0 for first, last in asked[:openings])


def test_seeking_and_switching_on_the_way(server, folder):
    """After each seek the next request is the chunk that was sought; no segment is asked for in pieces."""
    data, seeks = (folder / "plain.lfv").read_bytes(), [9, 2, 11, 0]

    async def play() -> Index:
        link = open_link(parse_address(server.url("plain.lfv")), LinkOptions())
        try:
            index = (await link.open()).index
            for number, chunk in enumerate(seeks):
                link.begin(index.chunks[chunk].start, number % 2)
                link.switch(number % 2)
                while not isinstance(event := await link.receive(), Arrived):
                    pass
                entry = index.chunks[chunk].segments[number % 2]
                assert (event.chunk, event.rung, event.data) == (chunk, number % 2, data[entry.offset : entry.end])
        finally:
            await link.close()
        return index

    index = asyncio.run(play())
    segments = {(s.offset, s.end - 1) for chunk in index.chunks for s in chunk.segments}
    asked = [(a.first, a.last) for a in server.asked(1 + len(seeks))]
    assert asked[0] == (0, 65_535) and set(asked[1:]) <= segments
    assert {index.chunks[chunk].segments[n % 2].offset for n, chunk in enumerate(seeks)} <= {a for a, _ in asked}
    # Between two seeks those behind were asked for, too, before the next one was known: a few at most.
    assert len(asked) <= 1 + 4 * len(seeks)


def test_a_show_that_is_not_there(server):
    async def play() -> None:
        link = open_link(parse_address(server.url("nobody.lfv")), LinkOptions())
        try:
            await link.open()
        finally:
            await link.close()

    with pytest.raises(StreamError, match=r"nobody\.lfv has no such show") as caught:
        asyncio.run(play())
    assert caught.value.code == "show"


def test_the_pictures_are_those_of_the_file(server, folder, tmp_path, capsys):
    for place, out in ((server.url("pictures.lfv"), "web"), (folder / "pictures.lfv", "file")):
        done = run(
            capsys, "play", place, "--headless", "--size", "64x48", "--times", 0, 0.25, 0.5, "--out", tmp_path / out
        )
        assert done.code == 0, done.err
    pictures = {out: [p.read_bytes() for p in sorted((tmp_path / out).glob("*.png"))] for out in ("web", "file")}
    assert len(pictures["web"]) == 3 and pictures["web"] == pictures["file"]
    assert len(set(pictures["web"])) == 3
