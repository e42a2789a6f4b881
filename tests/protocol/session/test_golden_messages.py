"""The bytes of every message: checked-in ones are read as what they were, and writing those gives the same bytes.

python -m tests.protocol.session.test_golden_messages --regenerate     (only with a new version of the protocol)
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import pytest

from protocol.session import messages
from protocol.session.messages import (
    PART_HEADER_BYTES,
    Appended,
    Bye,
    Credit,
    End,
    Error,
    Hello,
    PartHead,
    Ping,
    Pong,
    Subscribe,
    Switch,
    Welcome,
    decode_message,
    decode_part,
    encode_message,
    encode_part_head,
    is_part,
)

GOLDEN = Path(__file__).parent / "golden" / "messages.txt"

MESSAGES = {
    "hello": Hello((1,), "steak", "geheim", "lfv/0.1", ("live",), 262_144),
    "hello, least": Hello((0,), "", "", "", (), 0),
    "welcome": Welcome(1, "lfv/0.1", ("live",), True, 65_536),
    "subscribe": Subscribe(1, Fraction(3003, 30000), 3),
    "subscribe, newest": Subscribe(4_294_967_295, None, 0),
    "switch": Switch(2, 7),
    "credit": Credit(67_108_864),
    "ping": Ping(4_294_967_295),
    "pong": Pong(0),
    "appended": Appended(2, bytes(range(60))),
    "end": End(1, 65_536),
    "bye": Bye("the server goes away"),
    "error": Error("show", "no show 'é' here"),
}
PARTS = {
    "part of the front": (PartHead(0, 0, 0, 0, 16_384, 16_387), b"\1\2\3"),
    "part of a segment": (PartHead(1, 4_294_967_295, 65_535, 7, 0, 2), b"\xfe\xff"),
}


def golden() -> dict[str, bytes]:
    lines = (line.partition(": ") for line in GOLDEN.read_text(encoding="utf-8").splitlines())
    return {name: bytes.fromhex(data) for name, _, data in lines}


def test_every_kind_is_there():
    assert {type(m).__name__.lower() for m in MESSAGES.values()} == set(messages._READERS)
    assert list(golden()) == [*MESSAGES, *PARTS]


@pytest.mark.parametrize("name", MESSAGES)
def test_messages(name):
    data = golden()[name]
    assert not is_part(data)
    assert decode_message(data) == MESSAGES[name]
    assert encode_message(MESSAGES[name]) == data


@pytest.mark.parametrize("name", PARTS)
def test_parts(name):
    data, (head, payload) = golden()[name], PARTS[name]
    assert is_part(data)
    found, rest = decode_part(data)
    assert found == head and bytes(rest) == payload
    assert encode_part_head(head) == data[:PART_HEADER_BYTES] and len(data) == 20 + len(payload)


def test_the_bytes_are_those_of_the_specification():
    data = golden()
    assert data["part of a segment"].hex(" ") == "c1 01 07 00 ff ff ff ff ff ff 00 00 00 00 00 00 02 00 00 00 fe ff"
    assert data["ping"] == b"\x82\xa4type\xa4ping\xa2id\xce\xff\xff\xff\xff"
    assert data["subscribe, newest"].endswith(b"\xa4time\xc0\xa4rung\x00")
    assert data["subscribe"].endswith(b"\xa4time\x92\xcd\x03\xe9\xcd\x27\x10\xa4rung\x03")


if __name__ == "__main__" and "--regenerate" in sys.argv:
    made = {name: encode_message(message) for name, message in MESSAGES.items()}
    made |= {name: encode_part_head(head) + payload for name, (head, payload) in PARTS.items()}
    GOLDEN.write_text("".join(f"{name}: {data.hex()}\n" for name, data in made.items()), encoding="utf-8")
    sys.stdout.write(f"{GOLDEN}: {len(made)} messages\n")
