"""The pages and headers of the HTTP port, asked by the standard library's client and by raw sockets."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from protocol.serve.server import ServeConfig
from tests.protocol.serve.running import Running, get, player, running


@pytest.fixture
def server(show: Path) -> Iterator[Running]:
    with running(show) as server:
        yield server


@pytest.fixture
def http(server: Running) -> Iterator[HTTPConnection]:
    connection = server.http()
    yield connection
    connection.close()


def talk(server: Running, sent: bytes) -> bytes:
    """All that comes back to some bytes until the server closes."""
    with server.socket() as raw:
        raw.sendall(sent)
        received = b""
        while data := raw.recv(65536):
            received += data
        return received


def test_headers_of_a_show(http: HTTPConnection, show: Path) -> None:
    response, body = get(http, "/tiny.lfv")
    assert response.status == 200 and body == show.read_bytes()
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    tag = response.headers["ETag"]
    assert tag.startswith('"') and tag.endswith('"')
    assert response.headers["Vary"] == "Origin"
    head, nothing = get(http, "/tiny.lfv", {"Range": "bytes=0-3"}, method="HEAD")
    assert (head.status, nothing) == (200, b"")
    same = {"ETag", "Content-Length", "Accept-Ranges", "Cache-Control", "Content-Type"}
    assert {k: head.headers[k] for k in same} == {k: response.headers[k] for k in same}


def test_conditions(http: HTTPConnection, show: Path) -> None:
    response, _ = get(http, "/tiny.lfv", method="HEAD")
    tag = response.headers["ETag"]
    response, body = get(http, "/tiny.lfv", {"If-None-Match": f'"x", {tag}', "Range": "bytes=0-3"})
    assert (response.status, body, response.headers["ETag"]) == (304, b"", tag)
    assert "Content-Length" not in response.headers
    response, _ = get(http, "/tiny.lfv", {"If-Range": tag, "Range": "bytes=0-3"})
    assert response.status == 206
    response, body = get(http, "/tiny.lfv", {"If-Range": '"x"', "Range": "bytes=0-3"})
    assert response.status == 200 and body == show.read_bytes()
    response, _ = get(http, "/tiny.lfv", {"If-Match": '"x"'})
    assert response.status == 412


def test_tag_is_of_the_content(show: Path, tmp_path: Path) -> None:
    copy = tmp_path / "other name.lfv"
    copy.write_bytes(show.read_bytes())
    with running(show, copy) as server:
        http = server.http()
        one, _ = get(http, "/tiny.lfv", method="HEAD")
        other, _ = get(http, "/other%20name.lfv", method="HEAD")
        assert one.headers["ETag"] == other.headers["ETag"]
        http.close()


def test_catalogue(http: HTTPConnection, show: Path) -> None:
    response, body = get(http, "/shows")
    assert response.headers["Content-Type"] == "application/json"
    (entry,) = json.loads(body)["shows"]
    assert entry["name"] == "tiny" and entry["title"] == "Tiny é" and entry["live"] is False
    assert entry["frames"] == 9 and entry["chunks"] == 3 and entry["bytes"] == show.stat().st_size
    assert entry["duration"] == pytest.approx(9 * 1001 / 30000)
    assert entry["rungs"][1] == {
        "name": "rung1",
        "codec": "avc1.64000A",
        "width": 64,
        "height": 64,
        "bits_per_second": entry["rungs"][1]["bits_per_second"],
    }
    response, _ = get(http, entry["url"], method="HEAD")
    assert response.status == 200


def test_page_lists_addresses(http: HTTPConnection, server: Running) -> None:
    response, body = get(http, "/")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    for scheme in ("http", "ws"):
        assert f"{scheme}://127.0.0.1:{server.port}/tiny.lfv".encode() in body


def test_page_escapes(show: Path, tmp_path: Path) -> None:
    odd = tmp_path / '<b>"&.lfv'
    odd.write_bytes(show.read_bytes())
    with running(odd) as server:
        http = server.http()
        _, body = get(http, "/")
        assert b"<b>&quot;" not in body and b"%3Cb%3E%22%26.lfv" in body
        http.close()


def test_health_and_metrics(http: HTTPConnection, server: Running) -> None:
    response, body = get(http, "/health")
    assert (response.status, json.loads(body)) == (200, {"status": "ok", "shows": 1})
    with player(server.port, "tiny") as client:
        client.play()
        response, body = get(http, "/metrics")
    text = body.decode()
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert lines['lfv_connections{transport="websocket"}'] == "1"
    assert lines['lfv_sessions{transport="websocket"}'] == "1"
    assert lines['lfv_show_clients{show="tiny"}'] == "1"
    assert lines['lfv_segments_total{transport="websocket"}'] == "3"
    assert int(lines['lfv_sent_bytes_total{transport="websocket"}']) > 1000
    assert float(lines["process_resident_memory_bytes"]) > 1e6
    assert float(lines["process_cpu_seconds_total"]) > 0


@pytest.mark.parametrize(
    ("target", "status", "words"),
    [
        ("/none.lfv", 404, "no show 'none' here; there is tiny"),
        ("/../../etc/passwd", 404, "nothing is there"),
        ("/..%2f..%2fetc%2fpasswd.lfv", 404, "no show"),
        ("/sub/tiny.lfv", 404, "no show"),
        ("/%ff%00.lfv", 404, "no show"),
        ("//[", 404, "nothing is there"),
    ],
)
def test_unknown_places(http: HTTPConnection, target: str, status: int, words: str) -> None:
    response, body = get(http, target)
    assert response.status == status and words in body.decode()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "BREW"])
def test_other_methods(http: HTTPConnection, method: str) -> None:
    response, body = get(http, "/tiny.lfv", method=method)
    assert response.status == 405 and response.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert method.encode() in body
    response, _ = get(http, "/health")
    assert response.status == 200


def test_absolute_target(server: Running, show: Path) -> None:
    answer = talk(server, b"GET http://localhost/tiny.lfv?x=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(show.read_bytes())


def test_old_http(server: Running) -> None:
    assert talk(server, b"GET /health HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"hello?\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", b"400"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20000, b"431"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"505"),
    ],
)
def test_bad_requests_get_words_and_an_end(server: Running, sent: bytes, status: bytes) -> None:
    answer = talk(server, sent)
    assert answer.split(b" ")[1] == status
    assert b"connection: close" in answer.lower()


def test_requests_in_one_go(server: Running, show: Path) -> None:
    one = b"GET /tiny.lfv HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = talk(server, 20 * one + b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 ") == 21
    assert answer.count(show.read_bytes()) == 20


def test_client_that_says_its_last_word_first(server: Running, big_show: Path) -> None:
    with running(big_show) as other, other.socket() as raw:
        raw.sendall(b"GET /big.lfv HTTP/1.1\r\nHost: localhost\r\n\r\n")
        raw.shutdown(socket.SHUT_WR)
        received = bytearray()
        while data := raw.recv(1 << 20):
            received += data
        assert received.endswith(big_show.read_bytes())


def test_token(show: Path) -> None:
    with running(show, token="s3cret") as server:
        http = server.http()
        for target in ("/", "/shows", "/metrics", "/tiny.lfv", "/none.lfv"):
            response, body = get(http, target)
            assert response.status == 401 and b"wants a token" in body, target
            assert response.headers["WWW-Authenticate"].startswith("Bearer")
            response, body = get(http, target, {"Authorization": "Bearer wrong"})
            assert response.status == 401 and b"wrong token" in body
        assert get(http, "/health")[0].status == 200
        for target, headers in (("/tiny.lfv", {"Authorization": "Bearer s3cret"}), ("/tiny.lfv?a=b&token=s3cret", {})):
            response, body = get(http, target, headers)
            assert response.status == 200 and body == show.read_bytes()
            assert response.headers["Cache-Control"].startswith("private")
        http.close()


def test_origins(show: Path) -> None:
    with running(show, config=ServeConfig(origins=("https://app.example",))) as server:
        http = server.http()
        own = f"http://127.0.0.1:{server.port}"
        for origin in ("https://app.example", own):
            response, _ = get(http, "/tiny.lfv", {"Origin": origin, "Range": "bytes=0-3"})
            assert response.status == 206
            assert response.headers["Access-Control-Allow-Origin"] == origin
            assert "Content-Range" in response.headers["Access-Control-Expose-Headers"]
        for origin in ("https://evil.example", "http://app.example", "https://app.example:81", "null"):
            response, body = get(http, "/tiny.lfv", {"Origin": origin})
            assert response.status == 403 and origin in body.decode()
            assert "Access-Control-Allow-Origin" not in response.headers
        response, body = get(http, "/tiny.lfv", {"Host": "rebound.example"})
        assert response.status == 403 and b"rebound.example" in body
        http.close()


def test_preflight(show: Path) -> None:
    with running(show, token="t", config=ServeConfig(origins=("*",))) as server:
        http = server.http()
        headers = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}
        response, _ = get(http, "/tiny.lfv", headers, method="OPTIONS")
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        allowed = response.headers["Access-Control-Allow-Headers"]
        assert "Range" in allowed and "Authorization" in allowed
        assert "GET" in response.headers["Access-Control-Allow-Methods"]
        http.close()
