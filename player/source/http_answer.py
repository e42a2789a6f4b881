"""What a web server's answer to a range request means. No socket here. SPEC section 8.11."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

from player.source import failures
from player.source.address import Address, parse_address
from protocol.errors import StreamError, UsageError
from protocol.fields import printable

_CONTENT_RANGE = re.compile(r"bytes[ \t]+(\d{1,19})-(\d{1,19})/(\d{1,19})", re.ASCII | re.IGNORECASE)
_MOVED = (301, 302, 303, 307, 308)
_WORDS = 200  # of the server's own are repeated


@dataclass(frozen=True)
class Answer:
    """Status and headers; these in small letters."""

    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Copy:
    """What tells one state of the file on the server from another."""

    size: int
    etag: str | None
    modified: str | None

    @property
    def condition(self) -> str | None:
        """For If-Range; a weak tag promises no equal bytes."""
        return None if self.etag is None or self.etag.startswith("W/") else self.etag

    def is_same(self, other: Copy) -> bool:
        """By the tags, where both have one; else by the dates. Machines of a CDN may differ in the latter."""
        if self.size != other.size:
            return False
        tagged = self.etag is not None and other.etag is not None
        return self.etag == other.etag if tagged else self.modified == other.modified


def moved_to(address: Address, answer: Answer) -> Address | None:
    """Where the answer sends a player, or None where it is no redirect. Raises StreamError."""
    location = answer.headers.get("location")
    if answer.status not in _MOVED or location is None:
        return None
    try:
        target = parse_address(urljoin(f"{address.kind}://{address.authority}{address.path}", location))
    except (UsageError, ValueError) as error:
        raise _refused(address, answer, "sends players to an address that they cannot use") from error
    if target.kind not in ("http", "https"):
        raise _refused(address, answer, "sends players to what is no web server")
    if address.secure and not target.secure:
        raise _refused(address, answer, "sends players away from TLS")
    return target


def check_first(address: Address, answer: Answer, *, length: int) -> tuple[int, Copy]:
    """The answer to the file's first `length` bytes -> how many come, and the copy. Raises StreamError."""
    last, copy = _check_range(address, answer, start=0)
    if last != min(length, copy.size) - 1:
        raise _refused(address, answer, f"answers bytes 0 to {last}, not those that were asked for")
    return last + 1, copy


def check_range(address: Address, answer: Answer, known: Copy, *, start: int, length: int) -> None:
    """The answer brings exactly these bytes of the known copy. Raises StreamError."""
    if answer.status in (200, 412, 416) or answer.status in _MOVED:
        same = answer.headers.get("etag", known.etag) == known.etag
        if answer.status == 200 and same and answer.headers.get("content-length", "") == str(known.size):
            raise _ignored(address, answer)
        raise _changed(address)
    last, copy = _check_range(address, answer, start=start)
    if not copy.is_same(known):
        raise _changed(address)
    if last != start + length - 1:
        raise _refused(address, answer, f"answers bytes {start} to {last}, not those that were asked for")


def refusal(address: Address, answer: Answer, body: bytes = b"") -> StreamError:
    """The error for an answer that brings no bytes; `body` is what the server says to it."""
    status, words = answer.status, words_of(answer.headers.get("content-type", ""), body)
    if status in failures.RETRYABLE:
        return StreamError(f"{address.text} is busy (HTTP {status}{words})")
    if status in failures.REFUSALS:
        code, reason = failures.REFUSALS[status]
        return StreamError(f"{address.text} {reason} (HTTP {status}{words})", code=code)
    if status == 416:
        return StreamError(f"{address.text} is empty (HTTP 416)", code="show")
    return _refused(address, answer, "does not give the show", words)


def _check_range(address: Address, answer: Answer, *, start: int) -> tuple[int, Copy]:
    """A 206 of one range from `start` on -> its last byte, and the copy."""
    if answer.status == 200:
        raise _ignored(address, answer)
    if answer.status != 206:
        raise refusal(address, answer)
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise _refused(address, answer, "packs the show's bytes; switch compression of .lfv files off there")
    match = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", "").strip())
    if match is None:
        raise _refused(address, answer, "does not say which bytes it sends and how many there are")
    first, last, size = map(int, match.groups())
    if first != start or not first <= last < size:
        raise _refused(address, answer, f"answers bytes {first} to {last} of {size}, not those that were asked for")
    if answer.headers.get("content-length", str(last - first + 1)) != str(last - first + 1):
        raise _refused(address, answer, "contradicts itself about how many bytes it sends")
    return last, Copy(size, answer.headers.get("etag"), answer.headers.get("last-modified"))


def _ignored(address: Address, answer: Answer) -> StreamError:
    return _refused(address, answer, "ignores byte ranges; serve the show with nginx, a CDN or 'lfv serve'")


def _changed(address: Address) -> StreamError:
    return StreamError(f"{address.text} has changed on the server; open it again")


def _refused(address: Address, answer: Answer, reason: str, words: str = "") -> StreamError:
    return StreamError(f"{address.text} {reason} (HTTP {answer.status}{words})", code=failures.CAPABILITY)


def words_of(content_type: str, body: bytes) -> str:
    """What a server says in a line of plain text, for the end of an error: it knows best why it refuses."""
    if not content_type.startswith("text/plain"):
        return ""
    line = body[: 4 * _WORDS].decode(errors="replace").strip().partition("\n")[0]
    return f": {printable(line)[:_WORDS]}" if line else ""
