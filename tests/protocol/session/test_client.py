"""The client's end, message by message: what it says, and what it believes of a server."""

from __future__ import annotations

from fractions import Fraction

import pytest

from protocol import limits
from protocol.container import check_segment
from protocol.errors import FormatError, StreamError
from protocol.index import encode_row
from protocol.session.client import Arrived, ClientSession, Ended, Grown, Left, Opened, Ponged, Progress
from protocol.session.messages import (
    ERROR_CODES,
    PASSING_CODES,
    Appended,
    Bye,
    Credit,
    End,
    Error,
    Hello,
    Message,
    PartHead,
    Ping,
    Pong,
    Subscribe,
    Switch,
    Welcome,
    decode_message,
    encode_message,
    encode_part_head,
)
from tests.protocol.session.shows import SMALL, MemoryShow

SHOW = MemoryShow()
LIVE_SHOW = MemoryShow(live=True)
T1 = SHOW.index.chunks[1].start


def client(*, credit: int = 1 << 20) -> ClientSession:
    return ClientSession(show="tiny", token="geheim", agent="me", credit=credit)


def said(session: ClientSession) -> list[Message]:
    """What it has said since."""
    out = [decode_message(m) for m in session.outgoing]
    session.outgoing.clear()
    return out


def hear(session: ClientSession, *messages: Message) -> list:
    return [event for m in messages for event in session.receive(encode_message(m))]


def part(kind: int, generation: int, chunk: int, rung: int, offset: int, total: int, payload: bytes) -> bytes:
    return encode_part_head(PartHead(kind, generation, chunk, rung, offset, total)) + payload


def front(data: bytes, *, offset: int = 0, total: int | None = None) -> bytes:
    return part(0, 0, 0, 0, offset, len(data) if total is None else total, data)


def segment(show: MemoryShow, chunk: int, rung: int, *, generation: int = 1, at: int = 0, length: int = 1 << 20):
    data = show.segment(chunk, rung)
    return part(1, generation, chunk, rung, at, len(data), data[at : at + length])


def opened(show: MemoryShow = SHOW, *, credit: int = 1 << 20) -> ClientSession:
    """Open, with that much credit left."""
    session = client(credit=credit + len(show.front))
    hear(session, Welcome(1, "server", ("live",), show.live, len(show.front)))
    (event,) = session.receive(front(show.front))
    assert isinstance(event, Opened) and event.index == show.index and event.live == show.live
    assert event.manifest.frame_count == show.index.frame_count
    said(session)
    return session


def test_it_says_hello():
    session = client()
    assert said(session) == [Hello((1,), "tiny", "geheim", "me", ("live",), 1 << 20)]
    assert session.granted == 1 << 20


def test_a_hello_that_no_server_takes():
    with pytest.raises(FormatError, match=r"hello\.token"):
        ClientSession(show="tiny", token="x" * 2000, agent="me", credit=0)


def test_the_show_opens_with_its_front_in_parts():
    big = MemoryShow([[100]] * 400)
    assert len(big.front) > 20_000
    session = client()
    assert hear(session, Welcome(1, "server", (), False, len(big.front))) == []
    with pytest.raises(StreamError, match="'tiny' is not open yet"):
        session.subscribe(Fraction(0), rung=0)
    assert session.receive(front(big.front[:16_384], total=len(big.front))) == []
    (event,) = session.receive(front(big.front[16_384:], offset=16_384, total=len(big.front)))
    assert isinstance(event, Opened) and session.index == big.index
    assert session.granted == (1 << 20) - len(big.front)


def test_what_it_asks_for():
    session = opened()
    session.subscribe(Fraction(0), rung=1)
    session.switch(0)
    session.grant(1000)
    session.ping(7)
    session.subscribe(None, rung=0)
    session.leave("enough\n")
    assert said(session) == [
        Subscribe(1, Fraction(0), 1),
        Switch(1, 0),
        Credit(1000),
        Ping(7),
        Subscribe(2, None, 0),
        Bye("enough?"),
    ]


@pytest.mark.parametrize(
    ("time", "start"),
    [(-1, 0), (T1 + Fraction(1, 1 << 60), T1), (Fraction(0.0333), 0), (10**9, SHOW.index.chunks[3].start)],
)
def test_it_names_the_chunk_by_its_start(time, start):
    session = opened()
    session.subscribe(Fraction(time), rung=0)
    assert said(session) == [Subscribe(1, Fraction(start), 0)]


def test_segments_arrive_and_the_show_ends():
    session = opened()
    session.subscribe(T1, rung=0)
    events = session.receive(segment(SHOW, 1, 0, length=16_384))
    assert events == [Progress(1, 0, 16_384, 40_000)]
    events = session.receive(segment(SHOW, 1, 0, at=16_384))
    assert events[0] == Progress(1, 0, 40_000, 40_000) and isinstance(events[1], Arrived)
    assert (events[1].chunk, events[1].rung, events[1].data) == (1, 0, SHOW.segment(1, 0))
    check_segment(session.index, 1, 0, events[1].data)
    session.switch(1)
    for chunk in (2, 3):
        assert isinstance(session.receive(segment(SHOW, chunk, 1))[-1], Arrived)
    assert hear(session, End(1, 4)) == [Ended()]
    assert session.granted == (1 << 20) - 40_000 - 16_384 - 20_000


