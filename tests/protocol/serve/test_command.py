"""`lfv serve` as a process: what it says, how it ends, what it refuses."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import time
from fractions import Fraction
from http.client import HTTPConnection
from pathlib import Path

import pytest

from encoder.cli import main
from protocol.manifest import encode_manifest
from protocol.partial import PartialShow
from protocol.session.client import Arrived, Ended, Left
from tests.protocol.examples import manifest, segments
from tests.protocol.serve.process import port_of, serve
from tests.protocol.serve.running import get, player, wait_until


def test_addresses_and_a_clean_end(show: Path, tmp_path: Path) -> None:
    shutil.copy(show, tmp_path / "more shows.lfv")
    with serve(show, tmp_path) as (process, said):
        port = port_of(said)
        assert said == [
            "tiny: Tiny é, 0.3 s",
            f"http://127.0.0.1:{port}/tiny.lfv",
            f"ws://127.0.0.1:{port}/tiny.lfv",
            f"in a browser: http://127.0.0.1:{port}/watch/tiny",
            "more shows: Tiny é, 0.3 s",
            f"http://127.0.0.1:{port}/more%20shows.lfv",
            f"ws://127.0.0.1:{port}/more%20shows.lfv",
            f"in a browser: http://127.0.0.1:{port}/watch/more%20shows",
            "ready",
        ]
        with player(port, "more shows") as client:
            assert len(client.play()) == 3
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out) == (0, "")
        assert err == "lfv: ending; once more ends it at once\n"


def test_zeromq_beside_it(show: Path, tmp_path: Path) -> None:
    with serve(show, "--zmq-port", 0, "--curve", tmp_path / "key") as (process, said):
        (address,) = [line for line in said if line.startswith("tcp://")]
        assert re.fullmatch(r"tcp://127\.0\.0\.1:\d+/tiny\.lfv", address)
        (key,) = [line for line in said if line.startswith("public key of ZeroMQ: ")]
        assert len(key.rpartition(" ")[2]) == 40
        http = HTTPConnection("127.0.0.1", port_of(said), timeout=10)
        assert address.encode() in get(http, "/")[1]
        http.close()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        assert process.returncode == 0


def test_live(tmp_path: Path) -> None:
    """From before the show begins until after its end, over every page and a session."""
    out = tmp_path / "concert.lfv"
    with serve(out, "--live") as (_, said):
        port = port_of(said)
        assert said == [
            "concert: has not begun yet",
            f"ws://127.0.0.1:{port}/concert.lfv",
            f"in a browser: http://127.0.0.1:{port}/watch/concert",
            "ready",
        ]
        http = HTTPConnection("127.0.0.1", port, timeout=10)
        response, body = get(http, "/concert.lfv")
        assert response.status == 404 and b"has not begun yet" in body
        assert json.loads(get(http, "/shows")[1]) == {"shows": []}
        with PartialShow.open_or_create(out, fingerprint=b"live") as encoder, player(port, "concert") as client:
            encoder.append(segments(0), notes=encode_manifest(manifest(chunks=1)))
            wait_until(lambda: json.loads(get(http, "/shows")[1])["shows"])
            (entry,) = json.loads(get(http, "/shows")[1])["shows"]
            assert entry["live"] is True and entry["chunks"] == 1
            response, body = get(http, "/concert.lfv")
            assert response.status == 409 and b"is live; play its ws://" in body
            assert client.open().live
            client.session.subscribe(Fraction(0), rung=0)
            encoder.append(segments(1))
            arrived: list[int] = []
            while len(arrived) < 2:
                arrived += [event.chunk for event in client.step() if isinstance(event, Arrived)]
            encoder.finalise(manifest(chunks=2))
            while not any(isinstance(event, Ended) for event in client.step()):
                pass
        wait_until(lambda: get(http, "/concert.lfv")[0].status == 200)
        assert get(http, "/concert.lfv")[1] == out.read_bytes()
        http.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_segment_under_way_is_finished(big_show: Path, number: signal.Signals) -> None:
    with serve(big_show) as (process, said), player(port_of(said), "big") as client:
        client.open()
        client.session.subscribe(Fraction(0), rung=0)
        client.step()
        process.send_signal(number)
        arrived: list[int] = []
        left = False
        while not left:
            for event in client.step():
                left = left or isinstance(event, Left)
                if isinstance(event, Arrived):
                    arrived.append(event.chunk)
        assert arrived == [0]
        _, err = process.communicate(timeout=20)
        assert process.returncode == 0 and "Traceback" not in err


def test_response_under_way_is_finished(big_show: Path) -> None:
    with serve(big_show) as (process, said):
        http = HTTPConnection("127.0.0.1", port_of(said), timeout=10)
        http.connect()
        http.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        http.request("GET", "/big.lfv")
        response = http.getresponse()
        body = response.read(1000)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert process.poll() is None
        with pytest.raises(ConnectionError):
            socket.create_connection(("127.0.0.1", port_of(said)), timeout=5)
        assert body + response.read() == big_show.read_bytes()
        http.close()
        process.communicate(timeout=20)
        assert process.returncode == 0


def test_second_signal_ends_at_once(big_show: Path) -> None:
    with serve(big_show, "--drain", "60") as (process, said), player(port_of(said), "big", credit=1 << 20) as client:
        client.open()
        client.session.subscribe(Fraction(0), rung=0)
        client.step(grant=False)
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        _, err = process.communicate(timeout=20)
        assert process.returncode == 1 and time.monotonic() - begun < 5
        assert "Traceback" not in err


def test_drain_has_an_end(big_show: Path) -> None:
    with serve(big_show, "--drain", "0.5") as (process, said), player(port_of(said), "big", credit=1 << 20) as client:
        client.open()
        client.session.subscribe(Fraction(0), rung=0)
        client.step(grant=False)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        assert process.returncode == 0


def test_tokens_from_a_file_and_from_the_environment(show: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    for arguments, env in (([show, "--token-file", secret], {}), ([show], {"LFV_TOKEN": "s3cret"})):
        with serve(*arguments, env=env) as (_, said):
            http = HTTPConnection("127.0.0.1", port_of(said), timeout=10)
            assert get(http, "/shows")[0].status == 401
            response, body = get(http, "/shows", {"Authorization": "Bearer s3cret"})
            assert response.status == 200 and json.loads(body)["shows"][0]["name"] == "tiny"
            http.close()


def test_warnings_beyond_this_machine(show: Path) -> None:
    with serve(show, "--host", "0.0.0.0") as (process, said):
        assert f"http://{socket.gethostname()}:{port_of(said)}/tiny.lfv" in said
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
        assert "anyone who reaches this machine can watch" in err and "without --tls-cert" in err


def test_port_in_use(show: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["serve", str(show), "--port", str(port)]) == 1
        assert capsys.readouterr().err == (
            f"lfv: error: port {port} of 127.0.0.1 is in use; stop what uses it, or choose another --port\n"
        )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "70000"], "--port 70000 is none"),
        (["--zmq-port", "-1"], "--zmq-port -1 is none"),
        (["--port", "9999", "--zmq-port", "9999"], "are both 9999"),
        (["--curve", "key"], "add --zmq-port"),
        (["--drain", "-1"], "--drain -1 is out of range"),
        (["--token", "a b"], "--token holds no token"),
        (["--token", ""], "--token holds no token"),
        (["--token", "a", "--token-file", "b"], "give one of them"),
        (["--tls-key", "key.pem"], "add --tls-cert"),
        (["--origin", "example.org"], "--origin example.org is none"),
        (["--origin", "https://example.org/path"], "is none"),
        (["--max-clients", "0"], "give 1 or more"),
    ],
)
def test_arguments_that_mean_nothing(
    show: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", str(show), *arguments]) == 2
    assert words in capsys.readouterr().err


def test_live_shows_that_cannot_come(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (tmp_path / "concert", tmp_path / "nowhere" / "concert.lfv", tmp_path):
        assert main(["serve", "--live", str(path)]) == 2
        assert str(path) in capsys.readouterr().err


def test_files_that_are_no_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.lfv").write_text("no show")
    for argument, code in ((tmp_path / "text.lfv", 1), (tmp_path, 1), (tmp_path / "missing.lfv", 1)):
        assert main(["serve", str(argument)]) == code
        error = capsys.readouterr().err
        assert error.startswith("lfv: error: ") and error.count("\n") == 1
    (tmp_path / "text.lfv").unlink()
    assert main(["serve", str(tmp_path)]) == 2
    assert "holds no .lfv file" in capsys.readouterr().err
