"""A file as a link: the same events as from anywhere."""

from __future__ import annotations

import asyncio
import shutil
from fractions import Fraction
from pathlib import Path

import pytest

from player.source.address import parse_address
from player.source.link import LinkOptions, open_link
from protocol.errors import FormatError, MissingExtraError, StorageError, StreamError, UsageError
from protocol.session.events import Arrived, Ended, Progress
from tests.player.source.scripted import QUICK, delivered, opened, run, segments
from tests.player.source.served import failure, fetched, kept

SECOND_CHUNK = Fraction(1001, 10000)


def test_a_whole_show(tiny: Path, big: Path) -> None:
    async def test() -> None:
        assert await fetched(str(big)) == kept(big)
        assert await fetched(str(tiny), rung=1) == kept(tiny, rung=1)

    run(test)


def test_events_come_as_from_a_server(tiny: Path) -> None:
    async def test() -> None:
        async with opened(str(tiny)) as link:
            link.begin(SECOND_CHUNK, 1)
            events = await delivered(link)
            sizes = {i: len(data) for i, data in kept(tiny, rung=1).items()}
            assert [type(event) for event in events] == [Progress, Arrived, Progress, Arrived, Ended]
            assert events[0] == Progress(1, 1, sizes[1], sizes[1])
            link.begin(None, 0)
            assert list(segments(await delivered(link))) == [2]

    run(test)


def test_seeks_rungs_and_flow(big: Path) -> None:
    async def test() -> None:
        async with opened(str(big)) as link:
            for _ in range(5):
                link.begin(Fraction(0), 0)
                link.begin(4 * SECOND_CHUNK, 0)
            assert list(segments(await delivered(link))) == [4, 5]
            link.flow(False)
            link.begin(Fraction(0), 0)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(link.receive(), 0.05)
            link.flow(True)
            assert len(segments(await delivered(link))) == 6
            with pytest.raises(UsageError, match="rungs 0 to 0, and no 1"):
                link.begin(Fraction(0), 1)
            with pytest.raises(UsageError, match="no 1"):
                link.switch(1)

    run(test)


def test_what_is_no_show(tmp_path: Path) -> None:
    async def test() -> None:
        error = await failure(str(tmp_path / "none.lfv"))
        assert isinstance(error, StorageError) and "none.lfv" in str(error)
        assert isinstance(await failure(str(tmp_path)), StorageError)
        (tmp_path / "junk.lfv").write_bytes(b"junk" * 1000)
        assert isinstance(await failure(str(tmp_path / "junk.lfv")), FormatError)

    run(test)


def test_a_file_that_is_cut_short_while_it_plays(big: Path, tmp_path: Path) -> None:
    async def test() -> None:
        path = shutil.copy(big, tmp_path / "cut.lfv")
        async with opened(str(path)) as link:
            with path.open("r+b") as file:
                file.truncate(path.stat().st_size // 2)
            link.begin(Fraction(0), 0)
            with pytest.raises(FormatError, match=r"cut\.lfv: chunk \d rung 0 is cut short") as raised:
                await delivered(link)
            with pytest.raises(FormatError) as again:
                await link.receive()
            assert again.value is raised.value

    run(test)


def test_before_opening_and_after_closing(tiny: Path) -> None:
    async def test() -> None:
        link = open_link(parse_address(str(tiny)), QUICK)
        with pytest.raises(StreamError, match="not open yet"):
            link.begin(Fraction(0), 0)
        await link.open()
        link.begin(Fraction(0), 0)
        await link.close()
        await link.close()
        link.begin(Fraction(0), 0)
        with pytest.raises(StreamError, match="is closed"):
            while True:
                await link.receive()

    run(test)


@pytest.mark.parametrize(
    ("address", "module", "library"),
    [("ws://h/x", "websocket", "websockets"), ("tcp://h:1/x", "zeromq", "zmq"), ("http://h/x", "http", "h11")],
)
def test_a_library_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, address: str, module: str, library: str
) -> None:
    """Every other kind of address works without it."""

    def missing(name: str) -> object:
        assert name == f"player.source.{module}"
        raise ModuleNotFoundError(f"No module named '{library}.part'", name=f"{library}.part")

    monkeypatch.setattr("player.source.link.importlib.import_module", missing)
    with pytest.raises(MissingExtraError, match=rf"needs {library}\.part; pip install 'lfv\[player\]'"):
        open_link(parse_address(address), LinkOptions())
