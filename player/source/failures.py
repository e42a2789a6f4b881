"""What the network and its libraries say, in words that name the address."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from player.source.address import Address
from protocol.errors import LfvError, StreamError
from protocol.fields import printable

# Codes of refusals that no server sent: trying again changes nothing. The others are those of SPEC 8.5.
CERTIFICATE = "certificate"
CAPABILITY = "capability"
_MOST_CHARACTERS = 120

# What HTTP's statuses mean here; whatever is in neither is a refusal of another kind.
REFUSALS = {
    401: ("token", "asks for a token; give --token, or ?token= behind the address"),
    403: ("token", "lets nobody in with this token, or from here; check --token"),
    404: ("show", "has no such show; check the name"),
    410: ("show", "has the show no more"),
}
RETRYABLE = (408, 425, 429, 500, 502, 503, 504)


@contextmanager
def reaching(address: Address, *, within_s: float) -> Iterator[None]:
    """Around the way to a server: what fails there becomes a StreamError."""
    try:
        yield
    except LfvError:
        raise
    except TimeoutError as error:
        raise late(address, within_s) from error
    except ssl.SSLCertVerificationError as error:
        raise StreamError(
            f"{address.text} has a certificate that is not trusted: {error.verify_message}; "
            "check the address, or name the authority's file with --ca FILE",
            code=CERTIFICATE,
        ) from error
    except ssl.SSLError as error:
        reason = (error.reason or "it fails").replace("_", " ").lower()
        raise StreamError(f"{address.text} does not speak TLS ({reason}); does it without the 's'?") from error
    except socket.gaierror as error:
        raise StreamError(f"{address.text} is not found: {error.strerror or error}; check the name") from error
    except (asyncio.IncompleteReadError, EOFError, ConnectionResetError, BrokenPipeError) as error:
        raise closed(address) from error
    except OSError as error:
        raise unreachable(address, _number(error) or 0, str(error)) from error


def brief(error: Exception) -> str:
    """A library's words, which may repeat what the other end sent: without what terminals obey, and not for ever."""
    return printable(str(error))[:_MOST_CHARACTERS]


def late(address: Address, seconds: float) -> StreamError:
    """No first answer came."""
    return StreamError(f"{address.text} does not answer within {seconds:g} s; is it an lfv server, and is it up?")


def closed(address: Address) -> StreamError:
    """The connection went away without a word."""
    return StreamError(f"{address.text} closed the connection")


def silent(address: Address, seconds: float) -> StreamError:
    """Something was due and did not come."""
    return StreamError(f"nothing came from {address.text} for {seconds:.1f} s")


def unreachable(address: Address, number: int, message: str = "") -> StreamError:
    """The system says, by an errno or 0 and a message, that there is no way."""
    if number == errno.ECONNREFUSED:
        return StreamError(f"{address.text} refuses the connection; is the server running there?")
    reason = os.strerror(number).lower() if number else message or "nobody says why"
    return StreamError(f"{address.text} cannot be reached: {reason}")


def _number(error: OSError) -> int | None:
    """The errno. Where asyncio tried several addresses it stands in the text only."""
    found = re.search(r"\[Errno (\d+)\]", str(error))
    return error.errno if error.errno or found is None else int(found[1])
