"""Sessions over ZeroMQ, played by real sockets: shows arrive whole, refusals in words, who misbehaves is cut."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import zmq

from protocol import limits
from protocol.container import open_show
from protocol.errors import StorageError, StreamError, UsageError
from protocol.manifest import encode_manifest
from protocol.partial import PartialShow
from protocol.serve.curve import CurveKeys, load_or_make_curve_keys
from protocol.serve.zeromq import ZeromqConfig
from protocol.session.client import Arrived, Ended, Left
from protocol.session.messages import (
    FRONT,
    Bye,
    Credit,
    Error,
    Hello,
    Ping,
    Pong,
    Subscribe,
    Welcome,
    decode_message,
    decode_part,
    encode_message,
    is_part,
)
from tests.protocol import examples
from tests.protocol.serve.dealers import QUICK, Dealer, bare, closed, dealer, frame, zeromq_of, zeromq_player
from tests.protocol.serve.running import wait_until

PATIENT = ZeromqConfig()


def hello(show: str = "big", *, credit: int = 64 << 20, token: str = "") -> bytes:
    return encode_message(Hello((1,), show, token, "test", ("live",), credit))


def answer(wire: Dealer) -> object:
    return decode_message(wire.recv(timeout=5))


@pytest.mark.parametrize("rung", [0, 1])
def test_a_show_arrives_whole(show: Path, rung: int) -> None:
    with zeromq_of(show) as server, zeromq_player(server.port, "tiny") as client:
        arrived = client.play(rung=rung)
        data, index = show.read_bytes(), client.session.index
        assert [a.chunk for a in arrived] == [0, 1, 2]
        for a in arrived:
            entry = index.chunks[a.chunk].segments[rung]
            assert a.data == data[entry.offset : entry.end]
        assert server.count("segments") == 3 and server.count("sessions") == 1


@pytest.mark.parametrize("credit", [60_000, 150_000, 1 << 20, 32 << 20])
def test_large_segments_in_parts_of_any_size(big_show: Path, credit: int) -> None:
    """Those that ZeroMQ copies, those that it does not, and those whose buffers are used again."""
    with zeromq_of(big_show, config=PATIENT) as server, zeromq_player(server.port, "big", credit=credit) as client:
        client.open()
        for generation in range(1 if credit < 1 << 20 else 3):
            assert [a.chunk for a in client.play()] == [0, 1, 2, 3], generation


def test_a_seek_drops_what_is_under_way(big_show: Path) -> None:
    with zeromq_of(big_show) as server, zeromq_player(server.port, "big", credit=4 << 20) as client:
        index = client.open().index
        client.session.subscribe(Fraction(0), rung=0)
        for _ in range(3):
            client.step()
        assert [a.chunk for a in client.play(index.chunks[2].start)] == [2, 3]


def test_a_client_without_credit_gets_nothing(big_show: Path) -> None:
    with zeromq_of(big_show) as server, zeromq_player(server.port, "big", credit=100_000) as client:
        client.open()
        client.session.subscribe(Fraction(0), rung=0)
        with pytest.raises(TimeoutError):
            while True:
                while client.session.outgoing:
                    client.wire.send(client.session.outgoing.popleft())
                client.session.receive(client.wire.recv(timeout=0.3))
        assert 0 <= client.session.granted < limits.MIN_PART_BYTES


def test_many_clients_take_turns(big_show: Path, show: Path) -> None:
    """None is done long before the others, however much it lets the server send."""
    count = 8
    with zeromq_of(big_show, show, config=PATIENT) as server, ExitStack() as stack:
        context = stack.enter_context(zmq.Context())
        poller = zmq.Poller()
        wires: dict[zmq.Socket[bytes], int] = {}
        for number in range(count):
            wire = stack.enter_context(context.socket(zmq.DEALER))
            wire.setsockopt(zmq.LINGER, 0)
            wire.connect(f"tcp://127.0.0.1:{server.port}")
            wire.send(hello(credit=(1 + 7 * (number % 2)) << 20))
            wires[wire] = 0
            poller.register(wire, zmq.POLLIN)
        for wire in wires:
            assert isinstance(decode_message(wire.recv()), Welcome)
            wire.send(encode_message(Subscribe(1, Fraction(0), 0)))
        with open_show(big_show) as opened:
            total = sum(chunk.segments[0].length for chunk in opened.index.chunks)
        spread = 0
        while any(received < total for received in wires.values()):
            for wire, _ in poller.poll(10_000):
                message = wire.recv()
                if is_part(message):
                    head, payload = decode_part(message)
                    wire.send(encode_message(Credit(len(payload))))
                    if head.kind != FRONT:
                        wires[wire] += len(payload)
            # Of those with the same credit.
            for parity in (0, 1):
                alike = list(wires.values())[parity::2]
                spread = max(spread, max(alike) - min(alike))
        assert spread < total * 0.6


def test_refusals_are_in_words_and_end_the_connection(show: Path) -> None:
    with zeromq_of(show, token="geheim") as server:
        for said, code in (
            (hello("tiny"), "token"),
            (hello("tiny", token="wrong"), "token"),
            (hello("other", token="geheim"), "show"),
            (encode_message(Hello((99,), "tiny", "geheim", "", ("live",), 0)), "version"),
            (encode_message(Ping(1)), "message"),
            (b"", "message"),
            (b"\xc1", "message"),
            (os.urandom(1000), "message"),
        ):
            with dealer(server.port) as wire:
                wire.send(said)
                found = answer(wire)
                assert isinstance(found, Error) and found.code == code
                # What comes behind is not answered, and not even read for long.
                wire.send(hello("tiny", token="geheim"))
                with pytest.raises(TimeoutError):
                    wire.recv(timeout=0.2)
                wait_until(lambda: server.count("connections") == 0)
        with zeromq_player(server.port, "tiny", token="geheim") as client:
            assert len(client.play()) == 3


def test_keep_alive(show: Path) -> None:
    with zeromq_of(show) as server, zeromq_player(server.port, "tiny") as client:
        client.open()
        for number in range(5):
            client.wire.send(encode_message(Ping(number)))
            assert answer(client.wire) == Pong(number)


def test_a_client_that_goes_is_counted_out_at_once(show: Path) -> None:
    with zeromq_of(show) as server:
        for leave in (True, False):
            with zeromq_player(server.port, "tiny") as client:
                client.open()
                assert (server.count("connections"), server.count("sessions")) == (1, 1)
                if leave:
                    client.session.leave("enough")
                    client.wire.send(client.session.outgoing.popleft())
                    wait_until(lambda: server.count("sessions") == 0)
            wait_until(lambda: server.count("connections") == 0)
            assert server.count("sessions") == 0 and server.count("watching", "tiny") == 0
        assert not server.ask(lambda s: s._peers)


def test_a_message_over_the_limit_ends_the_connection(show: Path) -> None:
    with zeromq_of(show) as server, zeromq_player(server.port, "tiny") as other:
        other.open()
        with dealer(server.port) as wire:
            wire.send(bytes(limits.MAX_MESSAGE_BYTES + 1))
            with pytest.raises(TimeoutError):
                wire.recv(timeout=0.3)
            wait_until(lambda: server.count("connections") == 1)
        with bare(server.port) as raw:
            raw.sendall(b"\x02" + (1 << 62).to_bytes(8, "big"))
            assert closed(raw, 5)
        assert len(other.play()) == 3


def test_a_message_is_one_frame(show: Path) -> None:
    with zeromq_of(show) as server, dealer(server.port) as wire:
        wire.socket.send_multipart([hello("tiny"), b"more"])
        found = answer(wire)
        assert isinstance(found, Error) and found.code == "message" and "one frame" in found.message


def test_a_message_without_end_is_cut(show: Path) -> None:
    """ZeroMQ would keep its frames until the last one comes."""
    with zeromq_of(show) as server, bare(server.port) as raw:
        raw.settimeout(10)
        piece = frame(bytes(60_000), more=True)
        with pytest.raises(ConnectionError):
            for _ in range(100_000):
                raw.sendall(piece)
        wait_until(lambda: server.count("refused", "flood") == 1)
        wait_until(lambda: server.count("connections") == 0)


def test_too_many_messages_end_the_session_and_the_connection(show: Path) -> None:
    with zeromq_of(show) as server, zeromq_player(server.port, "tiny") as other, dealer(server.port) as wire:
        other.open()
        wire.send(hello("tiny", credit=0))
        assert isinstance(answer(wire), Welcome)
        with suppress(TimeoutError):  # who was cut off cannot send for long
            for number in range(5 * limits.MAX_MESSAGES_PER_S):
                wire.send(encode_message(Ping(number)))
        found: object = Pong(0)
        while isinstance(found, Pong):
            found = answer(wire)
        assert isinstance(found, Error) and found.code == "limit"
        wait_until(lambda: server.count("connections") == 1)
        assert len(other.play()) == 3


@pytest.mark.parametrize("says", ["nothing", "a greeting", "half a message"])
def test_who_says_nothing_is_cut(show: Path, says: str) -> None:
    with zeromq_of(show) as server, bare(server.port, handshake=says != "nothing") as raw:
        if says == "half a message":
            raw.sendall(frame(hello("tiny"))[:20])
        begun = time.monotonic()
        assert closed(raw, 5)
        assert time.monotonic() - begun > 0.3
        wait_until(lambda: server.count("connections") == 0)


def test_who_never_reads_costs_little_and_is_cut(big_show: Path) -> None:
    with zeromq_of(big_show) as server, zeromq_player(server.port, "big", credit=8 << 20) as other:
        other.open()
        with bare(server.port) as raw:
            raw.sendall(frame(hello()) + frame(encode_message(Subscribe(1, Fraction(0), 0))))
            wait_until(lambda: server.ask(lambda s: len(s._full)) == 1)
            held = server.ask(lambda s: sum(len(buffer) for _, buffer in s._pool._lent.values()))
            assert held <= 4 * (limits.MAX_PART_BYTES + 20)
            assert [a.chunk for a in other.play()] == [0, 1, 2, 3]
            assert server.count("connections") == 2
            wait_until(lambda: server.count("connections") == 1)
            wait_until(lambda: server.ask(lambda s: len(s._peers)) == 1)
        # Its buffers have come back, and do for the next one.
        wait_until(lambda: server.ask(lambda s: len(s._pool._lent)) == 0)
        assert [a.chunk for a in other.play()] == [0, 1, 2, 3]


def test_who_reads_slowly_gets_all(show: Path) -> None:
    """Longer than a stall may last, but never without taking a byte."""
    with zeromq_of(show) as server, bare(server.port) as raw:
        raw.sendall(frame(hello("tiny", credit=1 << 20)) + frame(encode_message(Subscribe(1, Fraction(0), 0))))
        raw.settimeout(5)
        received = b""
        until = time.monotonic() + 2 * QUICK.stall_s
        while time.monotonic() < until:
            received += raw.recv(200)
            raw.sendall(frame(encode_message(Ping(1))))
            time.sleep(0.1)
        assert server.count("connections") == 1 and len(received) > 2000


def test_more_clients_than_allowed(show: Path) -> None:
    with zeromq_of(show, config=replace(QUICK, max_clients=2)) as server, ExitStack() as stack:
        players = [stack.enter_context(zeromq_player(server.port, "tiny")) for _ in range(2)]
        for player in players:
            player.open()
        with dealer(server.port) as wire:
            wire.send(hello("tiny"))
            found = answer(wire)
            assert isinstance(found, Error) and found.code == "busy" and "2 clients" in found.message
            assert server.count("refused", "busy") == 1
        wait_until(lambda: server.count("connections") == 2)
        players[0].play()
    with zeromq_of(show, config=replace(QUICK, max_clients=0)) as server, ExitStack() as stack:
        crowd = []
        for _ in range(70):
            with suppress(OSError):  # a connection may be cut while it is made
                crowd.append(stack.enter_context(bare(server.port, handshake=False)))
        wait_until(lambda: server.count("connections") <= 64)
        assert len(crowd) < 70 or closed(crowd[-1], 0.3)


def test_this_machines_own_clients_have_no_limit_of_their_address(show: Path) -> None:
    with zeromq_of(show, config=replace(QUICK, max_per_address=1)) as server, ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(zeromq_player(server.port, "tiny")).open()


def test_a_drain_says_goodbye(show: Path, big_show: Path) -> None:
    with zeromq_of(show, big_show, config=PATIENT) as server, zeromq_player(server.port, "tiny") as idle:
        idle.open()
        with zeromq_player(server.port, "big", credit=100_000) as busy:
            busy.open()
            busy.session.subscribe(Fraction(0), rung=0)
            while not any(isinstance(event, Ended | Arrived) or busy.session.due for event in busy.step()):
                continue
            assert server.drain(0.2) is False
            for client in (idle, busy):
                events: list[object] = []
                while not any(isinstance(event, Left) for event in events):
                    events += client.step()
        with dealer(server.port) as late:
            late.send(hello("tiny"))
            assert isinstance(answer(late), Bye)


def test_a_file_that_is_cut_short(big_show: Path, tmp_path: Path) -> None:
    copy = tmp_path / "big.lfv"
    copy.write_bytes(big_show.read_bytes())
    with zeromq_of(copy) as server, zeromq_player(server.port, "big") as client:
        client.open()
        client.play()
        os.truncate(copy, 10 << 20)
        with pytest.raises(StreamError, match="cannot read"):
            client.play()
        with zeromq_player(server.port, "big") as other:
            other.open()
            other.session.subscribe(Fraction(0), rung=0)
            events: list[object] = []
            while not any(isinstance(event, Arrived) for event in events):
                events += other.step()


def test_a_live_show(tmp_path: Path) -> None:
    """Chunks come as they are written; the end comes with the end of the encoder."""
    out = tmp_path / "live.lfv"
    with zeromq_of(out, live=True, config=PATIENT) as server:
        with dealer(server.port) as wire:
            wire.send(hello("live"))
            found = answer(wire)
            assert isinstance(found, Error) and found.code == "busy" and "not begun" in found.message
        with PartialShow.open_or_create(out, fingerprint=b"x") as journal:
            journal.append(examples.segments(0), notes=encode_manifest(examples.manifest(chunks=1)))
            wait_until(lambda: server.ask(lambda s: bool(s._shelf.shows())))
            with zeromq_player(server.port, "live") as client:
                assert client.open().live
                client.session.subscribe(None, rung=0)
                arrived: list[int] = []
                for number in range(1, 5):
                    while len(arrived) < number:
                        arrived += [event.chunk for event in client.step() if isinstance(event, Arrived)]
                    journal.append(examples.segments(number))
                journal.finalise(examples.manifest(chunks=5))
                events: list[object] = []
                while not any(isinstance(event, Ended) for event in events):
                    events += client.step()
        with zeromq_player(server.port, "live") as client:
            assert not client.open().live and len(client.play()) == 5


def test_encryption(show: Path, big_show: Path, tmp_path: Path) -> None:
    keys = load_or_make_curve_keys(tmp_path / "secret")
    with zeromq_of(show, big_show, config=replace(QUICK, keys=keys, hello_s=5.0)) as server:
        with zeromq_player(server.port, "big", server_key=keys.public, credit=8 << 20) as client:
            assert len(client.play()) == 4
        public, _ = zmq.curve_keypair()
        for wrong in ("", public.decode()):
            with dealer(server.port, server_key=wrong) as wire, pytest.raises(TimeoutError):
                wire.send(hello("tiny"))
                wire.recv(timeout=0.4)
        wait_until(lambda: server.count("connections") == 0)


def test_the_key_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    before = os.umask(0)
    try:
        keys = load_or_make_curve_keys(path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(keys.public) == len(keys.secret) == 40 and keys.secret not in repr(keys)
    assert load_or_make_curve_keys(path) == keys == CurveKeys(keys.public, keys.secret)
    path.chmod(0o640)
    with pytest.raises(UsageError, match=r"others may read; run chmod 600"):
        load_or_make_curve_keys(path)
    for text in ("", "short", "é" * 20, "x" * 41, keys.secret[:-1] + "\x01"):
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        with pytest.raises(UsageError, match="holds no key"):
            load_or_make_curve_keys(path)
    with pytest.raises(StorageError):
        load_or_make_curve_keys(tmp_path / "missing" / "secret")


def test_addresses_that_cannot_be_had(show: Path) -> None:
    with zeromq_of(show) as server:
        for config, says in (
            (ZeromqConfig(port=server.port), "in use"),
            (ZeromqConfig(host="192.0.2.1"), "cannot listen"),
            (ZeromqConfig(host="no such host"), "cannot listen"),
        ):
            with pytest.raises(StorageError, match=says), zeromq_of(show, config=config):
                pass


@pytest.mark.parametrize("host", ["localhost", "::1", "0.0.0.0", ""])
def test_other_addresses(show: Path, host: str) -> None:
    with zeromq_of(show, config=replace(QUICK, host=host)) as server:
        at = "[::1]" if host == "::1" else "127.0.0.1"
        with dealer(server.port, host=at) as wire:
            wire.send(hello("tiny"))
            assert isinstance(answer(wire), Welcome)
