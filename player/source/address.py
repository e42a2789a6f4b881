"""Where a show is: what people type, or a server prints, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from protocol.errors import UsageError

Kind = Literal["file", "http", "https", "ws", "wss", "tcp"]

_DEFAULT_PORTS: dict[str, int | None] = {"http": 80, "https": 443, "ws": 80, "wss": 443, "tcp": None}
_SUFFIX = ".lfv"
_MEND = "give a .lfv file, or http://, https://, ws://, wss:// or tcp:// with HOST:PORT/NAME.lfv"
_MOST_CHARACTERS = 4096


@dataclass(frozen=True)
class Address:
    """One show at one place.

    Attributes:
        kind: how it is reached.
        host: name or address without brackets; empty for a file.
        port: TCP port; 0 for a file.
        path: of a file its path, else path and query of the request, percent-encoded.
        show: the name by which a server knows the show: the file's name without ".lfv".
        text: what messages call it. It holds neither a query nor a token.
        token: what the query said lets the client in, or empty.
    """

    kind: Kind
    host: str
    port: int
    path: str
    show: str
    text: str
    token: str = field(default="", repr=False)

    @property
    def secure(self) -> bool:
        """Whether it is reached through TLS."""
        return self.kind in ("https", "wss")

    @property
    def authority(self) -> str:
        """HOST:PORT as a URL writes it; the port is left out where it is the default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS.get(self.kind) else f"{host}:{self.port}"


def parse_address(text: str) -> Address:
    """What was typed -> where the show is. Raises UsageError."""
    if not text or "\0" in text or len(text) > _MOST_CHARACTERS:
        raise UsageError(f"no show is named by {len(text)} such characters; {_MEND}")
    scheme, colon, rest = text.partition(":")
    kind = scheme.lower()
    if kind in _DEFAULT_PORTS and colon and not rest.startswith("//"):
        raise UsageError(f"'{_shown(text)}' lacks the slashes behind '{scheme}:'; {_MEND}")
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text):
        return Address("file", "", 0, text, Path(text).name.removesuffix(_SUFFIX), text)
    if kind not in _DEFAULT_PORTS:
        raise UsageError(f"'{_shown(text)}' is reached by '{scheme}', which players do not know; {_MEND}")
    return _parse_url(text, kind)


def _parse_url(text: str, kind: str) -> Address:
    shown = _shown(text)
    if re.search(r"[\s\x00-\x1f\x7f\\]", text):
        raise UsageError(f"'{shown}' has spaces or control characters; write them percent-encoded, like %20")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        ascii_host = host if ":" in host else host.encode("idna").decode("ascii")
    except ValueError as error:  # a UnicodeError of the host's name is one, too
        raise UsageError(f"'{shown}' has no host and port that can be used: {error}; {_MEND}") from error
    if parts.username is not None or parts.password is not None:
        raise UsageError(f"'{shown}' has a user or password in it; use --token, or ?token= at its end")
    if not host or "%" in host:
        raise UsageError(f"'{shown}' names no host; {_MEND}")
    if parts.fragment:
        raise UsageError(f"'{shown}' has a '#' in it; write it %23 where it belongs to the name")
    port = _DEFAULT_PORTS[kind] if port is None else port
    if not port:
        raise UsageError(f"'{shown}' has no port; {_MEND}")
    show = unquote(parts.path.rpartition("/")[2]).removesuffix(_SUFFIX)
    if not show or "/" in show or not show.isprintable():
        raise UsageError(f"'{shown}' names no show; {_MEND}")
    token, query = _token(parts)
    # What is encoded already stays as it is; the rest becomes ASCII.
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._") + (f"?{query}" if query else "")
    return Address(_KINDS[kind], ascii_host, port, path, show, shown, token)


_KINDS: dict[str, Kind] = {"http": "http", "https": "https", "ws": "ws", "wss": "wss", "tcp": "tcp"}


def _token(parts: SplitResult) -> tuple[str, str]:
    """The query's token and the query without it."""
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    token = next((value for name, value in pairs if name == "token"), "")
    if not any(name == "token" for name, _ in pairs):
        # Nothing is taken out: signed addresses are kept to the letter.
        return "", quote(parts.query, safe="/?%:@!$&'()*+,;=~-._")
    return token, urlencode([(name, value) for name, value in pairs if name != "token"])


def _shown(text: str) -> str:
    """The address without what may be secret: user, password and query."""
    bare = re.split(r"[?#]", text, maxsplit=1)[0]
    return re.sub(r"//[^/]*@", "//", bare)
