"""What people type and servers print is taken apart, or refused in words that help."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.source.address import Address, parse_address
from protocol.errors import UsageError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("show.lfv", Address("file", "", 0, "show.lfv", "show", "show.lfv")),
        ("a b/c:d/steak.lfv", Address("file", "", 0, "a b/c:d/steak.lfv", "steak", "a b/c:d/steak.lfv")),
        ("takes/12", Address("file", "", 0, "takes/12", "12", "takes/12")),
        (
            "http://h:81/dir/steak.lfv",
            Address("http", "h", 81, "/dir/steak.lfv", "steak", "http://h:81/dir/steak.lfv"),
        ),
        ("HTTP://H/steak", Address("http", "h", 80, "/steak", "steak", "HTTP://H/steak")),
        ("https://h/x.lfv", Address("https", "h", 443, "/x.lfv", "x", "https://h/x.lfv")),
        ("ws://h:8090/x.lfv", Address("ws", "h", 8090, "/x.lfv", "x", "ws://h:8090/x.lfv")),
        ("wss://[::1]/x.lfv", Address("wss", "::1", 443, "/x.lfv", "x", "wss://[::1]/x.lfv")),
        ("tcp://[::1]:5555/x.lfv", Address("tcp", "::1", 5555, "/x.lfv", "x", "tcp://[::1]:5555/x.lfv")),
        (
            "ws://h/caf%C3%A9%20noir.lfv",
            Address("ws", "h", 80, "/caf%C3%A9%20noir.lfv", "café noir", "ws://h/caf%C3%A9%20noir.lfv"),
        ),
        ("ws://h/café.lfv", Address("ws", "h", 80, "/caf%C3%A9.lfv", "café", "ws://h/café.lfv")),
        (
            "http://bücher.example/x.lfv",
            Address("http", "xn--bcher-kva.example", 80, "/x.lfv", "x", "http://bücher.example/x.lfv"),
        ),
    ],
)
def test_addresses_are_taken_apart(text: str, expected: Address) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "give a .lfv file"),
        ("a\0b", "give a .lfv file"),
        ("x" * 5000, "give a .lfv file"),
        ("ftp://h/x.lfv", "reached by 'ftp'"),
        ("file:///x.lfv", "reached by 'file'"),
        ("http:/h/x.lfv", "lacks the slashes"),
        ("ws:h/x.lfv", "lacks the slashes"),
        ("http://", "names no host"),
        ("http:///x.lfv", "names no host"),
        ("http://:80/x.lfv", "names no host"),
        ("tcp://h/x.lfv", "has no port"),
        ("ws://h:0/x.lfv", "has no port"),
        ("ws://h:70000/x.lfv", "no host and port"),
        ("ws://h:port/x.lfv", "no host and port"),
        ("ws://[::1/x.lfv", "no host and port"),
        ("ws://[fe80::1%25eth0]/x.lfv", "names no host"),
        (f"ws://{'a' * 64}.example/x.lfv", "no host and port"),
        ("ws://h", "names no show"),
        ("ws://h/dir/", "names no show"),
        ("ws://h/.lfv", "names no show"),
        ("ws://h/a%2Fb.lfv", "names no show"),
        ("ws://h/a%0Ab.lfv", "names no show"),
        ("ws://user:secret@h/x.lfv", "has a user or password"),
        ("ws://h/x.lfv#t=3", "has a '#'"),
        ("ws://h/a b.lfv", "percent-encoded"),
        ("ws://h/a\r\nHost: evil/x.lfv", "percent-encoded"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_mend(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=r";") as raised:
        parse_address(text)
    assert says in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_token_is_taken_out_of_the_query_and_never_shown() -> None:
    address = parse_address("http://h/x.lfv?token=s%20cret&size=2")
    assert address.token == "s cret"
    assert address.path == "/x.lfv?size=2"
    assert address.text == "http://h/x.lfv"
    assert "cret" not in repr(address)


def test_a_signed_query_is_sent_to_the_letter_and_not_shown() -> None:
    address = parse_address("https://cdn/x.lfv?Expires=5&Signature=a+b%2F~c==&Key-Pair-Id=K")
    assert address.path == "/x.lfv?Expires=5&Signature=a+b%2F~c==&Key-Pair-Id=K"
    assert "Signature" not in address.text


@pytest.mark.parametrize(
    ("text", "authority"),
    [
        ("http://h/x", "h"),
        ("http://h:80/x", "h"),
        ("http://h:443/x", "h:443"),
        ("https://h:443/x", "h"),
        ("ws://[::1]:8090/x", "[::1]:8090"),
        ("tcp://h:5/x", "h:5"),
    ],
)
def test_the_authority_is_what_a_host_header_says(text: str, authority: str) -> None:
    assert parse_address(text).authority == authority


@given(st.text(max_size=40), st.sampled_from(["", "http://", "ws://h/", "tcp://h:1/", "https://h/?", "http://["]))
def test_any_text_is_an_address_or_a_usage_error(text: str, start: str) -> None:
    try:
        address = parse_address(start + text)
    except UsageError:
        return
    assert address.kind == "file" or (address.host and address.port and address.show)
    assert address.kind == "file" or (address.path.isascii() and address.path.isprintable() and " " not in address.path)
