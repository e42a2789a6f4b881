"""Who may ask: the token of a request, and the pages of browsers that may read the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

EVERYONE = "*"


@dataclass(frozen=True)
class Access:
    """What a server lets in.

    Attributes:
        origins: of browsers' pages besides the server's own, like "https://example.org"; "*" for all.
        local: the server listens on this machine only, so it is only known by this machine's names.
    """

    origins: tuple[str, ...] = ()
    local: bool = True

    def refusal(self, origin: str | None, host: str | None) -> str | None:
        """Why a request with these headers is not answered, or None.

        A name of another machine that leads here is an attack on a browser behind this address (DNS rebinding).
        """
        if EVERYONE in self.origins:
            return None
        own = (host or "").lower()
        named = {urlsplit(known).netloc for known in self.origins}
        if self.local and host is not None and own not in named and not is_local(host_name(own)):
            return f"this server is not called '{own[:64]}'; start it with --origin http://{own[:64]}"
        if origin is None or origin in self.origins:
            return None
        if origin.lower() in (f"http://{own}", f"https://{own}"):
            return None
        return f"pages from '{origin[:64]}' may not use this server; start it with --origin {origin[:64]}"


def host_name(host: str) -> str:
    """A Host header without its port, an IPv6 address without its brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def is_local(name: str) -> bool:
    """Whether a name or an address means the machine itself."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def offered_token(headers: Mapping[str, str], query: str) -> str:
    """The token of a request: `Authorization: Bearer T`, else `?token=T`, else empty."""
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    try:
        return parse_qs(query, max_num_fields=64).get("token", [""])[0]
    except ValueError:
        return ""
