"""The same over TLS, with a certificate that openssl makes."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from http.client import HTTPSConnection
from pathlib import Path

import pytest

from protocol.errors import StorageError, UsageError
from protocol.serve.server import ServeConfig, tls_context
from tests.protocol.serve.running import get, player, running


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Certificate and key of 127.0.0.1."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl here to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    where = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    what = ["-subj", "/CN=lfv test", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run([openssl, "req", "-x509", *kind, *what, *where], check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


def test_http_and_sessions(certificate: tuple[Path, Path], show: Path, big_show: Path) -> None:
    trust = ssl.create_default_context(cafile=certificate[0])
    with running(show, big_show, config=ServeConfig(tls=tls_context(*certificate))) as server:
        http = HTTPSConnection("127.0.0.1", server.port, timeout=10, context=trust)
        data = big_show.read_bytes()
        response, body = get(http, "/big.lfv", {"Range": "bytes=4097-"})
        assert response.status == 206 and body == data[4097:]
        response, body = get(http, "/tiny.lfv")
        assert response.status == 200 and body == show.read_bytes()
        assert f"wss://127.0.0.1:{server.port}/tiny.lfv".encode() in get(http, "/")[1]
        http.close()
        with player(server.port, "big", tls=trust) as client:
            assert [a.chunk for a in client.play()] == [0, 1, 2, 3]


def test_drain(certificate: tuple[Path, Path], show: Path) -> None:
    trust = ssl.create_default_context(cafile=certificate[0])
    config = ServeConfig(tls=tls_context(*certificate))
    with running(show, config=config) as server, player(server.port, "tiny", tls=trust) as client:
        client.open()
        assert server.drain(5)


def test_plain_client_at_a_tls_port(certificate: tuple[Path, Path], show: Path) -> None:
    with running(show, config=ServeConfig(tls=tls_context(*certificate))) as server:
        with server.socket() as raw:
            raw.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert not raw.recv(100).startswith(b"HTTP")
        trust = ssl.create_default_context(cafile=certificate[0])
        with player(server.port, "tiny", tls=trust) as client:
            assert len(client.play()) == 3


def test_files_that_make_no_tls(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    cert, key = certificate
    nonsense = tmp_path / "no.pem"
    nonsense.write_text("nothing")
    with pytest.raises(UsageError, match="make no TLS"):
        tls_context(nonsense, None)
    with pytest.raises(UsageError, match="make no TLS"):
        tls_context(cert, None)
    with pytest.raises(StorageError, match=r"missing\.pem"):
        tls_context(cert, tmp_path / "missing.pem")
    joined = tmp_path / "both.pem"
    joined.write_bytes(cert.read_bytes() + key.read_bytes())
    tls_context(joined, None)
