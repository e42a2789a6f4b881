"""Whoever is not let in is told why, over every transport, and the server says it, too."""

from __future__ import annotations

import asyncio
import struct
import zlib
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from encoder.bench.streaming.processes import served
from player.source.address import parse_address
from player.source.link import LinkOptions, open_link
from protocol.errors import FormatError, StreamError
from protocol.serve.shelf import open_static
from protocol.session import messages
from tests.end_to_end.web_server import nginx
from tests.protocol.session.shows import MemoryShow

TOKEN = "geheim"
REFUSED = [
    ("wrong", "tiny", "token", "wrong token"),
    ("", "tiny", "token", "wants a token"),
    (TOKEN, "nobody", "show", "no show 'nobody' here; there is tiny"),
]


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shows") / "tiny.lfv"
    path.write_bytes(MemoryShow().file_bytes())
    return path


def opened(url: str, *, token: str = "") -> None:
    """Open a show as a player does, and close it. Raises what the link raises."""

    async def play() -> None:
        link = open_link(parse_address(url), LinkOptions(token=token))
        try:
            await link.open()
        finally:
            await link.close()

    asyncio.run(play())


@pytest.mark.parametrize("scheme", ["http", "ws", "tcp"])
def test_refused_with_a_reason_on_both_sides(show, capfd, monkeypatch, scheme):
    with served(show, "--zmq-port", "0", "--token", TOKEN, "-v") as server:
        url = server.urls[scheme]
        for token, name, code, words in REFUSED:
            with pytest.raises(StreamError) as caught:
                opened(url.replace("tiny", name), token=token)
            assert caught.value.code == code and words in str(caught.value) and "127.0.0.1" in str(caught.value)
            assert words in capfd.readouterr().err
        if scheme != "http":
            # A player of the future: its server speaks an older version only.
            monkeypatch.setattr(messages, "VERSIONS", (2, 3))
            with pytest.raises(StreamError, match="speaks protocol 1, the client 2, 3; update the older one") as caught:
                opened(url, token=TOKEN)
            assert caught.value.code == "version"
            assert "update the older one" in capfd.readouterr().err
            monkeypatch.undo()
        opened(url, token=TOKEN)


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_a_page_from_elsewhere(show, capfd, origin):
    with served(show, "-v") as server:
        parts = urlsplit(server.urls["http"])
        http = HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        http.request("GET", parts.path, headers={"Origin": origin, "Range": "bytes=0-9"})
        answer = http.getresponse()
        told = answer.read().decode()
        http.close()
        assert answer.status == 403 and f"pages from '{origin}' may not use this server" in told
        assert f"'{origin}'" in capfd.readouterr().err
        with pytest.raises(InvalidStatus) as caught, connect(server.urls["ws"], origin=origin, compression=None):  # type: ignore[arg-type]
            pass
        assert caught.value.response.status_code == 403
        assert f"pages from '{origin}' may not" in (caught.value.response.body or b"").decode()
        assert f"'{origin}'" in capfd.readouterr().err


def test_a_show_from_the_future(show, tmp_path):
    """Its server does not start, and a player that gets it from elsewhere does not play it."""
    data = bytearray(show.read_bytes())
    data[8:10] = struct.pack("<H", 2)
    data[60:64] = struct.pack("<I", zlib.crc32(bytes(data[:60])))
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "later.lfv").write_bytes(data)
    told = r"later\.lfv: the show has format 2\.1, this lfv reads 1\.x; use another lfv"
    with pytest.raises(FormatError, match=told):
        open_static(tmp_path / "www" / "later.lfv")
    with nginx(tmp_path / "www", tmp_path) as web, pytest.raises(FormatError, match=told):
        opened(web.url("later.lfv"))
