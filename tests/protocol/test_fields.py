"""Documents from outside are read strictly, and errors name the field."""

from __future__ import annotations

import contextlib
import math

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import FormatError
from protocol.fields import Fields, pack_document, unpack_document


def _unpack(data: bytes) -> Fields:
    return unpack_document(data, name="manifest", max_bytes=10_000)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        msgpack.packb([1]),
        msgpack.packb({1: 2}),
        msgpack.packb({b"a": 2}),
        b"\x82\xa1a\x01\xa1a\x02",  # the same key twice
        b"\x81\xa1a\xc7\x00\x05",  # an extension type
        b"\x81\xa1a\xd6\xff\x00\x00\x00\x00",  # a timestamp
        b"\x81\xa1a\xa1\xff",  # not UTF-8
        b"\x81\xa1a" + b"\x91" * 5000 + b"\x01",  # nested too deep
        b"\x81\xa1a\xdd\xff\xff\xff\xff",  # 2**32 - 1 entries
        b"\x81\xa1a\xc6\xff\xff\xff\xff",  # 4 GiB of bytes
        msgpack.packb({"a": 1}) + b"\0",
        bytes(10_001),
    ],
)
def test_only_one_strict_map_is_taken(data):
    with pytest.raises(FormatError, match="manifest"):
        _unpack(data).integer("a", low=0, high=9)


def test_errors_name_the_path():
    f = Fields({"a": {"b": [{"c": "x"}]}}, "manifest")
    (entry,) = f.map("a").maps("b", most=3)
    with pytest.raises(FormatError, match=r"^manifest\.a\.b\[0\]\.c must be an integer$"):
        entry.integer("c", low=0, high=1)
    with pytest.raises(FormatError, match=r"^manifest\.a\.b\[0\]\.d is missing$"):
        entry.text("d")


@pytest.mark.parametrize("value", [True, "1", None, math.nan, math.inf, -1.0, 11, 10**400, [1]])
def test_real_numbers(value):
    with pytest.raises(FormatError):
        Fields({"a": value}, "m").real("a", low=0, high=10)


def test_infinity_only_where_it_is_meant():
    assert Fields({"a": math.inf}, "m").real("a", low=0, high=10, infinite=True) == math.inf
    with pytest.raises(FormatError):
        Fields({"a": -math.inf}, "m").real("a", low=0, high=10, infinite=True)


@pytest.mark.parametrize("value", [[2, 4], [1, 0], [1, -1], [1.0, 2], [1], [1, 1 << 32], [0, 1], [101, 1], "1/2"])
def test_fractions_are_in_lowest_terms_and_in_range(value):
    with pytest.raises(FormatError):
        Fields({"a": value}, "m").fraction("a", above=0, high=100)


@pytest.mark.parametrize("text", ["a\nb", "\x00", "\x1b[31m", "x" * 1025])
def test_texts_cannot_steer_a_terminal(text):
    with pytest.raises(FormatError):
        Fields({"a": text}, "m").text("a")


def test_values_without_a_form_are_our_error():
    with pytest.raises(FormatError):
        pack_document({"a": object()})


@given(st.binary(max_size=200))
def test_any_bytes_give_a_document_or_one_error(data):
    with contextlib.suppress(FormatError):
        _unpack(data)