def test_the_newest_chunk_is_the_server_s_choice():
    session = opened()
    session.subscribe(None, rung=1)
    assert isinstance(session.receive(segment(SHOW, 3, 1))[-1], Arrived)
    assert hear(session, End(1, 4)) == [Ended()]


def test_nothing_stale_after_a_seek():
    session = opened()
    session.subscribe(Fraction(0), rung=0)
    session.receive(segment(SHOW, 0, 0))
    session.receive(segment(SHOW, 1, 0, length=16_384))
    session.subscribe(T1, rung=0)
    granted = session.granted
    assert session.receive(segment(SHOW, 1, 0, at=16_384, length=16_384)) == []
    assert hear(session, End(1, 4)) == []
    assert session.granted == granted - 16_384
    events = session.receive(segment(SHOW, 1, 0, generation=2, length=16_384))
    assert events == [Progress(1, 0, 16_384, 40_000)]


def test_pings_and_leaving():
    session = opened()
    session.ping(7)
    assert hear(session, Pong(7), Bye("going")) == [Ponged(7), Left("going")]
    early = client()
    early.ping(1)
    assert hear(early, Pong(1), Bye("full")) == [Ponged(1), Left("full")]


def test_a_pong_without_a_ping_is_refused() -> None:
    session = opened()
    session.ping(1)
    assert hear(session, Pong(1)) == [Ponged(1)]
    for number in (1, 2):
        with pytest.raises(StreamError, match="not sent"):
            hear(session, Pong(number))


@pytest.mark.parametrize("code", [*ERROR_CODES, "of the future"])
def test_refusals_keep_their_code_unless_they_may_pass(code):
    for session in (client(), opened()):
        with pytest.raises(StreamError, match="the server refuses 'tiny': because") as caught:
            hear(session, Error(code, "because"))
        assert caught.value.code == ("" if code in PASSING_CODES else code)


def test_credit_has_its_bounds():
    session = opened()
    for count in (0, -1, limits.MAX_CREDIT_BYTES - session.granted + 1):
        with pytest.raises(FormatError):
            session.grant(count)
    session.grant(limits.MAX_CREDIT_BYTES - session.granted)
    assert session.granted == limits.MAX_CREDIT_BYTES


def test_a_live_show_grows():
    show = MemoryShow(live=True)
    session = opened(show)
    session.subscribe(None, rung=0)
    session.receive(segment(show, 3, 0, length=1 << 19))
    show.grow([[17, 18]])
    (event,) = hear(session, Appended(4, encode_row(show.index.chunks[4])))
    assert isinstance(event, Grown) and event.index == show.index == session.index
    assert isinstance(session.receive(segment(show, 4, 0))[-1], Arrived)
    assert hear(session, End(1, 5)) == [Ended()]
    with pytest.raises(StreamError, match="appends chunk 5 to a show of 5"):
        hear(session, Appended(5, encode_row(show.index.chunks[4])))


def due(session: ClientSession, *messages: bytes) -> bool:
    for message in messages:
        session.receive(message)
    return session.due


def test_due_is_what_nothing_holds_back():
    session = client(credit=0)
    assert session.due  # the welcome
    hear(session, Welcome(1, "", (), False, len(SHOW.front)))
    assert not session.due  # no credit for the front
    session.grant(len(SHOW.front) + 300)
    assert due(session)
    assert not due(session, front(SHOW.front))  # nobody asked for a segment
    session.subscribe(Fraction(0), rung=1)
    assert due(session)
    assert not due(session, segment(SHOW, 0, 1))  # 16,384 bytes are next
    session.grant(16_383)
    assert not session.due
    session.grant(1)
    assert session.due
    assert not due(session, segment(SHOW, 1, 1, length=16_384))  # one byte is left
    session.grant(1 << 20)
    assert due(session)
    for message in (segment(SHOW, 1, 1, at=16_384), segment(SHOW, 2, 1)):
        assert due(session, message)
    assert not due(session, segment(SHOW, 3, 1))  # no chunk is left


def test_a_newest_chunk_is_due_as_well():
    session = opened(LIVE_SHOW)
    session.subscribe(None, rung=0)
    assert session.due


# What a server may not do, before the show is open.
EARLY = {
    "a second welcome": [Welcome(1, "", (), False, 9), Welcome(1, "", (), False, 9)],
    "a version that was not offered": [Welcome(2, "", (), False, 9)],
    "growth": [Appended(1, b"x")],
    "the end": [End(1, 1)],
    "a client's message": [Ping(1)],
}


