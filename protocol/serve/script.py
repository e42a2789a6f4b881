"""The browser's player as a server has it: one file, held in memory as it was when the server started."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from hashlib import sha256

from protocol.serve.answers import Headers
from protocol.serve.content import Content

# A page asks each time whether there is a newer one, and is told so in a few bytes where there is none.
_KEPT: Headers = (("Cache-Control", "no-cache"), ("Vary", "Accept-Encoding"))
_DESCRIBED: Headers = (("Content-Type", "text/javascript; charset=utf-8"),)
_WEIGHT = re.compile(r"[ \t]*q[ \t]*=[ \t]*([01](?:\.\d{0,3})?)[ \t]*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Script:
    """A module of JavaScript.

    Attributes:
        plain: as it is. gzipped: the same, compressed.
        digest: of the plain bytes, in hexadecimal digits.
    """

    plain: bytes
    gzipped: bytes
    digest: str


def script_of(data: bytes) -> Script:
    """Compress it once, for all who will ask."""
    return Script(data, gzip.compress(data, 9, mtime=0), sha256(data).hexdigest()[:32])


def script_content(script: Script, accept_encoding: str | None) -> Content:
    """What a request with that Accept-Encoding gets. The two forms are other bytes, so they have other tags."""
    if takes_gzip(accept_encoding):
        data, etag, encoding = script.gzipped, f'"{script.digest}-gzip"', (("Content-Encoding", "gzip"),)
        described = _DESCRIBED + encoding
    else:
        data, etag, described = script.plain, f'"{script.digest}"', _DESCRIBED
    return Content(
        noun="script",
        etag=etag,
        size=len(data),
        part=lambda start, length: data[start : start + length],
        kept=_KEPT,
        described=described,
    )


def takes_gzip(accept_encoding: str | None) -> bool:
    """Whether the header (RFC 9110, 12.5.3) allows gzip; without it nothing is compressed, as programs expect."""
    weights = {}
    for entry in (accept_encoding or "").lower().split(","):
        coding, *parameters = entry.split(";")
        match = _WEIGHT.fullmatch(parameters[0]) if parameters else None
        weights[coding.strip()] = float(match[1]) if match else 1.0
    return weights.get("gzip", weights.get("*", 0.0)) > 0
