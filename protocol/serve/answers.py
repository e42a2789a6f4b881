"""A request over HTTP, its answer, and the answers that are sentences for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus

from protocol.serve.shelf import FilePart

_TEXT = "text/plain; charset=utf-8"

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Request:
    """A request without a body. `headers` have small letters; one that came twice is joined by a comma."""

    method: str
    target: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """Status, headers besides the ones that every answer has, and a body that is here or in a file."""

    status: int
    headers: Headers = ()
    body: bytes | FilePart = b""
    close: bool = False

    @property
    def length(self) -> int:
        """Bytes of the body."""
        return len(self.body) if isinstance(self.body, bytes) else self.body.length


def in_words(status: int, message: str, *, close: bool = False) -> Answer:
    """An answer that is a sentence for people."""
    return Answer(status, (("Content-Type", _TEXT), ("Cache-Control", "no-store")), f"{message}\n".encode(), close)


def with_headers(found: Answer, *more: tuple[str, str]) -> Answer:
    """The answer with further headers."""
    return replace(found, headers=found.headers + more)


def reason(status: int) -> str:
    """The status' name."""
    return HTTPStatus(status).phrase
