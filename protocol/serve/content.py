"""Bytes that clients may keep, and ask for in ranges: RFC 9110, sections 8.8, 13 and 14."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from protocol.serve.answers import Answer, Headers, Request, in_words, with_headers
from protocol.serve.ranges import holds, range_applies, requested_range
from protocol.serve.shelf import FilePart


@dataclass(frozen=True)
class Content:
    """What lies at an address.

    Attributes:
        noun: what refusals call it, like "show".
        etag: strong: other bytes have another one.
        size: in bytes, at least 1.
        part: `length` bytes from `start`; may raise StorageError.
        kept: headers besides the tag that a client stores with it.
        described: headers that only an answer with the bytes has.
    """

    noun: str
    etag: str
    size: int
    part: Callable[[int, int], bytes | FilePart]
    kept: Headers
    described: Headers


def answer_with(content: Content, request: Request) -> Answer:
    """All of it, a range, or why neither, as the request's conditions say. Raises what `content.part` raises."""
    asked = request.headers
    kept = (("ETag", content.etag), *content.kept)
    if asked.get("if-match") is not None and not holds(asked["if-match"], content.etag):
        return with_headers(in_words(412, f"the {content.noun} is not the one that you have"), ("ETag", content.etag))
    if holds(asked.get("if-none-match"), content.etag):
        return Answer(304, kept)
    headers = (*kept, *content.described, ("Accept-Ranges", "bytes"))
    part = None
    # RFC 9110, 14.2: a range means nothing to HEAD.
    if request.method == "GET" and range_applies(asked.get("if-range"), content.etag):
        part = requested_range(asked.get("range"), size=content.size)
    if part is None:
        return Answer(200, headers, content.part(0, content.size))
    where = ("Content-Range", part.content_range(content.size))
    if not part.length:
        return with_headers(in_words(416, f"the {content.noun} has {content.size} bytes"), where)
    return Answer(206, (*headers, where), content.part(part.start, part.length))