@pytest.mark.parametrize("messages", EARLY.values(), ids=list(EARLY))
def test_not_before_the_show(messages):
    with pytest.raises(StreamError) as caught:
        hear(client(), *messages)
    assert caught.value.code in ("", "version")


FRONTS = {
    "without a welcome": (None, front(SHOW.front)),
    "a segment": (len(SHOW.front), segment(SHOW, 0, 0)),
    "another length": (len(SHOW.front) + 1, front(SHOW.front)),
    "from the middle": (len(SHOW.front), front(SHOW.front[1:], offset=1, total=len(SHOW.front))),
    "with bytes behind": (len(SHOW.front) + 1, front(SHOW.front + b"\0")),
    "cut short": (len(SHOW.front) - 1, front(SHOW.front[:-1])),
    "damaged": (len(SHOW.front), front(SHOW.front[:-1] + b"\x55")),
    "no show at all": (20, front(bytes(20))),
}


@pytest.mark.parametrize("name", FRONTS)
def test_wrong_fronts(name):
    length, message = FRONTS[name]
    session = client()
    if length is not None:
        hear(session, Welcome(1, "", (), False, length))
    with pytest.raises((StreamError, FormatError)):
        session.receive(message)
    with pytest.raises(StreamError):
        _ = session.index


# And after a subscription of generation 1 at chunk 1, rung 0, with 100,000 bytes of credit.
LATER = {
    "a second welcome": encode_message(Welcome(1, "", (), False, 9)),
    "the front again": front(SHOW.front),
    "a client's message": encode_message(Credit(1)),
    "another chunk": segment(SHOW, 2, 0),
    "another rung": segment(SHOW, 1, 1),
    "a chunk that does not exist": part(1, 1, 4, 0, 0, 9, bytes(9)),
    "a generation of the future": segment(SHOW, 1, 0, generation=2),
    "another length than the index says": part(1, 1, 1, 0, 0, 39_999, bytes(39_999)),
    "from the middle": segment(SHOW, 1, 0, at=1),
    "small parts": segment(SHOW, 1, 0, length=16_383),
    "more than the credit": part(1, 1, 1, 0, 0, 100_001, bytes(100_001)),
    "the end before the last chunk": encode_message(End(1, 4)),
    "an end of the future": encode_message(End(2, 4)),
    "the end of another show": encode_message(End(1, 3)),
    "growth of a finished show": encode_message(Appended(4, encode_row(SHOW.index.chunks[3]))),
    "nothing": b"",
    "a part without a head": b"\xc1\x01",
    "no message": b"\x00",
}


@pytest.mark.parametrize("name", LATER)
def test_a_server_that_breaks_the_protocol(name):
    session = opened(credit=100_000)
    session.subscribe(T1, rung=0)
    with pytest.raises((StreamError, FormatError)) as caught:
        session.receive(LATER[name])
    assert getattr(caught.value, "code", "") == ""


def test_a_segment_may_not_change_on_its_way():
    for name, following in {
        "a gap": segment(SHOW, 1, 0, at=20_000),
        "again": segment(SHOW, 1, 0),
        "another chunk": segment(SHOW, 2, 0),
        "another rung": part(1, 1, 1, 1, 16_384, 40_000, bytes(23_616)),
        "the end": encode_message(End(1, 4)),
    }.items():
        session = opened()
        session.subscribe(T1, rung=0)
        session.switch(1)
        session.receive(segment(SHOW, 1, 0, length=16_384))
        with pytest.raises(StreamError):
            session.receive(following)
            pytest.fail(name)


def test_not_a_byte_more_than_the_credit():
    for credit in (40_000, 39_999):
        session = opened(credit=credit)
        session.subscribe(T1, rung=0)
        if credit == 40_000:
            assert isinstance(session.receive(segment(SHOW, 1, 0))[-1], Arrived)
            continue
        with pytest.raises(StreamError, match="more than it was granted"):
            session.receive(segment(SHOW, 1, 0))


def test_nothing_is_sent_that_was_not_subscribed():
    session = opened()
    with pytest.raises(StreamError):
        session.receive(segment(SHOW, 0, 0))
    with pytest.raises(FormatError):
        opened().receive(segment(SHOW, 0, 0, generation=0))


def test_the_end_comes_once():
    session = opened()
    session.subscribe(None, rung=1)
    session.receive(segment(SHOW, 3, 1))
    assert hear(session, End(1, 4)) == [Ended()]
    with pytest.raises(StreamError):
        hear(session, End(1, 4))


@pytest.mark.parametrize("first", [3, 5])
def test_growth_continues_the_index(first):
    show = MemoryShow(SMALL, live=True)
    session = opened(show)
    show.grow([[1, 2], [3, 4]])
    with pytest.raises(StreamError):
        hear(session, Appended(first, encode_row(show.index.chunks[4])))
    with pytest.raises(FormatError):
        hear(session, Appended(4, encode_row(show.index.chunks[5])))
    with pytest.raises(FormatError):
        hear(session, Appended(4, encode_row(show.index.chunks[4])[:-1]))
