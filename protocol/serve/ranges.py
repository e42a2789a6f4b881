"""Byte ranges and validators of HTTP (RFC 9110, sections 8.8, 13 and 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes[ \t]*=[ \t]*(\d*)-(\d*)[ \t]*", re.ASCII | re.IGNORECASE)
_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_DIGITS = 19  # of any number that a file's size can have


@dataclass(frozen=True)
class ByteRange:
    """Bytes [start, start + length) of a file; without a length, nothing of it was asked for (416)."""

    start: int
    length: int

    def content_range(self, size: int) -> str:
        """The header's value for a file of `size` bytes."""
        if not self.length:
            return f"bytes */{size}"
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


def requested_range(value: str | None, *, size: int) -> ByteRange | None:
    """What a Range header asks for, or None for all of the file.

    All is also the answer to several ranges, to other units and to what is no range: section 14.2 lets a server ignore
    them, and nobody can make it send a small part many times.

    Args:
        value: the header, None where there was none.
        size: of the file in bytes, at least 1.
    """
    match = _RANGE.fullmatch(value) if value is not None else None
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        length = min(_number(match[2]), size)
        return ByteRange(size - length, length)
    start = _number(match[1])
    last = _number(match[2]) if match[2] else size - 1
    if match[2] and last < start:
        return None
    return ByteRange(start, max(0, min(last, size - 1) - start + 1))


def range_applies(if_range: str | None, etag: str) -> bool:
    """Whether If-Range lets the range stand: only the very same strong tag does; dates are not kept here."""
    return if_range is None or if_range.strip() == etag


def holds(value: str | None, etag: str) -> bool:
    """Whether a list of tags (If-None-Match) holds this one, by weak comparison; `*` holds every one."""
    if value is None:
        return False
    return value.strip() == "*" or any(tag.removeprefix("W/") == etag for tag in _TAG.findall(value))


def _number(digits: str) -> int:
    """Of a text of digits; longer ones than any size are as good as endless, and dear to convert."""
    digits = digits.lstrip("0") or "0"
    return int(digits[:_DIGITS]) if len(digits) <= _DIGITS else 10**_DIGITS
