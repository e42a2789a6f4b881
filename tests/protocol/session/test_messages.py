"""Messages are read strictly, and nothing is allocated because a message says so."""

from __future__ import annotations

import contextlib
import tracemalloc
from dataclasses import replace
from fractions import Fraction

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import limits
from protocol.errors import FormatError
from protocol.session.messages import (
    PASSING_CODES,
    Appended,
    Credit,
    Error,
    Hello,
    PartHead,
    Ping,
    Subscribe,
    Switch,
    decode_message,
    decode_part,
    encode_message,
    encode_part_head,
)
from tests.protocol.session.test_golden_messages import MESSAGES

HELLO = MESSAGES["hello"]
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=30)
VERSIONS = st.lists(st.integers(0, (1 << 32) - 1), min_size=1, max_size=16).map(tuple)


def packed(kind: str, **fields: object) -> bytes:
    return msgpack.packb({"type": kind, **fields})


@given(st.builds(Hello, VERSIONS, TEXTS, TEXTS, TEXTS, st.lists(TEXTS.filter(bool), max_size=5).map(tuple), st.just(7)))
def test_round_trip(hello):
    assert decode_message(encode_message(hello)) == hello


@given(st.integers(0, 1 << 20), st.fractions(0, 1 << 30, max_denominator=1 << 20), st.integers(0, 7))
def test_round_trip_of_times(generation, time, rung):
    message = Subscribe(generation + 1, time, rung)
    assert decode_message(encode_message(message)) == message


@pytest.mark.parametrize("message", MESSAGES.values(), ids=list(MESSAGES))
def test_unknown_keys_are_ignored_and_known_ones_must_be_there(message):
    document = msgpack.unpackb(encode_message(message))
    assert decode_message(msgpack.packb(document | {"later": [1, {"x": b"y"}]})) == message
    for key in document:
        with pytest.raises(FormatError, match=f"{key} is missing"):
            decode_message(msgpack.packb({k: v for k, v in document.items() if k != key}))


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "not strict msgpack"),
        (b"\xc1", "not strict msgpack"),
        (msgpack.packb([]), "must be a map"),
        (packed("later"), "type is 'later'"),
        (msgpack.packb({"type": 1}), "must be a text"),
        (packed("ping", id=-1), r"ping\.id is -1"),
        (packed("ping", id=1 << 32), "must be in"),
        (packed("ping", id=True), "must be an integer"),
        (packed("ping", id=1.0), "must be an integer"),
        (packed("credit", bytes=0), "must be in"),
        (packed("credit", bytes=limits.MAX_CREDIT_BYTES + 1), "must be in"),
        (packed("switch", generation=0, rung=0), "must be in"),
        (packed("switch", generation=1 << 32, rung=0), "must be in"),
        (packed("switch", generation=1, rung=8), "must be in"),
        (packed("subscribe", generation=1, time=[1, 0], rung=0), "must be in"),
        (packed("subscribe", generation=1, time=[2, 4], rung=0), "lowest terms"),
        (packed("subscribe", generation=1, time=[-1, 4], rung=0), "starts at 0"),
        (packed("subscribe", generation=1, time=[(1 << 32) + 1, 1], rung=0), "lowest terms"),
        (packed("subscribe", generation=1, time=[1], rung=0), "list of 2"),
        (packed("subscribe", generation=1, time=1.5, rung=0), "list of 2"),
        (packed("appended", first=1, rows=b""), "must not be empty"),
        (packed("appended", first=0, rows=b"x"), "must be in"),
        (packed("appended", first=1, rows="text"), "must be at most"),
        (packed("end", generation=1, chunks=0), "must be in"),
        (packed("error", code="", message=""), "must not be empty"),
        (packed("bye", reason="a\nb"), "control characters"),
        (packed("bye", reason="a\x9b31m"), "control characters"),
        (packed("bye", reason="x" * 1025), "longer than 1024"),
        (b"\x82" + packed("ping", id=1)[1:] + b"\0", "not strict msgpack"),
        (b"\x82\xa4type\xa4ping\xa4type\xa4ping", "stands twice"),
        (packed("ping", id=1, x=bytes(1 << 16)), "at most 65536"),
    ],
)
def test_refused(data, match):
    with pytest.raises(FormatError, match=match):
        decode_message(data)


