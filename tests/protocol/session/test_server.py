"""The server's end, message by message."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from protocol import limits
from protocol.errors import StreamError
from protocol.session.messages import (
    Appended,
    Bye,
    Credit,
    End,
    Error,
    Hello,
    Message,
    Ping,
    Pong,
    Subscribe,
    Switch,
    Welcome,
    decode_message,
    decode_part,
    encode_message,
    is_part,
)
from protocol.session.server import HELLO_S, SILENCE_S, PlannedPart, ServerSession
from tests.protocol.session.pipe import find_only, whole
from tests.protocol.session.shows import SMALL, MemoryShow

HELLO = Hello((1,), "tiny", "", "client", ("live",), 1 << 20)


def served(show: MemoryShow | None = None, *, token: str = "") -> tuple[ServerSession, MemoryShow]:
    show = show or MemoryShow()
    return ServerSession(find_only(show, token=token), agent="server", now=0.0), show


def say(session: ServerSession, *messages: Message, now: float = 0.0) -> None:
    for message in messages:
        session.receive(encode_message(message), now=now)


def drain(session: ServerSession, show: MemoryShow) -> list[bytes]:
    out = []
    while (message := whole(session, show)) is not None:
        out.append(message)
    return out


def opened(show: MemoryShow | None = None, *, credit: int = 1 << 20) -> tuple[ServerSession, MemoryShow]:
    """Welcomed, the front sent, and `credit` left."""
    session, show = served(show)
    say(session, replace(HELLO, credit=len(show.front) + credit))
    assert [is_part(m) for m in drain(session, show)] == [False, True]
    return session, show


def parts(messages: list[bytes]) -> list[tuple[int, int, int, int, int]]:
    """(generation, chunk, rung, offset, length) of each part."""
    out = []
    for message in messages:
        head, payload = decode_part(message)
        out.append((head.generation, head.chunk, head.rung, head.offset, len(payload)))
    return out


def refusal(session: ServerSession, show: MemoryShow) -> Error:
    """The last thing that is said."""
    assert session.closing
    *_, last = drain(session, show)
    error = decode_message(last)
    assert isinstance(error, Error) and session.next() is None
    return error


def test_hello_is_answered_by_welcome_and_the_front():
    session, show = served()
    assert session.next() is None and session.hello is None and session.show is None
    say(session, HELLO)
    welcome, front = drain(session, show)
    assert decode_message(welcome) == Welcome(1, "server", ("live",), False, len(show.front))
    assert front[:20].hex() == "c1000000" + "00" * 12 + len(show.front).to_bytes(4, "little").hex()
    assert front[20:] == show.front
    assert session.hello == HELLO and session.show is show and not session.closing


def test_the_newest_common_version_is_chosen():
    session, show = served()
    say(session, replace(HELLO, versions=(7, 1, 0)))
    assert decode_message(drain(session, show)[0]).version == 1


@pytest.mark.parametrize(
    ("hello", "code", "words"),
    [
        (replace(HELLO, versions=(2, 3)), "version", "speaks protocol 1, the client 2, 3; update the older one"),
        (replace(HELLO, show="other"), "show", "no show 'other'"),
        (replace(HELLO, token="wrong"), "token", "token is wrong"),
        (Ping(1), "message", "first message must be a hello"),
        (Subscribe(1, Fraction(0), 0), "message", "first message must be a hello"),
        (Bye("x"), "message", "first message must be a hello"),
        (Welcome(1, "", (), False, 1), "message", "first message must be a hello"),
    ],
)
def test_refused_at_the_door(hello, code, words):
    session, show = served()
    say(session, hello)
    error = refusal(session, show)
    assert error.code == code and words in error.message
    assert session.hello is None and session.show is None


def test_a_live_show_needs_a_client_that_can_follow():
    session, show = served(MemoryShow(live=True))
    say(session, replace(HELLO, capabilities=("something",)))
    assert refusal(session, show).code == "capability"
    session, show = served(MemoryShow(live=False))
    say(session, replace(HELLO, capabilities=()))
    assert not session.closing


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (HELLO, "message"),
        (Welcome(1, "", (), False, 1), "message"),
        (Pong(1), "message"),
        (End(1, 1), "message"),
        (Appended(1, b"x"), "message"),
        (Error("x", ""), "message"),
        (Subscribe(1, Fraction(0), 2), "rung"),
        (Switch(1, 0), "generation"),
        (Credit(limits.MAX_CREDIT_BYTES), "credit"),
    ],
)
def test_refused_later(message, code):
    session, show = opened()
    say(session, message)
    assert refusal(session, show).code == code


@pytest.mark.parametrize("data", [b"", b"\xc1" + bytes(40), b"\x80", b"\xff", b"hello"])
def test_no_message_at_all(data):
    for session, show in (served(), opened()):
        session.receive(data, now=0.0)
        assert refusal(session, show).code == "message"


def test_after_an_error_nothing_is_taken_or_sent():
    session, show = opened()
    say(session, Subscribe(1, Fraction(0), 0), Pong(1), Ping(2), Subscribe(2, Fraction(0), 0), Bye("x"))
    assert len(drain(session, show)) == 1
    session.fail("busy", "again")
    session.leave("again")
    session.tick(1e9)
    assert session.next() is None


def test_segments_come_one_after_the_other_and_then_the_end():
    session, show = opened()
    say(session, Subscribe(1, Fraction(0), 1))
    *media, end = drain(session, show)
    assert parts(media) == [(1, n, 1, 0, row[1]) for n, row in enumerate(SMALL)]
    assert [m[20:] for m in media] == [show.segment(n, 1) for n in range(4)]
    assert decode_message(end) == End(1, 4)
    assert session.next() is None and not session.closing


def test_they_begin_with_the_chunk_at_the_time():
    session, show = opened()
    chunks = show.index.chunks
    for generation, (time, first) in enumerate(
        [(chunks[1].start, 1), (chunks[2].start - Fraction(1, 10**6), 1), (None, 3), (Fraction(1000), 3)], start=1
    ):
        say(session, Subscribe(generation, time, 1))
        assert parts(drain(session, show)[:-1])[0][:2] == (generation, first)


def test_parts_are_no_longer_than_a_mib_and_nothing_is_left_out():
    session, show = opened(MemoryShow([[(5 << 20) + 1]]), credit=48 << 20)
    say(session, Subscribe(1, Fraction(0), 0))
    *media, _ = drain(session, show)
    assert [p[4] for p in parts(media)] == [1 << 20] * 5 + [1]
    assert b"".join(m[20:] for m in media) == show.segment(0, 0)


def test_never_more_than_the_credit():
    session, show = opened(MemoryShow([[100_000]]), credit=40_000)
    say(session, Subscribe(1, Fraction(0), 0))
    assert [p[3:] for p in parts(drain(session, show))] == [(0, 16_384), (16_384, 16_384)]
    say(session, Credit(9_151))  # 16,383 in all
    assert session.next() is None
    say(session, Credit(1))
    assert [p[3:] for p in parts(drain(session, show))] == [(32_768, 16_384)]


def test_the_last_part_needs_no_more_credit_than_its_bytes():
    session, show = opened(MemoryShow([[16_384 + 5]]), credit=16_384)
    say(session, Subscribe(1, Fraction(0), 0))
    assert len(drain(session, show)) == 1
    say(session, Credit(4))
    assert session.next() is None
    say(session, Credit(1))
    assert parts(drain(session, show)[:1])[0][3:] == (16_384, 5)


def test_the_front_needs_credit_too():
    session, show = served()
    say(session, replace(HELLO, credit=0))
    assert len(drain(session, show)) == 1
    say(session, Subscribe(1, Fraction(0), 1), Credit(len(show.front)))
    (front,) = drain(session, show)
    assert front[20:] == show.front
    say(session, Credit(300))
    assert parts(drain(session, show)) == [(1, 0, 1, 0, 300)]


def test_a_new_generation_makes_the_old_one_stale():
    session, show = opened(MemoryShow([[100_000], [100_000]]), credit=20_000)
    say(session, Subscribe(1, Fraction(0), 0))
    assert parts(drain(session, show)) == [(1, 0, 0, 0, 16_384)]
    say(session, Subscribe(9, show.index.chunks[1].start, 0), Credit(16_384))
    assert parts(drain(session, show)) == [(9, 1, 0, 0, 16_384)]
    say(session, Subscribe(9, Fraction(0), 0))
    assert refusal(session, show).code == "generation"


def test_a_switch_waits_for_the_next_chunk():
    session, show = opened(credit=16_384 + 5_000)
    say(session, Subscribe(1, Fraction(0), 0))
    assert parts(drain(session, show)) == [(1, 0, 0, 0, 5000), (1, 1, 0, 0, 16_384)]
    say(session, Switch(1, 1), Credit(1 << 20))
    *media, _ = drain(session, show)
    assert [p[1:3] for p in parts(media)] == [(1, 0), (2, 1), (3, 1)]


def test_the_last_switch_before_a_chunk_begins_counts():
    session, show = opened(credit=0)
    say(session, Subscribe(1, Fraction(0), 0), Switch(1, 1), Switch(1, 0), Switch(1, 1), Credit(300))
    assert session.next() is not None
    say(session, Switch(1, 0), Switch(1, 1), Switch(1, 0), Credit(1 << 20))
    assert [p[1:3] for p in parts(drain(session, show)[:-1])] == [(1, 0), (2, 0), (3, 0)]


def test_a_stale_switch_is_ignored_and_one_of_the_future_refused():
    session, show = opened()
    say(session, Subscribe(5, Fraction(0), 1), Switch(4, 7))
    assert {p[2] for p in parts(drain(session, show)[:-1])} == {1}
    say(session, Switch(6, 0))
    assert refusal(session, show).code == "generation"


def test_after_the_end_one_may_subscribe_again():
    session, show = opened()
    for generation in (1, 2):
        say(session, Subscribe(generation, None, 1))
        assert decode_message(drain(session, show)[-1]) == End(generation, 4)


def test_pings_are_answered_the_newest_only():
    session, show = opened()
    say(session, Ping(3))
    assert decode_message(session.next()) == Pong(3)
    say(session, *(Ping(n) for n in range(500)))
    assert [decode_message(m) for m in drain(session, show)] == [Pong(499)]


def test_what_is_held_for_a_client_that_never_reads_is_bounded():
    session, show = opened(credit=0)
    for n in range(20_000):
        say(session, Ping(n), Subscribe(n + 1, None, 0), Switch(n + 1, 1), now=n / 300)
    assert not session.closing
    assert [decode_message(m) for m in drain(session, show)] == [Pong(19_999)]


def test_a_pong_does_not_wait_for_credit():
    session, show = served()
    say(session, replace(HELLO, credit=0), Ping(1))
    assert [type(decode_message(m)) for m in drain(session, show)] == [Welcome, Pong]


def test_deadline_of_the_hello():
    session, show = served()
    session.tick(HELLO_S)
    assert not session.closing
    session.tick(HELLO_S + 0.1)
    assert refusal(session, show).code == "timeout"


def test_deadline_of_silence():
    session, show = opened()
    say(session, Ping(1), now=100.0)
    session.tick(100.0 + SILENCE_S)
    assert not session.closing
    session.tick(100.1 + SILENCE_S)
    error = refusal(session, show)
    assert error.code == "timeout" and "send a ping" in error.message


def test_too_many_messages():
    session, show = opened()
    say(session, *(Ping(n) for n in range(limits.MAX_MESSAGES_PER_S + 1)))
    assert refusal(session, show).code == "limit"


def test_long_messages_count_more():
    session, show = opened()
    stuffed = b"\x83" + encode_message(Ping(1))[1:] + b"\xa1x\xc5\xff\x00" + bytes(0xFF00)
    for _ in range(10):
        session.receive(stuffed, now=0.0)
    assert refusal(session, show).code == "limit"


def test_the_server_may_leave_and_the_client_too():
    session, show = opened()
    session.leave("maintenance\n")
    assert [decode_message(m) for m in drain(session, show)] == [Bye("maintenance?")] and session.closing
    session, show = opened()
    say(session, Bye("enough"))
    assert session.closing and session.next() is None


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("storage", "a\nb\x9b\ud800", Error("storage", "a?b??")),
        ("", "x" * 5000, Error("message", "x" * 1024)),
        ("busy", "", Error("busy", "")),
    ],
)
def test_any_text_can_be_told_as_an_error(code, message, expected):
    session, show = opened()
    session.fail(code, message)
    assert refusal(session, show) == expected


def test_a_refusal_without_a_code_gets_one():
    def find(hello: Hello) -> MemoryShow:
        raise StreamError("no")

    session = ServerSession(find, agent="server", now=0.0)
    say(session, HELLO)
    assert refusal(session, MemoryShow()) == Error("message", "no")


def test_the_front_is_given_up_once_it_is_sent():
    session, show = served()
    say(session, HELLO)
    session.next()
    part = session.next()
    assert isinstance(part, PlannedPart) and session.front_bytes(part) == show.front
    assert session.next() is None and session.front_bytes(part) == b""
