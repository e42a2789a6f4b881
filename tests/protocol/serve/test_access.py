"""Whose requests are answered: origins, names of the machine, tokens."""

from __future__ import annotations

import pytest

from protocol.serve.access import Access, host_name, is_local, offered_token

APP = "https://app.example"


@pytest.mark.parametrize(
    ("access", "origin", "host", "allowed"),
    [
        (Access(), None, "localhost:8080", True),
        (Access(), None, None, True),
        (Access(), None, "[::1]:8080", True),
        (Access(), None, "app.localhost", True),
        (Access(), None, "app.example", False),
        (Access(), None, "127.0.0.1.evil.example", False),
        (Access(local=False), None, "app.example", True),
        (Access((APP,)), None, "app.example", True),
        (Access(("*",)), "https://any.example", "any.example", True),
        (Access(), "http://localhost:8080", "localhost:8080", True),
        (Access(), "http://LOCALHOST:8080", "Localhost:8080", True),
        (Access(), "http://[::1]:8080", "[::1]:8080", True),
        (Access(), "http://localhost:8081", "localhost:8080", False),
        (Access(), "file://localhost:8080", "localhost:8080", False),
        (Access(), "null", "localhost:8080", False),
        (Access(("null",)), "null", "localhost:8080", True),
        (Access(), "", "localhost:8080", False),
        (Access((APP,)), APP, "localhost:8080", True),
        (Access((APP,)), "https://app.example.evil", "localhost:8080", False),
        (Access((APP,)), f"{APP}, https://evil.example", "localhost:8080", False),
        (Access(local=False), "https://a.example", "a.example", True),
        (Access(local=False), "https://b.example", "a.example", False),
        (Access(local=False), "http://[", "a.example", False),
    ],
)
def test_origin_and_host(access: Access, origin: str | None, host: str | None, allowed: bool) -> None:
    assert (access.refusal(origin, host) is None) is allowed


@pytest.mark.parametrize(
    ("headers", "query", "token"),
    [
        ({}, "", ""),
        ({"authorization": "Bearer abc"}, "", "abc"),
        ({"authorization": "bearer  abc "}, "token=x", "abc"),
        ({"authorization": "Basic abc"}, "token=x", "x"),
        ({}, "a=b&token=x%2By", "x+y"),
        ({}, "token=", ""),
        ({}, "&" * 1000 + "token=x", ""),
    ],
)
def test_offered_token(headers: dict[str, str], query: str, token: str) -> None:
    assert offered_token(headers, query) == token


def test_names() -> None:
    assert host_name("[::1]:80") == "::1" and host_name("a.example:80") == "a.example" and host_name("a") == "a"
    assert is_local("127.1.2.3") and is_local("::1") and not is_local("0.0.0.0") and not is_local("10.0.0.1")
