"""Whoever is not let in is told why, over every transport, and the server says it, too."""

from __future__ import annotations

import asyncio
import logging
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from player.source.address import parse_address
from player.source.link import LinkOptions, open_link
from protocol.errors import FormatError, StreamError
from protocol.serve.shelf import open_static
from tests.end_to_end.web_server import nginx
from tests.protocol.serve.running import Running, running
from tests.protocol.session.shows import MemoryShow

TOKEN = "geheim"


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shows") / "tiny.lfv"
    path.write_bytes(MemoryShow().file_bytes())
    return path


@pytest.fixture
def server(show: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Running]:
    caplog.set_level(logging.INFO, "protocol.serve")
    with running(show, token=TOKEN) as started:
        yield started


def opened(url: str, *, token: str = "") -> None:
    """Open a show as a player does, and close it. Raises what the link raises."""

    async def play() -> None:
        link = open_link(parse_address(url), LinkOptions(token=token))
        try:
            await link.open()
        finally:
            await link.close()

    asyncio.run(play())


@pytest.mark.parametrize("scheme", ["http", "ws"])
@pytest.mark.parametrize(
    ("token", "name", "code", "words"),
    [
        ("wrong", "tiny", "token", "wrong token"),
        ("", "tiny", "token", "wants a token"),
        (TOKEN, "nobody", "show", "no show 'nobody' here; there is tiny"),
    ],
)
def test_refused_with_a_reason_on_both_sides(server, caplog, scheme, token, name, code, words):
    url = f"{scheme}://127.0.0.1:{server.port}/{name}.lfv"
    with pytest.raises(StreamError) as caught:
        opened(url, token=token)
    assert caught.value.code == code and words in str(caught.value) and "127.0.0.1" in str(caught.value)
    assert words in caplog.text
    opened(url.replace("nobody", "tiny"), token=TOKEN)


def test_a_show_from_the_future(show, tmp_path):
    """Its server does not start, and a player that gets it from elsewhere does not play it."""
    head = bytearray(show.read_bytes())
    head[8:10] = struct.pack("<H", 2)
    head[60:64] = struct.pack("<I", zlib.crc32(bytes(head[:60])))
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "later.lfv").write_bytes(head)
    told = r"later\.lfv: the show has format 2\.0, this lfv reads 1\.x; use another lfv"
    with pytest.raises(FormatError, match=told):
        open_static(tmp_path / "www" / "later.lfv")
    with nginx(tmp_path / "www", tmp_path) as web, pytest.raises(FormatError, match=told):
        opened(web.url("later.lfv"))
