"""Files that change under the server: the clients of that show are told, the others go on."""

from __future__ import annotations

import os
import shutil
import socket
from fractions import Fraction
from http.client import IncompleteRead
from pathlib import Path

import pytest

from protocol.errors import FormatError, StorageError, StreamError, UsageError
from protocol.serve.server import ServeConfig
from protocol.serve.shelf import Shelf, open_static, show_files
from tests.protocol.serve.running import get, player, running


@pytest.fixture
def copy(big_show: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(big_show, tmp_path / "copy.lfv"))


def test_file_is_cut_short_during_a_session(copy: Path, show: Path) -> None:
    with running(copy, show) as server, player(server.port, "copy") as client, player(server.port, "tiny") as other:
        other.open()
        client.open()
        os.truncate(copy, 8 << 20)
        client.session.subscribe(Fraction(0), rung=0)
        with pytest.raises(StreamError, match="cannot read chunk 1 of 'copy'") as told:
            while True:
                client.step()
        assert str(copy.parent) not in str(told.value)
        assert len(other.play()) == 3
        assert server.ask(lambda s: s.metrics.errors["storage"]) == 1


def test_file_is_cut_short_between_requests(copy: Path, show: Path) -> None:
    with running(copy, show) as server:
        http = server.http()
        os.truncate(copy, 8 << 20)
        response, body = get(http, "/copy.lfv")
        assert response.status == 503 and b"cut short" in body and str(copy.parent).encode() not in body
        # What is still there is still served.
        response, body = get(http, "/copy.lfv", {"Range": "bytes=100-199"})
        assert response.status == 206 and body == copy.read_bytes()[100:200]
        assert get(http, "/tiny.lfv")[0].status == 200
        http.close()


def test_file_is_cut_short_during_a_response(copy: Path, show: Path) -> None:
    with running(copy, show) as server:
        http = server.http()
        http.connect()
        http.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        http.request("GET", "/copy.lfv")
        response = http.getresponse()
        response.read(100_000)
        os.truncate(copy, 1 << 20)
        with pytest.raises((IncompleteRead, ConnectionError)):
            response.read()
        http.close()
        http = server.http()
        assert get(http, "/tiny.lfv")[0].status == 200
        http.close()
        assert server.ask(lambda s: s.metrics.refused["storage"]) == 1


def test_name_is_taken_away(copy: Path) -> None:
    """The open file is served to its end, as ever on this system."""
    data = copy.read_bytes()
    with running(copy) as server, player(server.port, "copy") as client:
        client.open()
        copy.unlink()
        assert len(client.play()) == 4
        http = server.http()
        response, body = get(http, "/copy.lfv")
        assert response.status == 200 and body == data
        http.close()


def test_port_is_taken(show: Path) -> None:
    with running(show) as server:
        taken = ServeConfig(port=server.port)
        with (
            pytest.raises(StorageError, match=f"port {server.port} of 127.0.0.1 is in use"),
            running(show, config=taken),
        ):
            pass


def test_address_of_another_machine(show: Path) -> None:
    other = ServeConfig(host="192.0.2.1")
    with pytest.raises(StorageError, match=r"cannot listen on port 0 of 192\.0\.2\.1"), running(show, config=other):
        pass


def test_same_name_twice(show: Path, tmp_path: Path) -> None:
    shutil.copy(show, tmp_path / "tiny.lfv")
    with pytest.raises(UsageError, match="two shows are called 'tiny'"), running(show, tmp_path / "tiny.lfv"):
        pass


def test_what_is_no_show(tmp_path: Path) -> None:
    text = tmp_path / "text.lfv"
    text.write_text("no show")
    with pytest.raises(FormatError, match=r"text\.lfv: this is not a show"):
        open_static(text)
    with pytest.raises(StorageError, match=r"missing\.lfv"):
        open_static(tmp_path / "missing.lfv")


def test_folders(show: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no \.lfv file"):
        list(show_files([tmp_path]))
    for name in ("b.lfv", "a.lfv"):
        shutil.copy(show, tmp_path / name)
    (tmp_path / "c.lfv.partial").touch()
    (tmp_path / "d.lfv").mkdir()
    assert [path.name for path in show_files([tmp_path, show])] == ["a.lfv", "b.lfv", "tiny.lfv"]


def test_names_that_no_address_can_hold(show: Path, tmp_path: Path) -> None:
    shelf = Shelf()
    for name in (".lfv", "a\nb.lfv"):
        odd = open_static(Path(shutil.copy(show, tmp_path / name)))
        with pytest.raises(UsageError, match="no name for an address"):
            shelf.add(odd)
        odd.close()


def test_list_of_shows_in_an_error_is_short(show: Path, tmp_path: Path) -> None:
    shelf = Shelf()
    for number in range(30):
        shelf.add(open_static(Path(shutil.copy(show, tmp_path / f"show{number:02}.lfv"))))
    with pytest.raises(StreamError) as told:
        shelf.find("x" * 1000, "")
    assert "show19, ..." in str(told.value) and len(str(told.value)) < 400
    shelf.close()