@pytest.mark.parametrize(
    "fields",
    [
        {"versions": ()},
        {"versions": (1,) * 17},
        {"versions": (-1,)},
        {"capabilities": ("x",) * 65},
        {"capabilities": ("",)},
        {"credit": -1},
        {"credit": limits.MAX_CREDIT_BYTES + 1},
        {"show": "\0"},
        {"token": "x" * 1025},
        {"agent": "\ud800"},
    ],
)
def test_nobody_sends_what_nobody_takes(fields):
    with pytest.raises(FormatError):
        encode_message(replace(HELLO, **fields))


@pytest.mark.parametrize(
    "message",
    [Credit(0), Ping(1 << 32), Switch(0, 0), Appended(1, b""), Error("", "x"), Subscribe(1, Fraction(1, 1 << 40), 0)],
)
def test_nor_other_messages(message):
    with pytest.raises(FormatError):
        encode_message(message)


def part(kind=1, generation=1, chunk=0, rung=0, offset=0, total=3, length=3) -> bytes:
    return encode_part_head(PartHead(kind, generation, chunk, rung, offset, total)) + bytes(length)


@pytest.mark.parametrize(
    "data",
    [
        part(),
        part(kind=0, generation=0),
        part(offset=1 << 20, total=(1 << 20) + 1, length=1),
        part(total=1 << 27, length=16_384),
        part(total=1 << 27, length=1 << 20),
        part(kind=0, generation=0, total=24 << 20, length=1 << 20),
    ],
)
def test_parts(data):
    head, payload = decode_part(data)
    assert encode_part_head(head) + bytes(payload) == data


@pytest.mark.parametrize(
    "data",
    [
        b"\xc1",
        part()[:20],  # no payload
        part(kind=2),
        part(generation=0),
        part(kind=0),  # the front has no generation
        part(kind=0, generation=0, chunk=1),
        part(kind=0, generation=0, rung=1),
        part(chunk=65_536),
        part(rung=8),
        part(length=4),  # beyond its total
        part(offset=1),
        part(offset=0xFFFF_FFFF),
        part(total=0),
        part(total=0xFFFF_FFFF, length=16_384),  # 4 GiB
        part(total=(1 << 27) + 1, length=16_384),
        part(kind=0, generation=0, total=(24 << 20) + 1, length=16_384),
        part(length=2),  # small, and not the last
        part(total=20_000, length=16_383),
        part(total=1 << 27, length=(1 << 20) + 1),
    ],
)
def test_parts_that_nobody_sends(data):
    with pytest.raises(FormatError, match="a part"):
        decode_part(data)


BOMBS = {
    "lists in lists": b"\x81\xa1a" + b"\xdc\x10\x00" * 20_000,
    "maps in maps": b"\x81\xa1a" + b"\xde\x01\x00\xa1a" * 12_000,
    "small lists in lists": b"\x81\xa1a" + b"\xdc\x00\x40" * 20_000,
    "one-element lists": b"\x81\xa1a" + b"\x91" * 65_000,
    "4 Gi entries": b"\x81\xa1a\xdd\xff\xff\xff\xff",
    "4 Gi keys": b"\x81\xa1a\xdf\xff\xff\xff\xff",
    "4 GiB of text": b"\x81\xa1a\xdb\xff\xff\xff\xff",
    "4 GiB of bytes": b"\x81\xa1a\xc6\xff\xff\xff\xff",
    "4 GiB of extension": b"\x81\xa1a\xc9\xff\xff\xff\xff\x05",
    "4 Gi entries at the top": b"\xdf\xff\xff\xff\xff",
    "many short lists": b"\x81\xa1a\xdc\x00\x40" + (b"\xdc\x00\x40" + b"\xc0" * 64) * 64,
    "a long part": part(total=0xFFFF_FFFF, length=20_000),
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_a_message_declares_is_not_allocated(name):
    read = decode_part if name == "a long part" else decode_message
    tracemalloc.start()
    try:
        with pytest.raises(FormatError):
            read(BOMBS[name])
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes(data, as_part):
    with contextlib.suppress(FormatError):
        decode_part(b"\xc1" + data) if as_part else decode_message(data)


def test_codes_say_whether_trying_again_may_help():
    assert set(PASSING_CODES) == {"timeout", "busy", "storage"}
